/** @file safetensors.h
 * The safetensors file format: an 8-byte little-endian header length, a JSON header, then the tensors' bytes.
 * The safetensors package for Python reads what is written here.
 */
#ifndef ANTIPHON_SAFETENSORS_H
#define ANTIPHON_SAFETENSORS_H

#include "antiphon/api.h"
#include "antiphon/status.h"
#include "antiphon/tensor.h"

#include <stddef.h>

AP_API_BEGIN

/** A file opened for reading. */
typedef struct ap_safetensors ap_safetensors;

/** Opens and checks a file: length of the header (at most 4 MiB), JSON, types, shapes against byte ranges,
 * ranges within the file, no overlap, and the header's checksum if there is one. F32, F64, F16 and BF16 can
 * be read; tensors of other types are only listed. The status names the file, the tensor and the fault. On
 * success the caller closes *file. */
ap_status ap_safetensors_open(const char *path, ap_safetensors **file);

/** Closes the file and frees it. NULL is allowed. */
void ap_safetensors_close(ap_safetensors *file);

/** The number of tensors; name, type ("F32") and shape of the one at `index`. Names and types are borrowed
 * until close. Opening fails for a rank above AP_RANK_MAX. */
size_t ap_safetensors_count(const ap_safetensors *file);
const char *ap_safetensors_name(const ap_safetensors *file, size_t index);
const char *ap_safetensors_type(const ap_safetensors *file, size_t index);
ap_shape ap_safetensors_shape(const ap_safetensors *file, size_t index);

/** The index of a tensor, or -1. */
long ap_safetensors_find(const ap_safetensors *file, const char *name);

/** Reads a tensor into `data`, ap_shape_count(shape) numbers, converted to ap_real. Fails if the file has
 * checksums and the bytes do not match. */
ap_status ap_safetensors_read(ap_safetensors *file, size_t index, ap_real *data);

/** Reads the tensor called `name` into `into`. It must exist, hold only finite numbers and have the shape of
 * `into`, except that dimensions of size 1 do not count ([N, 1, 1] fits [N]). Otherwise the status says what
 * is wrong. */
ap_status ap_safetensors_load(ap_safetensors *file, const char *name, ap_tensor into);

/** Whether the file has checksums: CRC-32 (as in zlib) of each tensor's bytes and of the header, in the
 * metadata under "checksums.crc32", where ap_safetensors_writer_save puts them. Files without checksums can
 * be read as well. A program that changes the tensors must update or remove that entry. */
bool ap_safetensors_has_checksums(const ap_safetensors *file);

/** Reads all tensors, of any type, and compares their checksums. A failure names the first that differs, or
 * says that the file has no checksums. */
ap_status ap_safetensors_verify(ap_safetensors *file);

/** An entry of the header's __metadata__, or NULL; the number of entries; and the key of the entry at
 * `index`, in ascending order. Borrowed until close. */
const char *ap_safetensors_metadata(const ap_safetensors *file, const char *key);
size_t ap_safetensors_metadata_count(const ap_safetensors *file);
const char *ap_safetensors_metadata_key(const ap_safetensors *file, size_t index);

/** A file to be written. Tensors are borrowed until the writer is freed; names and metadata are copied. */
typedef struct ap_safetensors_writer ap_safetensors_writer;

/** An empty file, owned by the caller. */
ap_safetensors_writer *ap_safetensors_writer_create(void);

/** Adds a tensor, or an entry of the metadata. */
void ap_safetensors_writer_add(ap_safetensors_writer *writer, const char *name, ap_tensor tensor);
void ap_safetensors_writer_metadata(ap_safetensors_writer *writer, const char *key, const char *value);

/** Writes all tensors as F32, with checksums, atomically: to a temporary file beside `path`, flushed to the
 * disk, then renamed. A number that is not finite as F32 is a failure that names its tensor. After a failure
 * `path` is as before. */
ap_status ap_safetensors_writer_save(ap_safetensors_writer *writer, const char *path);

/** Frees the writer. NULL is allowed. */
void ap_safetensors_writer_free(ap_safetensors_writer *writer);

AP_API_END

#endif
