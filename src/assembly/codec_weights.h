/* Loads a codec's weights from a file of this program or from a published EnCodec checkpoint. */
#ifndef ANTIPHON_ASSEMBLY_CODEC_WEIGHTS_H
#define ANTIPHON_ASSEMBLY_CODEC_WEIGHTS_H

#include "antiphon/config.h"
#include "antiphon/params.h"
#include "antiphon/status.h"

/* Reads all parameters of the codec (ap_codec_owns) from the safetensors file config->codec.weights, which
 * may hold more: an agent, a quantiser. Names in the file may have the prefix of a larger model
 * ("audio_encoder.encoder.layers.0.conv.bias"), and may be those of weight norm since PyTorch 2.1
 * ("parametrizations.weight.original0" for weight_g, "...original1" for weight_v) or those of the package
 * encodec ("encoder.model.0.conv.conv.bias"). The status names the file and the tensor that is missing or of
 * another shape, or says in which key the file's model differs from the configuration (encodec.h). */
ap_status ap_codec_weights_load(const ap_config *config, const ap_params *params);

/* Sets the keys of config->codec, of which all else is at its default, to the seanet whose weights the file
 * holds, as its shapes and the config.json beside it say, and codec.weights to the path. */
ap_status ap_codec_weights_describe(const char *path, ap_config *config);

#endif
