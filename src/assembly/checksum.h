/* The checksums of a safetensors file: CRC-32 as zlib, PNG and Python's zlib.crc32 have it, in eight
 * lower-case hexadecimal digits. They stand in its metadata under CHECKSUMS_KEY, as JSON:
 *
 *     {"header": "0a1b2c3d", "tensors": {"NAME": "4e5f6071", ...}}
 *
 * A tensor's is that of its bytes. The header's is the sum, modulo 2^32, of one for each entry of the
 * metadata but this one, and of one for each tensor: by what the header means, not by how it is spelt or
 * ordered.
 *
 * A second entry, CHECKSUMS_MARK, says that there are checksums: a file that has it and no CHECKSUMS_KEY has
 * lost them, by a damaged bit in that key for one, and is not read. Files that never had checksums have
 * neither. */
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

/* The checksum of what `sum` is the checksum of, followed by these bytes; 0 is that of nothing. */
uint32_t ap_checksum_add(uint32_t sum, size_t bytes, const void *data);

/* What an entry of the metadata, and what a tensor of this checksum, adds to the header's. */
uint32_t ap_checksum_of_metadata(const char *key, const char *value);
uint32_t ap_checksum_of_tensor(const char *name, const char *type, ap_shape shape, uint32_t sum);

#define AP_CHECKSUM_TEXT 9
void ap_checksum_print(uint32_t sum, char text[AP_CHECKSUM_TEXT]);

/* False where the text, or NULL, is no such number. */
bool ap_checksum_read(const char *text, uint32_t *sum);

#endif
