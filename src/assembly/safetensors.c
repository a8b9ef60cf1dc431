/* Reads safetensors files. The format: the length of the header in 8 bytes, little-endian; the header, a
 * JSON object that maps names to type, shape and byte range; the bytes, which the ranges cover without gap
 * or overlap. */
#include "antiphon/safetensors.h"

#include "assembly/checksum.h"
#include "assembly/halves.h"
#include "assembly/safetensors_types.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "numbers are read without conversion: this needs a little-endian machine"
#endif

/* Enough for 30 000 tensors, more than any model here has. A parsed header may take forty times its size in
 * memory, so the reference implementation's limit of 100 MB would cost gigabytes. */
#define HEADER_MOST ((uint64_t)4 << 20)
/* Numbers that need converting are read this many at a time. */
#define CHUNK 8192
/* Doubles, and so JSON, hold all whole numbers up to this exactly. */
#define WHOLE_MOST 9007199254740992.0

typedef enum number_type { TYPE_F32, TYPE_F64, TYPE_F16, TYPE_BF16, TYPE_OTHER } number_type;

static const struct {
    const char *name;
    number_type type;
    int64_t bytes;
} types[] = {
    {SAFETENSORS_F32, TYPE_F32, 4}, {"F64", TYPE_F64, 8},       {"F16", TYPE_F16, 2},
    {"BF16", TYPE_BF16, 2},         {"BOOL", TYPE_OTHER, 1},    {"U8", TYPE_OTHER, 1},
    {"I8", TYPE_OTHER, 1},          {"U16", TYPE_OTHER, 2},     {"I16", TYPE_OTHER, 2},
    {"U32", TYPE_OTHER, 4},         {"I32", TYPE_OTHER, 4},     {"U64", TYPE_OTHER, 8},
    {"I64", TYPE_OTHER, 8},         {"F8_E4M3", TYPE_OTHER, 1}, {"F8_E5M2", TYPE_OTHER, 1},
    {"F8_E8M0", TYPE_OTHER, 1},     {"C64", TYPE_OTHER, 8},
};

typedef struct entry {
    const char *name; /* in the parsed header */
    size_t type;      /* in `types` */
    ap_shape shape;
    int64_t begin, end; /* byte range after the header */
    uint32_t sum;       /* checksum of its bytes, if the file has checksums */
} entry;

struct ap_safetensors {
    char *path;
    int descriptor;
    cJSON *header;
    const cJSON **metadata; /* the entries of the header's metadata, in ascending order of keys */
    size_t metadata_count;
    bool summed;     /* whether there are checksums */
    entry *entries;  /* in the order of their byte ranges */
    size_t *by_name; /* indices of entries, in ascending order of names */
    size_t count;
    int64_t data_at, data_bytes;
};

static ap_status fault(const ap_safetensors *file, const char *tensor, const char *what)
{
    return ap_error(AP_FAILED, "%s: tensor %s: %s", file->path, tensor, what);
}

/* ---------------------------------------------------------------- the header */

/* A number that is whole, not negative and exact. */
static bool whole(const cJSON *number, int64_t *value)
{
    if (!cJSON_IsNumber(number)) return false;
    double x = number->valuedouble;
    if (!(x >= 0 && x <= WHOLE_MOST) || x != floor(x)) return false;
    *value = (int64_t)x;
    return true;
}

static ap_status read_shape(const ap_safetensors *file, const cJSON *sizes, entry *e, int64_t *count)
{
    if (!cJSON_IsArray(sizes)) return fault(file, e->name, "no shape");
    if (cJSON_GetArraySize(sizes) > AP_RANK_MAX)
        return ap_error(AP_FAILED, "%s: tensor %s: %d dimensions, more than %d", file->path, e->name,
                        cJSON_GetArraySize(sizes), AP_RANK_MAX);
    const cJSON *size;
    *count = 1;
    cJSON_ArrayForEach(size, sizes)
    {
        int64_t *at = &e->shape.at[e->shape.rank++];
        if (!whole(size, at))
            return fault(file, e->name, "a size in the shape is not a whole number of 0 or more");
        if (__builtin_mul_overflow(*count, *at, count)) return fault(file, e->name, "the shape is too large");
    }
    return ap_ok();
}

