/* Safetensors files: what is written reads back, and what is malformed is refused with the tensor and the
 * fault. */
#include "antiphon/safetensors.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/replace.h"
#include "support/fatal.h"
#include "support/folder.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *path; /* of the file that each test writes anew */

static void ok(ap_status status)
{
    assert_string_equal(status.message, "");
    assert_int_equal(status.code, AP_OK);
}

/* A file of this header and `bytes` bytes of data behind it. */
static void put_file(const char *header, const void *data, size_t bytes)
{
    uint64_t length = strlen(header);
    char *content = malloc(sizeof length + length + bytes);
    assert_non_null(content);
    memcpy(content, &length, sizeof length);
    memcpy(content + sizeof length, header, length);
    if (bytes) memcpy(content + sizeof length + length, data, bytes);
    ok(ap_replace_file(path, content, sizeof length + length + bytes));
    free(content);
}

static void open_refused(const char *reason)
{
    ap_safetensors *file = NULL;
    ap_status status = ap_safetensors_open(path, &file);
    char want[AP_STATUS_MESSAGE];
    snprintf(want, sizeof want, "%s: %s", path, reason);
    assert_string_equal(status.message, want);
    assert_int_equal(status.code, AP_FAILED);
    assert_null(file);
}

/* A header over 16 zero bytes that is refused for this reason. */
static void header_refused(const char *header, const char *reason)
{
    const char data[16] = {0};
    put_file(header, data, sizeof data);
    open_refused(reason);
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    enum { LARGE = 20001 }; /* more than a chunk, and odd */
    ap_tensor large = random_tensor(1, 2, AP_SHAPE(3, LARGE / 3)),
              small = random_tensor(2, 1, AP_SHAPE(2, 1, 3, 4));
    ap_real one = (ap_real)0.5, back[LARGE];
    ap_tensor scalar = {AP_SHAPE_SCALAR, &one}, none = {AP_SHAPE(0, 5), NULL};
    ap_safetensors_writer *writer = ap_safetensors_writer_create();
    ap_safetensors_writer_add(writer, "z.large", large);
    ap_safetensors_writer_add(writer, "a \"quoted\" n\xC3\xA4me", small);
    ap_safetensors_writer_add(writer, "none", none);
    ap_safetensors_writer_add(writer, "scalar", scalar);
    ap_safetensors_writer_metadata(writer, "step", "11");
    ap_safetensors_writer_metadata(writer, "config", "{\"a\": \"b\\n\"}\n");
    ap_safetensors_writer_metadata(writer, "step", "12");
    ok(ap_safetensors_writer_save(writer, path));
    ap_safetensors_writer_free(writer);

    ap_safetensors *file;
    ok(ap_safetensors_open(path, &file));
    assert_int_equal(ap_safetensors_count(file), 4);
    assert_string_equal(ap_safetensors_metadata(file, "step"), "12");
    assert_string_equal(ap_safetensors_metadata(file, "config"), "{\"a\": \"b\\n\"}\n");
    assert_null(ap_safetensors_metadata(file, "Step"));
    assert_int_equal(ap_safetensors_metadata_count(file), 4);
    const char *const keys[] = {"checksums", "checksums.crc32", "config", "step"};
    for (size_t i = 0; i < 4; i++) assert_string_equal(ap_safetensors_metadata_key(file, i), keys[i]);
    long at = ap_safetensors_find(file, "z.large");
    assert_true(at >= 0);
    assert_true(ap_shape_same(ap_safetensors_shape(file, (size_t)at), large.shape));
    assert_string_equal(ap_safetensors_type(file, (size_t)at), "F32");
    assert_int_equal(ap_safetensors_find(file, "z.larg"), -1);
    assert_int_equal(ap_safetensors_find(file, "zz"), -1);
    ok(ap_safetensors_load(file, "z.large", (ap_tensor){large.shape, back}));
    for (int i = 0; i < LARGE; i++) assert_true(back[i] == (ap_real)(float)large.data[i]);
    ok(ap_safetensors_load(file, "a \"quoted\" n\xC3\xA4me", (ap_tensor){AP_SHAPE(2, 3, 1, 4), back}));
    for (int i = 0; i < 24; i++) assert_true(back[i] == (ap_real)(float)small.data[i]);
    ok(ap_safetensors_load(file, "scalar", (ap_tensor){AP_SHAPE(1, 1), back}));
    assert_true(back[0] == one);
    ok(ap_safetensors_load(file, "none", none));
    for (size_t i = 0; i < ap_safetensors_count(file); i++)
        assert_int_equal(ap_safetensors_find(file, ap_safetensors_name(file, i)), (long)i);

    ap_status status = ap_safetensors_load(file, "z.large", (ap_tensor){AP_SHAPE(LARGE / 3, 3), back});
    assert_non_null(strstr(status.message, "tensor z.large: shape [3, 6667] where [6667, 3] is expected"));
    status = ap_safetensors_load(file, "z.large", (ap_tensor){AP_SHAPE(3), back});
    assert_int_equal(status.code, AP_FAILED);
    status = ap_safetensors_load(file, "absent", scalar);
    assert_non_null(strstr(status.message, "tensor absent: is missing"));
    ap_safetensors_close(file);
    free(large.data);
    free(small.data);
}

