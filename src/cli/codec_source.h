/* The codec that a command line names. */
#ifndef ANTIPHON_CLI_CODEC_SOURCE_H
#define ANTIPHON_CLI_CODEC_SOURCE_H

#include "antiphon/config.h"
#include "antiphon/model.h"

/* A model whose codec is that of `path`: a configuration (a name that ends in .json), a run's folder, a
 * checkpoint, or a file of EnCodec's weights, whose shapes say what codec they are of; NULL: the default
 * configuration's. On success *model is the caller's. */
ap_status codec_source_load(const char *path, ap_config *config, ap_model **model);

/* What tells codecs apart whose latents do not fit each other: "mdct dim=128 hop=320 gain=8". The caller
 * frees it. */
char *codec_source_describe(const ap_config *config);

#endif