static ap_status read_entry(const ap_safetensors *file, const cJSON *item, entry *e)
{
    *e = (entry){.name = item->string};
    if (!cJSON_IsObject(item)) return fault(file, e->name, "not an object");
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(item, "dtype");
    const cJSON *range = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
    if (!cJSON_IsString(type)) return fault(file, e->name, "no dtype");
    const size_t type_count = sizeof types / sizeof *types;
    while (e->type < type_count && strcmp(types[e->type].name, type->valuestring) != 0) e->type++;
    if (e->type == type_count)
        return ap_error(AP_FAILED, "%s: tensor %s: unknown type %s", file->path, e->name, type->valuestring);
    int64_t count = 0, bytes;
    AP_TRY(read_shape(file, cJSON_GetObjectItemCaseSensitive(item, "shape"), e, &count));
    if (__builtin_mul_overflow(count, types[e->type].bytes, &bytes))
        return fault(file, e->name, "the shape is too large");
    if (!cJSON_IsArray(range) || cJSON_GetArraySize(range) != 2 ||
        !whole(cJSON_GetArrayItem(range, 0), &e->begin) || !whole(cJSON_GetArrayItem(range, 1), &e->end) ||
        e->begin > e->end)
        return fault(file, e->name, "data_offsets are not [begin, end]");
    if (e->end > file->data_bytes)
        return ap_error(AP_FAILED,
                        "%s: tensor %s: ends at byte %" PRId64 " of %" PRId64 ": the file is truncated",
                        file->path, e->name, e->end, file->data_bytes);
    if (e->end - e->begin != bytes)
        return ap_error(AP_FAILED,
                        "%s: tensor %s: %" PRId64 " bytes for %s of shape %s, which takes %" PRId64,
                        file->path, e->name, e->end - e->begin, types[e->type].name,
                        ap_shape_print(e->shape).text, bytes);
    return ap_ok();
}

/* Empty tensors come before the one that begins at the same byte. */
static int order_by_bytes(const void *a, const void *b)
{
    const entry *p = a, *q = b;
    if (p->begin != q->begin) return p->begin < q->begin ? -1 : 1;
    if (p->end != q->end) return p->end < q->end ? -1 : 1;
    return strcmp(p->name, q->name);
}

static int order_by_name(const void *a, const void *b, void *entries)
{
    const entry *all = entries;
    return strcmp(all[*(const size_t *)a].name, all[*(const size_t *)b].name);
}

/* Sorts the entries and checks that each byte belongs to exactly one tensor. */
static ap_status arrange(ap_safetensors *file)
{
    qsort(file->entries, file->count, sizeof *file->entries, order_by_bytes);
    int64_t at = 0;
    for (size_t i = 0; i < file->count; i++) {
        const entry *e = &file->entries[i];
        if (e->begin < at) return fault(file, e->name, "its bytes overlap another's");
        if (e->begin > at) return fault(file, e->name, "a gap before its bytes");
        at = e->end;
    }
    if (at != file->data_bytes)
        return ap_error(AP_FAILED, "%s: the last %" PRId64 " bytes belong to no tensor", file->path,
                        file->data_bytes - at);
    file->by_name = ap_allocate(file->count, sizeof *file->by_name);
    for (size_t i = 0; i < file->count; i++) file->by_name[i] = i;
    qsort_r(file->by_name, file->count, sizeof *file->by_name, order_by_name, file->entries);
    return ap_ok();
}

