/* Loads a codec's weights from a file of this program or from a published EnCodec checkpoint. */
#ifndef ANTIPHON_ASSEMBLY_CODEC_WEIGHTS_H
#define ANTIPHON_ASSEMBLY_CODEC_WEIGHTS_H

#include "antiphon/config.h"
#include "antiphon/params.h"
#include "antiphon/status.h"

/* Reads all parameters of the codec (ap_codec_owns) from the safetensors file at `path`, which may hold
 * more: an agent, a quantiser. Names in the file may have the prefix of a larger model
 * ("audio_encoder.encoder.layers.0.conv.bias"), and may be those of weight norm since PyTorch 2.1
 * ("parametrizations.weight.original0" for weight_g, "...original1" for weight_v) or those of the package
 * encodec ("encoder.model.0.conv.conv.bias"). The status names the file and the tensor that is missing or of
 * another shape, or says which other EnCodec model the file is of (encodec.h). */
ap_status ap_codec_weights_load(const char *path, const ap_params *params);

/* Sets the keys of config->codec to the seanet whose weights the file holds, as its shapes say, and
 * codec.weights to the path. */
ap_status ap_codec_weights_describe(const char *path, ap_config *config);

#endif
