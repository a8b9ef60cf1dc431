/* EnCodec checkpoints: the names of their parameters, and which model they are of. */
#ifndef ANTIPHON_ASSEMBLY_ENCODEC_H
#define ANTIPHON_ASSEMBLY_ENCODEC_H

#include "antiphon/safetensors.h"

#include <stdbool.h>

/* How the names of a file differ from ours. */
typedef struct ap_encodec_names {
    const char *prefix; /* the prefix: the first `before` bytes of the file's name */
    size_t before;
    bool original; /* named as in the package encodec, not as in transformers:
                      "encoder.model.0.conv.conv.bias" */
} ap_encodec_names;

ap_encodec_names ap_encodec_names_of(const ap_safetensors *file);

/* The file's name for the parameter `ours` ("encoder.layers.0.conv.weight_g"). If it is missing, a name it
 * could have had. The caller frees it. */
char *ap_encodec_name(const ap_safetensors *file, const ap_encodec_names *names, const char *ours);

/* The shape of a parameter of that name here; of rank 0 where the file does not have it. */
ap_shape ap_encodec_shape(const ap_safetensors *file, const ap_encodec_names *names, const char *ours);

/* Fails if the file, or a config.json beside it, is of a model that the codec here does not implement: not
 * causal (MusicGen's of 32 kHz, EnCodec's of 48 kHz), with group norm, or with two channels. */
ap_status ap_encodec_check(const char *path, const ap_safetensors *file, const ap_encodec_names *names);

#endif
