/* Words of the safetensors header that reader and writer share. */
#ifndef ANTIPHON_ASSEMBLY_SAFETENSORS_TYPES_H
#define ANTIPHON_ASSEMBLY_SAFETENSORS_TYPES_H

#define SAFETENSORS_METADATA "__metadata__"
#define SAFETENSORS_F32 "F32"

#endif
