#include "assembly/checksum.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

uint32_t ap_checksum_add(uint32_t sum, size_t bytes, const void *data)
{
    return (uint32_t)crc32_z(
        sum, data,
        bytes); /* zlib returns 0 for NULL, which only an empty tensor passes, with nothing before it */
}

/* Includes the NUL at the end, so that different lists of texts never concatenate to the same bytes. */
static uint32_t add_text(uint32_t sum, const char *text)
{
    return ap_checksum_add(sum, strlen(text) + 1, text);
}

uint32_t ap_checksum_of_metadata(const char *key, const char *value)
{
    return add_text(add_text(0, key), value);
}

uint32_t ap_checksum_of_tensor(const char *name, const char *type, ap_shape shape, uint32_t sum)
{
    char text[AP_CHECKSUM_TEXT];
    ap_checksum_print(sum, text);
    return add_text(add_text(add_text(add_text(0, name), type), ap_shape_print(shape).text), text);
}

void ap_checksum_print(uint32_t sum, char text[AP_CHECKSUM_TEXT])
{
    snprintf(text, AP_CHECKSUM_TEXT, "%08" PRIx32, sum);
}

bool ap_checksum_read(const char *text, uint32_t *sum)
{
    if (!text || strlen(text) != AP_CHECKSUM_TEXT - 1 ||
        strspn(text, "0123456789abcdef") != AP_CHECKSUM_TEXT - 1)
        return false;
    *sum = (uint32_t)strtoul(text, NULL, 16);
    return true;
}