static void data_is_aligned_and_little_endian(void **state)
{
    (void)state;
    ap_real numbers[] = {1, -2};
    for (int extra = 0; extra < 9; extra++) { /* header lengths of every remainder */
        ap_safetensors_writer *writer = ap_safetensors_writer_create();
        char name[16] = "aaaaaaaaaaaaaaa";
        name[1 + extra] = '\0';
        ap_safetensors_writer_add(writer, name, (ap_tensor){AP_SHAPE(2), numbers});
        ok(ap_safetensors_writer_save(writer, path));
        ap_safetensors_writer_free(writer);
        char *text;
        size_t length;
        ok(ap_file_read(path, 1000, &text, &length));
        assert_int_equal(length % 8, 0);
        assert_memory_equal(text + length - 8, "\0\0\x80\x3F\0\0\0\xC0", 8);
        free(text);
    }
}

static void other_types(void **state)
{
    (void)state;
    const double doubles[] = {1.5, -1e300, INFINITY};
    ap_real got[9];
    ap_safetensors *file;
    put_file("{\"x\":{\"dtype\":\"F64\",\"shape\":[3],\"data_offsets\":[0,24]}}   ", doubles, sizeof doubles);
    ok(ap_safetensors_open(path, &file));
    ok(ap_safetensors_read(file, 0, got));
    for (int i = 0; i < 3; i++) assert_true(got[i] == (ap_real)doubles[i]);
    ap_safetensors_close(file);

    /* one, smallest subnormal, largest subnormal, smallest normal, largest, -0, -inf, inf, NaN */
    const uint16_t halves[] = {0x3C00, 0x0001, 0x03FF, 0x0400, 0x7BFF, 0x8000, 0xFC00, 0x7C00, 0x7E01};
    const double want[] = {1, 0x1p-24, 1023 * 0x1p-24, 0x1p-14, 65504, 0, -INFINITY, INFINITY};
    put_file("{\"x\":{\"dtype\":\"F16\",\"shape\":[9],\"data_offsets\":[0,18]}}", halves, sizeof halves);
    ok(ap_safetensors_open(path, &file));
    ok(ap_safetensors_read(file, 0, got));
    for (int i = 0; i < 8; i++) assert_true((double)got[i] == want[i]);
    assert_true(signbit(got[5]) && isnan(got[8]));
    ap_safetensors_close(file);

    const uint16_t upper[] = {0x3F80, 0xC049, 0x0001, 0x7F80, 0x7FC0};
    put_file("{\"x\":{\"dtype\":\"BF16\",\"shape\":[5],\"data_offsets\":[0,10]}}", upper, sizeof upper);
    ok(ap_safetensors_open(path, &file));
    assert_string_equal(ap_safetensors_type(file, 0), "BF16");
    ok(ap_safetensors_read(file, 0, got));
    assert_true(got[0] == 1 && got[1] == -3.140625 && (double)got[2] == 0x1p-133 && isinf(got[3]) &&
                isnan(got[4]));
    ap_safetensors_close(file);

    put_file("{\"n\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]}}", doubles, 8);
    ok(ap_safetensors_open(path, &file));
    assert_string_equal(ap_safetensors_type(file, 0), "I64");
    ap_status status = ap_safetensors_read(file, 0, got);
    assert_non_null(strstr(status.message, "tensor n: I64 where F32, F64, F16 or BF16 is expected"));
    ap_safetensors_close(file);
}

