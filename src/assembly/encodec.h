/* EnCodec checkpoints: the names of their parameters, and which model they are of. */
#ifndef ANTIPHON_ASSEMBLY_ENCODEC_H
#define ANTIPHON_ASSEMBLY_ENCODEC_H

#include "antiphon/config.h"
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

/* The shape of the kernel of the convolution `layer` ("encoder.layers.0."), whichever norm it has. */
ap_shape ap_encodec_kernel(const ap_safetensors *file, const ap_encodec_names *names, const char *layer);

/* Sets the keys of config->codec that the sizes of layers do not tell: sample_rate, channels, causal, norm,
 * normalize, segment, overlap; to what the checkpoint's own configuration says, or the config.json beside the
 * file, or, where the shapes are those of EnCodec's model of 48 kHz, to that model's. *told: whether one of
 * them did; otherwise only channels and norm are set. Fails if any of them is of a model that the codec here
 * does not implement. */
ap_status ap_encodec_describe(const char *path, const ap_safetensors *file, const ap_encodec_names *names,
                              ap_config *config, bool *told);

#endif
