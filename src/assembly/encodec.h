/* EnCodec checkpoints: under which names a parameter is published, and which of the models one is of. */
#ifndef ANTIPHON_ASSEMBLY_ENCODEC_H
#define ANTIPHON_ASSEMBLY_ENCODEC_H

#include "antiphon/safetensors.h"

#include <stdbool.h>

/* How the names of a file differ from ours. */
typedef struct ap_encodec_names {
    const char *prefix; /* what stands in front: the first `before` bytes; the file's */
    size_t before;
    bool original; /* as the package encodec has them, not transformers: "encoder.model.0.conv.conv.bias" */
} ap_encodec_names;

ap_encodec_names ap_encodec_names_of(const ap_safetensors *file);

/* The name in the file of the parameter that is `ours` here ("encoder.layers.0.conv.weight_g"); where it is
 * not there, one that it could have had. For the caller to free. */
char *ap_encodec_name(const ap_safetensors *file, const ap_encodec_names *names, const char *ours);

/* The shape of a parameter of that name here; of rank 0 where the file does not have it. */
ap_shape ap_encodec_shape(const ap_safetensors *file, const ap_encodec_names *names, const char *ours);

/* A failure where the file, or a config.json beside it, says that it is of another model than the codec here
 * computes: one that is not causal (MusicGen's of 32 kHz, EnCodec's of 48 kHz), has group norm, two channels.
 */
ap_status ap_encodec_check(const char *path, const ap_safetensors *file, const ap_encodec_names *names);

#endif