/* They can be read, but serve as no weights. */
static void numbers_that_are_not_finite(void **state)
{
    (void)state;
    enum { COUNT = 19 };
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
        for (int at = 0; at < COUNT; at++) {
            float values[COUNT] = {0};
            ap_real got[COUNT];
            ap_safetensors *file;
            values[at] = bad[k];
            put_file("{\"x\":{\"dtype\":\"F32\",\"shape\":[19],\"data_offsets\":[0,76]}}", values,
                     sizeof values);
            ok(ap_safetensors_open(path, &file));
            ok(ap_safetensors_read(file, 0, got));
            ap_status status = ap_safetensors_load(file, "x", (ap_tensor){AP_SHAPE(COUNT), got});
            assert_int_equal(status.code, AP_FAILED);
            assert_non_null(strstr(status.message, path));
            assert_non_null(strstr(status.message, ": tensor x: holds a number that is not finite"));
            ap_safetensors_close(file);
        }
}

/* ---------------------------------------------------------------- checksums */

#define NOTE "{\"x\":\"1\"}"

/* Two tensors with metadata, as the writer has them: what the tests below damage. The caller frees it. */
static char *write_sound(size_t *length)
{
    ap_real numbers[6] = {1, 2, 3, 4, 5, 6};
    char *content;
    ap_safetensors_writer *writer = ap_safetensors_writer_create();
    ap_safetensors_writer_add(writer, "a", (ap_tensor){AP_SHAPE(2, 2), numbers});
    ap_safetensors_writer_add(writer, "b", (ap_tensor){AP_SHAPE(2), numbers + 4});
    ap_safetensors_writer_metadata(writer, "k", NOTE);
    ok(ap_safetensors_writer_save(writer, path));
    ap_safetensors_writer_free(writer);
    ok(ap_file_read(path, 1000, &content, length));
    return content;
}

static void put_byte(size_t at, char byte)
{
    int file = open(path, O_WRONLY);
    assert_int_equal(pwrite(file, &byte, 1, (off_t)at), 1);
    close(file);
}

/* Whether both tensors load; what they hold must then be what was written, and so must the metadata. */
static bool loads(ap_safetensors *file)
{
    ap_real a[4], b[2];
    ap_status status = ap_safetensors_load(file, "a", (ap_tensor){AP_SHAPE(2, 2), a});
    if (!ap_failed(&status)) status = ap_safetensors_load(file, "b", (ap_tensor){AP_SHAPE(2), b});
    if (ap_failed(&status)) return false;
    for (int i = 0; i < 4; i++) assert_true(a[i] == i + 1);
    assert_true(b[0] == 5 && b[1] == 6);
    assert_int_equal(ap_safetensors_count(file), 2);
    assert_string_equal(ap_safetensors_metadata(file, "k"), NOTE);
    return true;
}

