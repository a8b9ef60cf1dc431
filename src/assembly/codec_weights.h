/* A codec's weights from a file of them: one that this program wrote, or a published EnCodec checkpoint. */
#ifndef ANTIPHON_ASSEMBLY_CODEC_WEIGHTS_H
#define ANTIPHON_ASSEMBLY_CODEC_WEIGHTS_H

#include "antiphon/config.h"
#include "antiphon/params.h"
#include "antiphon/status.h"

/* Reads all parameters of `params` that are a codec's (ap_codec_owns) from the safetensors file at `path`,
 * which may hold more: an agent, a quantiser. Its names may have those of a larger model in front
 * ("audio_encoder.encoder.layers.0.conv.bias"), and be those that weight norm has had in PyTorch since 2.1
 * ("parametrizations.weight.original0" for weight_g, "...original1" for weight_v). Those of the
 * package encodec ("encoder.model.0.conv.conv.bias") serve as well. The status names the file and the tensor
 * that is missing or of another shape, or says which other EnCodec model it is of (encodec.h). */
ap_status ap_codec_weights_load(const char *path, const ap_params *params);

/* Sets the keys of config->codec to the seanet whose weights the file holds, as its shapes say, and
 * codec.weights to the path. */
ap_status ap_codec_weights_describe(const char *path, ap_config *config);

#endif
