/* Writes safetensors files. */
#include "antiphon/safetensors.h"

#include "assembly/checksum.h"
#include "assembly/safetensors_types.h"
#include "base/bounds.h"
#include "base/memory.h"
#include "base/replace.h"
#include "base/text.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The tensors' bytes begin at a multiple of this, as in the reference implementation, so that a mapped file
 * can be used in place. */
#define ALIGNMENT 8
/* Numbers that need converting are written this many at a time. */
#define CHUNK 8192

typedef struct named_tensor {
    char *name;
    ap_tensor tensor;
    uint32_t sum; /* checksum of its bytes in the file, computed on saving */
} named_tensor;

struct ap_safetensors_writer {
    named_tensor *tensors;
    size_t count, capacity;
    cJSON *metadata;
};

static cJSON *checked(cJSON *value)
{
    if (!value) ap_fatal("out of memory: a safetensors header");
    return value;
}

static void put(cJSON *object, const char *name, cJSON *value)
{
    if (!cJSON_AddItemToObject(object, name, checked(value))) ap_fatal("out of memory: a safetensors header");
}

ap_safetensors_writer *ap_safetensors_writer_create(void)
{
    ap_safetensors_writer *writer = ap_allocate(1, sizeof *writer);
    writer->metadata = checked(cJSON_CreateObject());
    return writer;
}

void ap_safetensors_writer_free(ap_safetensors_writer *writer)
{
    if (!writer) return;
    for (size_t i = 0; i < writer->count; i++) free(writer->tensors[i].name);
    free(writer->tensors);
    cJSON_Delete(writer->metadata);
    free(writer);
}

void ap_safetensors_writer_add(ap_safetensors_writer *writer, const char *name, ap_tensor tensor)
{
    if (strcmp(name, SAFETENSORS_METADATA) == 0) ap_fatal("safetensors: no tensor can be called %s", name);
    if (writer->count == writer->capacity) {
        writer->capacity = writer->capacity ? 2 * writer->capacity : 64;
        writer->tensors = ap_reallocate(writer->tensors, writer->capacity, sizeof *writer->tensors);
    }
    writer->tensors[writer->count++] = (named_tensor){.name = ap_copy_text(name), .tensor = tensor};
}

void ap_safetensors_writer_metadata(ap_safetensors_writer *writer, const char *key, const char *value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(writer->metadata, key);
    put(writer->metadata, key, cJSON_CreateString(value));
}

static int order_by_name(const void *a, const void *b)
{
    return strcmp((*(const named_tensor *const *)a)->name, (*(const named_tensor *const *)b)->name);
}

static void require_distinct(const ap_safetensors_writer *writer)
{
    const named_tensor **sorted = ap_allocate(writer->count, sizeof *sorted);
    for (size_t i = 0; i < writer->count; i++) sorted[i] = &writer->tensors[i];
    qsort(sorted, writer->count, sizeof *sorted, order_by_name);
    const char *twice = NULL;
    for (size_t i = 1; i < writer->count && !twice; i++)
        if (order_by_name(&sorted[i - 1], &sorted[i]) == 0) twice = sorted[i]->name;
    free(sorted);
    if (twice) ap_fatal("safetensors: tensor %s added twice", twice);
}

static ap_status check_texts(const ap_safetensors_writer *writer, const char *path)
{
    for (size_t i = 0; i < writer->count; i++)
        if (!ap_text_is_utf8(writer->tensors[i].name))
            return ap_error(AP_FAILED, "%s: the name of tensor %zu is not UTF-8", path, i);
    const cJSON *item;
    cJSON_ArrayForEach(item, writer->metadata)
    {
        if (!ap_text_is_utf8(item->string) || !ap_text_is_utf8(item->valuestring))
            return ap_error(AP_FAILED, "%s: metadata %s is not UTF-8", path, item->string);
    }
    return ap_ok();
}

/* The checksums as JSON (checksum.h). */
static char *checksums_text(const ap_safetensors_writer *writer)
{
    char text[AP_CHECKSUM_TEXT];
    uint32_t header = 0;
    cJSON *sums = checked(cJSON_CreateObject()), *tensors = checked(cJSON_CreateObject());
    const cJSON *item;
    cJSON_ArrayForEach(item, writer->metadata) if (strcmp(item->string, CHECKSUMS_KEY) != 0) header +=
        ap_checksum_of_metadata(item->string, item->valuestring);
    for (size_t i = 0; i < writer->count; i++) {
        const named_tensor *t = &writer->tensors[i];
        header += ap_checksum_of_tensor(t->name, SAFETENSORS_F32, t->tensor.shape, t->sum);
        ap_checksum_print(t->sum, text);
        put(tensors, t->name, cJSON_CreateString(text));
    }
    ap_checksum_print(header, text);
    put(sums, CHECKSUMS_HEADER, cJSON_CreateString(text));
    put(sums, CHECKSUMS_TENSORS, tensors);
    char *json = cJSON_PrintUnformatted(sums);
    if (!json) ap_fatal("out of memory: a safetensors header");
    cJSON_Delete(sums);
    return json;
}

