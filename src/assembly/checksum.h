/* The checksums of a safetensors file: CRC-32 (as in zlib, PNG and Python's zlib.crc32), in eight lower-case
 * hexadecimal digits. They are in the metadata under CHECKSUMS_KEY, as JSON:
 *
 *     {"header": "0a1b2c3d", "tensors": {"NAME": "4e5f6071", ...}}
 *
 * The checksum of a tensor is that of its bytes. The checksum of the header is the sum, modulo 2^32, of one
 * checksum for each other entry of the metadata and one for each tensor. It depends on what the header
 * means, not on its spelling or order. */
#ifndef ANTIPHON_ASSEMBLY_CHECKSUM_H
#define ANTIPHON_ASSEMBLY_CHECKSUM_H

#include "antiphon/tensor.h"

#include <stddef.h>
#include <stdint.h>

#define CHECKSUMS_KEY "checksums.crc32"
#define CHECKSUMS_MARK "checksums"
#define CHECKSUMS_KIND "crc32" /* what stands under CHECKSUMS_MARK */
#define CHECKSUMS_HEADER "header"
#define CHECKSUMS_TENSORS "tensors"

/* Continues the checksum `sum` with these bytes; 0 is the checksum of nothing. */
uint32_t ap_checksum_add(uint32_t sum, size_t bytes, const void *data);

/* What an entry of the metadata, or a tensor with this checksum, adds to the header's checksum. */
uint32_t ap_checksum_of_metadata(const char *key, const char *value);
uint32_t ap_checksum_of_tensor(const char *name, const char *type, ap_shape shape, uint32_t sum);

#define AP_CHECKSUM_TEXT 9
void ap_checksum_print(uint32_t sum, char text[AP_CHECKSUM_TEXT]);

/* Parses a checksum. False if the text is NULL or not a checksum. */
bool ap_checksum_read(const char *text, uint32_t *sum);

#endif