static int order_by_key(const void *a, const void *b)
{
    return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

/* The object's entries in ascending order of keys; the caller frees the array. A hostile header may have so
 * many entries that linear search takes too long. */
static const cJSON **sorted(const cJSON *object, size_t *count)
{
    const cJSON **items = ap_allocate((size_t)cJSON_GetArraySize(object), sizeof *items);
    *count = 0;
    for (const cJSON *item = object ? object->child : NULL; item; item = item->next) items[(*count)++] = item;
    qsort(items, *count, sizeof *items, order_by_key);
    return items;
}

/* A key that occurs twice, or NULL. */
static const char *key_twice(const cJSON *const *items, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (strcmp(items[i - 1]->string, items[i]->string) == 0) return items[i]->string;
    return NULL;
}

static ap_status read_metadata(ap_safetensors *file, const cJSON *metadata)
{
    if (!cJSON_IsObject(metadata))
        return ap_error(AP_FAILED, "%s: " SAFETENSORS_METADATA " is not an object", file->path);
    for (const cJSON *item = metadata->child; item; item = item->next)
        if (!cJSON_IsString(item))
            return ap_error(AP_FAILED, "%s: " SAFETENSORS_METADATA ": %s is not a text", file->path,
                            item->string);
    file->metadata = sorted(metadata, &file->metadata_count);
    const char *twice = key_twice(file->metadata, file->metadata_count);
    if (twice)
        return ap_error(AP_FAILED, "%s: " SAFETENSORS_METADATA ": %s is there twice", file->path, twice);
    return ap_ok();
}

/* ---------------------------------------------------------------- checksums */

static ap_status differ(const ap_safetensors *file, const char *what, const char *name, uint32_t found,
                        uint32_t expected)
{
    return ap_error(AP_FAILED,
                    "%s: %s%s: the checksum is %08" PRIx32 ", but %08" PRIx32
                    " is expected: the file is damaged",
                    file->path, what, name, found, expected);
}

/* Assigns the checksums to the entries. `items` are the file's checksums, in ascending order of keys. */
static ap_status match_checksums(ap_safetensors *file, const cJSON *const *items, size_t count)
{
    for (size_t i = 0; i < file->count || i < count; i++) {
        entry *e = i < file->count ? &file->entries[file->by_name[i]] : NULL;
        int order = !e ? 1 : i >= count ? -1 : strcmp(e->name, items[i]->string);
        if (order < 0) return fault(file, e->name, "no checksum in " CHECKSUMS_KEY);
        if (order > 0) return fault(file, items[i]->string, "has a checksum, but does not exist");
        if (!ap_checksum_read(cJSON_GetStringValue(items[i]), &e->sum))
            return fault(file, e->name, "its checksum is malformed");
    }
    return ap_ok();
}

static uint32_t header_sum(const ap_safetensors *file)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < file->metadata_count; i++)
        if (strcmp(file->metadata[i]->string, CHECKSUMS_KEY) != 0)
            sum += ap_checksum_of_metadata(file->metadata[i]->string, file->metadata[i]->valuestring);
    for (size_t i = 0; i < file->count; i++) {
        const entry *e = &file->entries[i];
        sum += ap_checksum_of_tensor(e->name, types[e->type].name, e->shape, e->sum);
    }
    return sum;
}

static ap_status check_header(ap_safetensors *file, const cJSON *sums)
{
    uint32_t expected;
    size_t count;
    const cJSON **items = sorted(cJSON_GetObjectItemCaseSensitive(sums, CHECKSUMS_TENSORS), &count);
    ap_status status = match_checksums(file, items, count);
    free(items);
    AP_TRY(status);
    if (!ap_checksum_read(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(sums, CHECKSUMS_HEADER)),
                          &expected))
        return ap_error(AP_FAILED, "%s: " CHECKSUMS_KEY " has no checksum of the header", file->path);
    uint32_t found = header_sum(file);
    return found == expected ? ap_ok() : differ(file, "the header", "", found, expected);
}

static ap_status read_checksums(ap_safetensors *file)
{
    const char *text = ap_safetensors_metadata(file, CHECKSUMS_KEY);
    const char *mark = ap_safetensors_metadata(file, CHECKSUMS_MARK);
    if (!text && mark && strcmp(mark, CHECKSUMS_KIND) == 0)
        return ap_error(AP_FAILED,
                        "%s: the metadata has \"" CHECKSUMS_MARK "\" but no \"" CHECKSUMS_KEY
                        "\": the file is damaged, or was changed by a program that leaves out the checksums",
                        file->path);
    if (!text) return ap_ok();
    cJSON *sums = cJSON_ParseWithOpts(text, NULL, true);
    ap_status status = check_header(file, sums);
    cJSON_Delete(sums);
    file->summed = true;
    return status;
}

static ap_status compare(const ap_safetensors *file, const entry *e, uint32_t found)
{
    return !file->summed || found == e->sum ? ap_ok() : differ(file, "tensor ", e->name, found, e->sum);
}

/* ---------------------------------------------------------------- the header as a whole */

static ap_status read_header(ap_safetensors *file, const char *text, size_t length)
{
    const char *end = ap_text_find_nul(text, length);
    if (!end) file->header = cJSON_ParseWithLengthOpts(text, length + 1, &end, true);
    if (!file->header)
        return ap_error(AP_FAILED, "%s: the header is not valid JSON at its byte %td", file->path,
                        end ? end - text : (ptrdiff_t)strlen(text));
    if (!cJSON_IsObject(file->header))
        return ap_error(AP_FAILED, "%s: the header is not a JSON object", file->path);
    size_t count;
    const cJSON **items = sorted(file->header, &count);
    const char *twice = key_twice(items, count);
    free(items);
    if (twice) return fault(file, twice, "is there twice");
    file->entries = ap_allocate((size_t)cJSON_GetArraySize(file->header), sizeof *file->entries);
    for (const cJSON *item = file->header->child; item; item = item->next) {
        bool metadata = strcmp(item->string, SAFETENSORS_METADATA) == 0;
        AP_TRY(metadata ? read_metadata(file, item) : read_entry(file, item, &file->entries[file->count++]));
    }
    AP_TRY(arrange(file));
    return read_checksums(file);
}

