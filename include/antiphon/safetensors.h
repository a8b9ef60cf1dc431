/** @file safetensors.h
 * The safetensors file format: an 8-byte little-endian header length, a JSON header, then the tensors' bytes.
 * What is written here opens in Python with the safetensors package.
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

/** Opens and checks a file: header length (4 MiB at most), JSON, types (F32, F64, F16 and BF16 are read;
 * others are listed), shapes against byte ranges, ranges inside the file, no overlap; the header's checksum,
 * where there is one. The status names the file, the tensor and the fault. On success *file is to be closed.
 */
ap_status ap_safetensors_open(const char *path, ap_safetensors **file);
void ap_safetensors_close(ap_safetensors *file);

/** How many tensors there are; name, type ("F32") and shape of the one at `index` (rank above AP_RANK_MAX:
 * the status of open says so). Borrowed until close. */
size_t ap_safetensors_count(const ap_safetensors *file);
const char *ap_safetensors_name(const ap_safetensors *file, size_t index);
const char *ap_safetensors_type(const ap_safetensors *file, size_t index);
ap_shape ap_safetensors_shape(const ap_safetensors *file, size_t index);

/** The index of a tensor, or -1. */
long ap_safetensors_find(const ap_safetensors *file, const char *name);

/** Reads a tensor's numbers into `data`, ap_shape_count(shape) of them, converted to ap_real. Where the file
 * has checksums, bytes of another one are a failure. */
ap_status ap_safetensors_read(ap_safetensors *file, size_t index, ap_real *data);

/** Reads the tensor called `name`, which must be there and have as many elements as `shape`, sizes of 1 aside
 * in the same order (a [N, 1, 1] serves for [N]); the status names both shapes otherwise. A number that is
 * not finite is a failure, too: weights hold none. */
ap_status ap_safetensors_load(ap_safetensors *file, const char *name, ap_tensor into);

/** Whether the file has checksums: CRC-32 (zlib's) of each tensor's bytes and of the header, as the writer
 * below puts them into the metadata, under "checksums.crc32". Files without are read as well; so is one from
 * which that entry was taken away, as has to be done where another program changes the tensors. */
bool ap_safetensors_has_checksums(const ap_safetensors *file);

/** Reads all tensors, of whatever type, and compares their checksums. A failure names the first that differs,
 * or says that there are none. */
ap_status ap_safetensors_verify(ap_safetensors *file);

/** An entry of the header's __metadata__, or NULL. The number of entries and the key of the one at `index`,
 * keys ascending. */
const char *ap_safetensors_metadata(const ap_safetensors *file, const char *key);
size_t ap_safetensors_metadata_count(const ap_safetensors *file);
const char *ap_safetensors_metadata_key(const ap_safetensors *file, size_t index);

/** A file being gathered for writing. Tensors are borrowed until it is saved or freed; names and metadata
 * copied. */
typedef struct ap_safetensors_writer ap_safetensors_writer;
ap_safetensors_writer *ap_safetensors_writer_create(void);
void ap_safetensors_writer_add(ap_safetensors_writer *writer, const char *name, ap_tensor tensor);
void ap_safetensors_writer_metadata(ap_safetensors_writer *writer, const char *key, const char *value);

/** Writes everything as F32, with checksums, atomically: to a temporary file beside `path`, flushed to the
 * disk, then renamed. A number that is not finite as F32 is a failure that names its tensor; what stands
 * under `path` then stays. */
ap_status ap_safetensors_writer_save(ap_safetensors_writer *writer, const char *path);
void ap_safetensors_writer_free(ap_safetensors_writer *writer);

AP_API_END

#endif
