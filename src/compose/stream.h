/* Composes hop by hop, as music comes in, with a causal model: what a whole recording would give, a hop
 * later. The model hears and answers at the stream's own rate: a lapped transform whose hop lasts as long has
 * the same coefficients at any, so that nothing is resampled. */
#ifndef ANTIPHON_COMPOSE_STREAM_H
#define ANTIPHON_COMPOSE_STREAM_H

#include "antiphon/config.h"
#include "antiphon/model.h"

typedef struct ap_stream ap_stream;

/* Refuses models that look ahead: AP_MISUSE, one line. */
ap_status ap_stream_check(const ap_config *config);

/* A stream at `rate` samples a second; the past is silence. The model is borrowed. Refuses as
 * ap_stream_check, and rates at which a hop is no whole number of samples. */
ap_status ap_stream_create(const ap_config *config, ap_model *model, int rate, ap_stream **stream);

/* NULL is allowed. */
void ap_stream_free(ap_stream *stream);

/* Samples of a hop. */
int64_t ap_stream_hop(const ap_stream *stream);

/* Takes the next hop of both sources, and gives the answer to the hop before: [hop] each. */
void ap_stream_next(ap_stream *stream, const float *input, const float *target, float *output);

#endif