/* ---------------------------------------------------------------- the file */

static ap_status read_bytes(const ap_safetensors *file, int64_t at, size_t bytes, void *into)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t got = pread(file->descriptor, (char *)into + done, bytes - done, at + (int64_t)done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return ap_error(AP_FAILED, "%s: %s", file->path, strerror(errno));
        if (got == 0) return ap_error(AP_FAILED, "%s: the file is truncated", file->path);
        done += (size_t)got;
    }
    return ap_ok();
}

static ap_status open_file(ap_safetensors *file)
{
    struct stat about;
    file->descriptor = ap_file_open(file->path);
    if (file->descriptor < 0 || fstat(file->descriptor, &about) != 0)
        return ap_error(AP_FAILED, "%s: %s", file->path, strerror(errno));
    if (!S_ISREG(about.st_mode)) return ap_error(AP_FAILED, "%s: not a regular file", file->path);
    uint64_t length, size = (uint64_t)about.st_size;
    if (size < sizeof length)
        return ap_error(AP_FAILED, "%s: %" PRIu64 " bytes are too few for a safetensors file", file->path,
                        size);
    AP_TRY(read_bytes(file, 0, sizeof length, &length));
    if (length > size - sizeof length)
        return ap_error(AP_FAILED,
                        "%s: not a safetensors file, as checkpoints are, or truncated: a header of %" PRIu64
                        " bytes in a file of %" PRIu64,
                        file->path, length, size);
    if (length > HEADER_MOST)
        return ap_error(AP_FAILED, "%s: a header of %" PRIu64 " bytes: the limit is %" PRIu64 "", file->path,
                        length, HEADER_MOST);
    file->data_at = (int64_t)(sizeof length + length);
    file->data_bytes = (int64_t)size - file->data_at;
    char *text = ap_allocate(length + 1, 1);
    ap_status status = read_bytes(file, sizeof length, length, text);
    if (!ap_failed(&status)) status = read_header(file, text, length);
    free(text);
    return status;
}

ap_status ap_safetensors_open(const char *path, ap_safetensors **file)
{
    *file = ap_allocate(1, sizeof **file);
    (*file)->path = ap_copy_text(path);
    ap_status status = open_file(*file);
    if (ap_failed(&status)) {
        ap_safetensors_close(*file);
        *file = NULL;
    }
    return status;
}

void ap_safetensors_close(ap_safetensors *file)
{
    if (!file) return;
    if (file->descriptor >= 0) close(file->descriptor);
    cJSON_Delete(file->header);
    free(file->entries);
    free(file->by_name);
    free(file->metadata);
    free(file->path);
    free(file);
}

size_t ap_safetensors_count(const ap_safetensors *file)
{
    return file->count;
}

const char *ap_safetensors_name(const ap_safetensors *file, size_t index)
{
    return file->entries[index].name;
}

const char *ap_safetensors_type(const ap_safetensors *file, size_t index)
{
    return types[file->entries[index].type].name;
}

ap_shape ap_safetensors_shape(const ap_safetensors *file, size_t index)
{
    return file->entries[index].shape;
}

long ap_safetensors_find(const ap_safetensors *file, const char *name)
{
    size_t low = 0, high = file->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, file->entries[file->by_name[middle]].name);
        if (order == 0) return (long)file->by_name[middle];
        *(order < 0 ? &high : &low) = order < 0 ? middle : middle + 1;
    }
    return -1;
}

/* ---------------------------------------------------------------- the numbers */

static void convert(number_type type, int64_t n, const void *raw, ap_real *data)
{
    const float *single = raw;
    const double *twice = raw;
    const uint16_t *half = raw;
    if (type == TYPE_F32)
        for (int64_t i = 0; i < n; i++) data[i] = (ap_real)single[i];
    if (type == TYPE_F64)
        for (int64_t i = 0; i < n; i++) data[i] = (ap_real)twice[i];
    if (type == TYPE_F16)
        for (int64_t i = 0; i < n; i++) data[i] = (ap_real)ap_half_to_float(half[i]);
    if (type == TYPE_BF16)
        for (int64_t i = 0; i < n; i++) data[i] = (ap_real)ap_bfloat_to_float(half[i]);
}

