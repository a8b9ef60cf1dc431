/* What the safetensors reader and writer share, and what stays inside the library. */
#ifndef ANTIPHON_ASSEMBLY_SAFETENSORS_TYPES_H
#define ANTIPHON_ASSEMBLY_SAFETENSORS_TYPES_H

#include "antiphon/safetensors.h"

#define SAFETENSORS_METADATA "__metadata__"
#define SAFETENSORS_F32 "F32"

/* Whether the tensor called `name` is there, and ap_safetensors_load into `shape` would find it fit. */
ap_status ap_safetensors_expect(const ap_safetensors *file, const char *name, ap_shape shape);

#endif