/* Wherever a bit is flipped: nothing is read that was not written, and to verify finds it. */
static void every_flipped_bit_is_found(void **state)
{
    (void)state;
    size_t length;
    char *content = write_sound(&length);
    for (size_t bit = 0; bit < 8 * length; bit++) {
        ap_safetensors *file;
        put_byte(bit / 8, (char)(content[bit / 8] ^ 1 << bit % 8));
        ap_status status = ap_safetensors_open(path, &file);
        put_byte(bit / 8, content[bit / 8]);
        if (ap_failed(&status)) continue;
        put_byte(bit / 8, (char)(content[bit / 8] ^ 1 << bit % 8));
        status = ap_safetensors_verify(file);
        if (!ap_failed(&status)) fail_msg("bit %zu is not found", bit);
        if (loads(file)) fail_msg("bit %zu is passed over", bit);
        put_byte(bit / 8, content[bit / 8]);
        ap_safetensors_close(file);
    }
    ap_safetensors *file;
    ok(ap_safetensors_open(path, &file));
    ok(ap_safetensors_verify(file));
    assert_true(ap_safetensors_has_checksums(file) && loads(file));
    ap_safetensors_close(file);
    free(content);
}

/* With both checksums, which are those of Python's zlib.crc32. */
static void a_damaged_tensor_is_named(void **state)
{
    (void)state;
    size_t length;
    char *content = write_sound(&length), want[AP_STATUS_MESSAGE];
    ap_real got[4];
    ap_safetensors *file;
    assert_non_null(
        strstr(content + 8, "\\\"a\\\":\\\"8ba71454\\\"")); /* 1, 2, 3, 4 as little-endian floats */
    put_byte(length - 1, content[length - 1] ^ 1);
    ok(ap_safetensors_open(path, &file));
    ok(ap_safetensors_load(file, "a", (ap_tensor){AP_SHAPE(2, 2), got}));
    ap_status status = ap_safetensors_load(file, "b", (ap_tensor){AP_SHAPE(2), got});
    snprintf(want, sizeof want,
             "%s: tensor b: the checksum is eeec3086, but 99eb0010 is expected: the file is damaged", path);
    assert_string_equal(status.message, want);
    assert_string_equal(ap_safetensors_verify(file).message, want);
    ap_safetensors_close(file);
    free(content);
}

/* Writes the header anew over the same bytes. */
static void put_header(const cJSON *header, const char *data, size_t bytes)
{
    char *text = cJSON_Print(header);
    assert_non_null(text);
    put_file(text, data, bytes);
    free(text);
}

/* Another program may write it in other words and in another order. */
static void a_header_is_judged_by_its_meaning(void **state)
{
    (void)state;
    uint64_t header;
    size_t length;
    ap_safetensors *file;
    char *content = write_sound(&length);
    memcpy(&header, content, sizeof header);
    const char *data = content + sizeof header + header;
    size_t bytes = length - sizeof header - header;
    cJSON *json = cJSON_ParseWithLength(content + sizeof header, header);
    assert_non_null(json);
    cJSON_AddItemToObject(json, "a", cJSON_DetachItemFromObjectCaseSensitive(json, "a"));
    put_header(json, data, bytes);
    ok(ap_safetensors_open(path, &file));
    ok(ap_safetensors_verify(file));
    assert_true(loads(file));
    ap_safetensors_close(file);

    /* one that has lost its checksums is refused */
    cJSON *metadata = cJSON_GetObjectItem(json, "__metadata__");
    cJSON_DeleteItemFromObjectCaseSensitive(metadata, "checksums.crc32");
    put_header(json, data, bytes);
    open_refused("the metadata has \"checksums\" but no \"checksums.crc32\": the file is damaged, "
                 "or was changed by a program that leaves out the checksums");

    /* one that never had any is read, and there is nothing to verify by */
    cJSON_DeleteItemFromObjectCaseSensitive(metadata, "checksums");
    put_header(json, data, bytes);
    ok(ap_safetensors_open(path, &file));
    assert_true(!ap_safetensors_has_checksums(file) && loads(file));
    assert_non_null(strstr(ap_safetensors_verify(file).message, "has no checksums (checksums.crc32)"));
    ap_safetensors_close(file);
    cJSON_Delete(json);
    free(content);
}

#define TENSOR(shape, range) "{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":" range "}"