ap_status ap_safetensors_read(ap_safetensors *file, size_t index, ap_real *data)
{
    const entry *e = &file->entries[index];
    number_type type = types[e->type].type;
    if (type == TYPE_OTHER)
        return ap_error(AP_FAILED, "%s: tensor %s: %s where F32, F64, F16 or BF16 is expected", file->path,
                        e->name, types[e->type].name);
    int64_t n = ap_shape_count(e->shape), size = types[e->type].bytes, at = file->data_at + e->begin;
    bool as_it_is = sizeof(ap_real) == sizeof(float) ? type == TYPE_F32 : type == TYPE_F64;
    if (as_it_is) {
        AP_TRY(read_bytes(file, at, (size_t)(n * size), data));
        return compare(file, e, ap_checksum_add(0, (size_t)(n * size), data));
    }
    _Alignas(double) char raw[CHUNK * sizeof(double)];
    uint32_t sum = 0;
    for (int64_t done = 0; done < n; done += CHUNK) {
        int64_t part = n - done < CHUNK ? n - done : CHUNK;
        AP_TRY(read_bytes(file, at + done * size, (size_t)(part * size), raw));
        sum = ap_checksum_add(sum, (size_t)(part * size), raw);
        convert(type, part, raw, data + done);
    }
    return compare(file, e, sum);
}

bool ap_safetensors_has_checksums(const ap_safetensors *file)
{
    return file->summed;
}

static ap_status verify(const ap_safetensors *file, const entry *e)
{
    char raw[CHUNK];
    uint32_t sum = 0;
    for (int64_t at = e->begin; at < e->end; at += CHUNK) {
        size_t part = (size_t)(e->end - at < CHUNK ? e->end - at : CHUNK);
        AP_TRY(read_bytes(file, file->data_at + at, part, raw));
        sum = ap_checksum_add(sum, part, raw);
    }
    return compare(file, e, sum);
}

ap_status ap_safetensors_verify(ap_safetensors *file)
{
    if (!file->summed)
        return ap_error(AP_FAILED, "%s: has no checksums (" CHECKSUMS_KEY ") to verify", file->path);
    for (size_t i = 0; i < file->count; i++) AP_TRY(verify(file, &file->entries[i]));
    return ap_ok();
}

static bool same_but_for_ones(ap_shape a, ap_shape b)
{
    int i = 0, j = 0;
    for (;;) {
        while (i < a.rank && a.at[i] == 1) i++;
        while (j < b.rank && b.at[j] == 1) j++;
        if (i == a.rank || j == b.rank) return i == a.rank && j == b.rank;
        if (a.at[i++] != b.at[j++]) return false;
    }
}

/* Branchless, so that the compiler vectorises it. */
static bool all_finite(int64_t n, const ap_real *data)
{
    bool finite = true;
    for (int64_t i = 0; i < n; i++) finite &= isfinite(data[i]) != 0;
    return finite;
}

ap_status ap_safetensors_expect(const ap_safetensors *file, const char *name, ap_shape shape)
{
    long index = ap_safetensors_find(file, name);
    if (index < 0) return fault(file, name, "is missing");
    if (same_but_for_ones(file->entries[index].shape, shape)) return ap_ok();
    return ap_error(AP_FAILED, "%s: tensor %s: shape %s where %s is expected", file->path, name,
                    ap_shape_print(file->entries[index].shape).text, ap_shape_print(shape).text);
}

ap_status ap_safetensors_load(ap_safetensors *file, const char *name, ap_tensor into)
{
    AP_TRY(ap_safetensors_expect(file, name, into.shape));
    AP_TRY(ap_safetensors_read(file, (size_t)ap_safetensors_find(file, name), into.data));
    if (!all_finite(ap_shape_count(into.shape), into.data))
        return fault(file, name, "holds a number that is not finite");
    return ap_ok();
}

/* ---------------------------------------------------------------- metadata */

const char *ap_safetensors_metadata(const ap_safetensors *file, const char *key)
{
    const cJSON wanted = {.string = (char *)key}, *at = &wanted;
    if (!file->metadata) return NULL;
    const cJSON *const *found = bsearch(&at, file->metadata, file->metadata_count, sizeof at, order_by_key);
    return found ? (*found)->valuestring : NULL;
}

size_t ap_safetensors_metadata_count(const ap_safetensors *file)
{
    return file->metadata_count;
}

const char *ap_safetensors_metadata_key(const ap_safetensors *file, size_t index)
{
    return file->metadata[index]->string;
}