/* The header, padded with spaces to the alignment. */
static char *header_text(const ap_safetensors_writer *writer)
{
    cJSON *header = checked(cJSON_CreateObject());
    put(header, SAFETENSORS_METADATA, cJSON_Duplicate(writer->metadata, true));
    double at = 0;
    for (size_t i = 0; i < writer->count; i++) {
        ap_shape shape = writer->tensors[i].tensor.shape;
        double sizes[AP_RANK_MAX], range[2] = {at, at + (double)ap_shape_count(shape) * sizeof(float)};
        for (int k = 0; k < shape.rank; k++) sizes[k] = (double)shape.at[k];
        cJSON *entry = checked(cJSON_CreateObject());
        put(entry, "dtype", cJSON_CreateString(SAFETENSORS_F32));
        put(entry, "shape", cJSON_CreateDoubleArray(sizes, shape.rank));
        put(entry, "data_offsets", cJSON_CreateDoubleArray(range, 2));
        put(header, writer->tensors[i].name, entry);
        at = range[1];
    }
    char *text = cJSON_PrintUnformatted(header);
    if (!text) ap_fatal("out of memory: a safetensors header");
    cJSON_Delete(header);
    size_t length = strlen(text), padded = (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    text = ap_reallocate(text, padded + 1, 1);
    memset(text + length, ' ', padded - length);
    text[padded] = '\0';
    return text;
}

/* Converts at most CHUNK numbers from `at` on to the file's format; returns how many. */
static int64_t convert(ap_tensor tensor, int64_t at, float part[CHUNK])
{
    int64_t count = ap_least(CHUNK, ap_shape_count(tensor.shape) - at);
    for (int64_t i = 0; i < count; i++) part[i] = (float)tensor.data[at + i];
    return count;
}

static ap_status write_tensor(ap_replacement *file, ap_tensor tensor)
{
    int64_t n = ap_shape_count(tensor.shape);
    if (sizeof(ap_real) == sizeof(float))
        return ap_replace_write(file, tensor.data, (size_t)n * sizeof(float));
    float part[CHUNK];
    for (int64_t at = 0, count; at < n; at += count) {
        count = convert(tensor, at, part);
        AP_TRY(ap_replace_write(file, part, (size_t)count * sizeof *part));
    }
    return ap_ok();
}

/* Computes the checksum and checks that all numbers are finite. A finite double may be infinite as a float.
 */
static bool examine(named_tensor *t)
{
    float part[CHUNK];
    bool finite = true;
    t->sum = 0;
    for (int64_t at = 0, count; at < ap_shape_count(t->tensor.shape); at += count) {
        count = convert(t->tensor, at, part);
        for (int64_t i = 0; i < count; i++) finite &= isfinite(part[i]) != 0;
        t->sum = ap_checksum_add(t->sum, (size_t)count * sizeof *part, part);
    }
    return finite;
}

static ap_status examine_all(ap_safetensors_writer *writer, const char *path)
{
    for (size_t i = 0; i < writer->count; i++)
        if (!examine(&writer->tensors[i]))
            return ap_error(AP_FAILED, "%s: not written: tensor %s holds a number that is not finite", path,
                            writer->tensors[i].name);
    ap_safetensors_writer_metadata(writer, CHECKSUMS_MARK, CHECKSUMS_KIND);
    char *sums = checksums_text(writer);
    ap_safetensors_writer_metadata(writer, CHECKSUMS_KEY, sums);
    free(sums);
    return ap_ok();
}

static ap_status write_all(const ap_safetensors_writer *writer, ap_replacement *file)
{
    char *header = header_text(writer);
    uint64_t length = strlen(header);
    ap_status status = ap_replace_write(file, &length, sizeof length);
    if (!ap_failed(&status)) status = ap_replace_write(file, header, length);
    free(header);
    for (size_t i = 0; i < writer->count && !ap_failed(&status); i++)
        status = write_tensor(file, writer->tensors[i].tensor);
    return status;
}

ap_status ap_safetensors_writer_save(ap_safetensors_writer *writer, const char *path)
{
    ap_replacement file;
    require_distinct(writer);
    AP_TRY(check_texts(writer, path));
    AP_TRY(examine_all(writer, path));
    AP_TRY(ap_replace_begin(path, &file));
    ap_status status = write_all(writer, &file);
    if (!ap_failed(&status)) return ap_replace_commit(&file);
    ap_replace_abandon(&file);
    return status;
}