static void malformed_files(void **state)
{
    (void)state;
    ok(ap_replace_file(path, "", 0));
    open_refused("0 bytes are too few for a safetensors file");
    ok(ap_replace_file(path, "\x01\0\0\0\0\0\0", 7));
    open_refused("7 bytes are too few for a safetensors file");
    ok(ap_replace_file(path, "\x03\0\0\0\0\0\0\0{}", 10));
    open_refused(
        "not a safetensors file, as checkpoints are, or truncated: a header of 3 bytes in a file of 10");
    ok(ap_replace_file(path, "RIFF\x24\x08\0\0WAVEfmt ", 16));
    open_refused("not a safetensors file, as checkpoints are, or truncated: a header of 8951890856274 bytes "
                 "in a file of 16");
    ok(ap_replace_file(path, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}", 10));
    open_refused("not a safetensors file, as checkpoints are, or truncated: a header of 18446744073709551615 "
                 "bytes in a file of 10");
    unlink(path);
    open_refused("No such file or directory");

    header_refused("", "the header is not valid JSON at its byte 0");
    header_refused("{\"x\":}", "the header is not valid JSON at its byte 5");
    header_refused("{} {}", "the header is not valid JSON at its byte 3");
    header_refused("{\"x\\u0000y\":1}",
                   "the header is not valid JSON at its byte 3"); /* else it were another's name */
    header_refused("[1]", "the header is not a JSON object");
    header_refused("{}", "the last 16 bytes belong to no tensor");
}

static void malformed_tensors(void **state)
{
    (void)state;
    header_refused("{\"x\":4}", "tensor x: not an object");
    header_refused("{\"x\":{\"shape\":[4],\"data_offsets\":[0,16]}}", "tensor x: no dtype");
    header_refused("{\"x\":{\"dtype\":32,\"shape\":[4],\"data_offsets\":[0,16]}}", "tensor x: no dtype");
    header_refused("{\"x\":{\"dtype\":\"F31\",\"shape\":[4],\"data_offsets\":[0,16]}}",
                   "tensor x: unknown type F31");
    header_refused("{\"x\":{\"dtype\":\"F32\",\"data_offsets\":[0,16]}}", "tensor x: no shape");
    header_refused("{\"x\":{\"dtype\":\"F32\",\"shape\":[4]}}",
                   "tensor x: data_offsets are not [begin, end]");
    header_refused("{\"x\":" TENSOR("[4]", "[0]") "}", "tensor x: data_offsets are not [begin, end]");
    header_refused("{\"x\":" TENSOR("[4]", "[0,8,16]") "}", "tensor x: data_offsets are not [begin, end]");
    header_refused("{\"x\":" TENSOR("[4]", "[16,0]") "}", "tensor x: data_offsets are not [begin, end]");
    header_refused("{\"x\":" TENSOR("[4]", "[-16,0]") "}", "tensor x: data_offsets are not [begin, end]");
    header_refused("{\"x\":" TENSOR("[4]", "[0,16.5]") "}", "tensor x: data_offsets are not [begin, end]");
    header_refused("{\"x\":" TENSOR("[4]", "[0,1e300]") "}", "tensor x: data_offsets are not [begin, end]");
    header_refused("{\"x\":" TENSOR("[5]", "[0,20]") "}",
                   "tensor x: ends at byte 20 of 16: the file is truncated");
    header_refused("{\"x\":" TENSOR("[2,2]", "[0,12]") "}",
                   "tensor x: 12 bytes for F32 of shape [2, 2], which takes 16");
    const char *const size = "tensor x: a size in the shape is not a whole number of 0 or more";
    header_refused("{\"x\":" TENSOR("[-4]", "[0,16]") "}", size);
    header_refused("{\"x\":" TENSOR("[-2,-2]", "[0,16]") "}", size);
    header_refused("{\"x\":" TENSOR("[1e400]", "[0,16]") "}", size);
    header_refused("{\"x\":" TENSOR("[\"4\"]", "[0,16]") "}", size);
    header_refused("{\"x\":" TENSOR("[4.5]", "[0,16]") "}", size);
    /* 2^32 x 2^32 elements, and 2^61 + 1 elements of 4 bytes, both wrap around to what the range would hold
     */
    header_refused("{\"x\":" TENSOR("[4294967296,4294967296]", "[0,0]") "}",
                   "tensor x: the shape is too large");
    header_refused("{\"x\":" TENSOR("[2147483648,1073741824]", "[0,0]") "}",
                   "tensor x: the shape is too large");
    header_refused("{\"x\":" TENSOR("[1,1,1,1,4]", "[0,16]") "}", "tensor x: 5 dimensions, more than 4");
    header_refused("{\"x\":" TENSOR("[2]", "[0,8]") ",\"y\":" TENSOR("[3]", "[4,16]") "}",
                   "tensor y: its bytes overlap another's");
    header_refused("{\"x\":" TENSOR("[4]", "[0,16]") ",\"y\":" TENSOR("[4]", "[0,16]") "}",
                   "tensor y: its bytes overlap another's");
    header_refused("{\"x\":" TENSOR("[1]", "[0,4]") ",\"y\":" TENSOR("[2]", "[8,16]") "}",
                   "tensor y: a gap before its bytes");
    header_refused("{\"x\":" TENSOR("[3]", "[0,12]") "}", "the last 4 bytes belong to no tensor");
    header_refused("{\"x\":" TENSOR("[2]", "[0,8]") ",\"x\":" TENSOR("[2]", "[8,16]") "}",
                   "tensor x: is there twice");
    header_refused("{\"__metadata__\":3}", "__metadata__ is not an object");
    header_refused("{\"__metadata__\":{\"a\":3}}", "__metadata__: a is not a text");
    header_refused("{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", "__metadata__: a is there twice");
}

#define SUMS(text) "{\"__metadata__\":{\"checksums.crc32\":\"" text "\"},\"x\":" TENSOR("[4]", "[0,16]") "}"
#define SUM(name, digits) "\\\"" name "\\\":\\\"" digits "\\\""
#define OF_TENSORS(sums) "{\\\"tensors\\\":{" sums "}}"

static void malformed_checksums(void **state)
{
    (void)state;
    header_refused(SUMS("{}"), "tensor x: no checksum in checksums.crc32");
    header_refused(SUMS("no JSON"), "tensor x: no checksum in checksums.crc32");
    header_refused(SUMS(OF_TENSORS(SUM("x", "ECBB4B55"))), "tensor x: its checksum is malformed");
    header_refused(SUMS(OF_TENSORS(SUM("x", "cbb4b55"))), "tensor x: its checksum is malformed");
    header_refused(SUMS(OF_TENSORS(SUM("x", "ecbb4b55"))), "checksums.crc32 has no checksum of the header");
    header_refused(SUMS(OF_TENSORS(SUM("x", "ecbb4b55") "," SUM("y", "ecbb4b55"))),
                   "tensor y: has a checksum, but does not exist");
    header_refused(SUMS(OF_TENSORS(SUM("x", "ecbb4b55") "," SUM("x", "ecbb4b55"))),
                   "tensor x: has a checksum, but does not exist");
}

/* No single changed byte in the header, and no cut, may do worse than be refused (the sanitizers watch). */
static void damage_is_survived(void **state)
{
    (void)state;
    ap_real numbers[6] = {1, 2, 3, 4, 5, 6}, into[64];
    ap_safetensors_writer *writer = ap_safetensors_writer_create();
    ap_safetensors_writer_add(writer, "a", (ap_tensor){AP_SHAPE(2, 2), numbers});
    ap_safetensors_writer_add(writer, "b", (ap_tensor){AP_SHAPE(2), numbers + 4});
    ap_safetensors_writer_metadata(writer, "k", "v");
    ok(ap_safetensors_writer_save(writer, path));
    ap_safetensors_writer_free(writer);
    char *content;
    size_t length;
    ok(ap_file_read(path, 1000, &content, &length));
    size_t data_at = length - sizeof(float) * 6, refused = 0;
    const char changes[] = {'\0', '"', '0', '9', '[', '}', ',', '\\', '\xFF', '-'};
    for (size_t i = 0; i < data_at; i++)
        for (size_t k = 0; k < sizeof changes; k++) {
            put_byte(i, changes[k]);
            ap_safetensors *file;
            ap_status status = ap_safetensors_open(path, &file);
            put_byte(i, content[i]);
            refused += ap_failed(&status);
            for (size_t t = 0; file && t < ap_safetensors_count(file); t++) {
                assert_true(ap_shape_count(ap_safetensors_shape(file, t)) <= 64);
                ap_safetensors_read(file, t, into);
            }
            ap_safetensors_close(file);
        }
    assert_true(refused > data_at * sizeof changes / 2);
    for (size_t cut = 0; cut < length; cut++) {
        FILE *stream = fopen(path, "wb");
        fwrite(content, 1, cut, stream);
        fclose(stream);
        ap_safetensors *file;
        assert_int_equal(ap_safetensors_open(path, &file).code, AP_FAILED);
        assert_null(file);
    }
    free(content);
}

/* A file that shrinks after it was opened. */
static void truncated_later(void **state)
{
    (void)state;
    ap_real got[4];
    const float data[4] = {1, 2, 3, 4};
    put_file("{\"x\":" TENSOR("[4]", "[0,16]") "}", data, sizeof data);
    ap_safetensors *file;
    ok(ap_safetensors_open(path, &file));
    assert_int_equal(truncate(path, 70), 0);
    ap_status status = ap_safetensors_read(file, 0, got);
    assert_non_null(strstr(status.message, "the file is truncated"));
    ap_safetensors_close(file);
}

static void a_file_that_cannot_be_written(void **state)
{
    (void)state;
    ap_real one = 1;
    ap_safetensors_writer *writer = ap_safetensors_writer_create();
    ap_safetensors_writer_add(writer, "x", (ap_tensor){AP_SHAPE(1), &one});
    ap_status status = ap_safetensors_writer_save(writer, "/nowhere/x.safetensors");
    assert_string_equal(status.message,
                        "/nowhere/x.safetensors: cannot be written: No such file or directory");
    ap_safetensors_writer_metadata(writer, "k", "\xFF");
    ok(ap_replace_file(path, "old", 3));
    status = ap_safetensors_writer_save(writer, path);
    assert_non_null(strstr(status.message, "metadata k is not UTF-8"));
    char *text;
    size_t length;
    ok(ap_file_read(path, 3, &text, &length));
    assert_string_equal(text, "old");
    free(text);
    ap_safetensors_writer_free(writer);
}

static void a_name_added_twice_is_misuse(void **state)
{
    (void)state;
    ap_real one = 1;
    ap_safetensors_writer *writer = ap_safetensors_writer_create();
    ap_safetensors_writer_add(writer, "x", (ap_tensor){AP_SHAPE(1), &one});
    ap_safetensors_writer_add(writer, "x", (ap_tensor){AP_SHAPE(1), &one});
    assert_fatal(ap_safetensors_writer_save(writer, path));
    ap_safetensors_writer_free(writer);
}

static int enter(void **state)
{
    if (folder_create(state) != 0) return -1;
    path = ap_format_text("%s/file", (const char *)*state);
    return 0;
}

static int leave(void **state)
{
    free(path);
    return folder_remove(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(data_is_aligned_and_little_endian),
        cmocka_unit_test(other_types),
        cmocka_unit_test(numbers_that_are_not_finite),
        cmocka_unit_test(malformed_files),
        cmocka_unit_test(malformed_tensors),
        cmocka_unit_test(malformed_checksums),
        cmocka_unit_test(damage_is_survived),
        cmocka_unit_test(every_flipped_bit_is_found),
        cmocka_unit_test(a_damaged_tensor_is_named),
        cmocka_unit_test(a_header_is_judged_by_its_meaning),
        cmocka_unit_test(truncated_later),
        cmocka_unit_test(a_file_that_cannot_be_written),
        cmocka_unit_test(a_name_added_twice_is_misuse),
    };
    return cmocka_run_group_tests_name("safetensors", tests, enter, leave);
}
