/* Shared by the safetensors reader and writer, and not exported. */
#ifndef ANTIPHON_ASSEMBLY_SAFETENSORS_TYPES_H
#define ANTIPHON_ASSEMBLY_SAFETENSORS_TYPES_H

#include "antiphon/safetensors.h"

#define SAFETENSORS_METADATA "__metadata__"
#define SAFETENSORS_F32 "F32"

/* Checks that the tensor `name` exists and that ap_safetensors_load would accept `shape`. */
ap_status ap_safetensors_expect(const ap_safetensors *file, const char *name, ap_shape shape);

#endif
