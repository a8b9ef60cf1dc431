/* The random streams of a training. */
#ifndef ANTIPHON_TRAIN_STREAM_H
#define ANTIPHON_TRAIN_STREAM_H

#include "antiphon/config.h"

#include <stdint.h>

/* Weights, dropout and noise, and one per epoch for the order. */
typedef enum ap_stream_kind { AP_STREAM_WEIGHTS, AP_STREAM_TAPE, AP_STREAM_ORDER } ap_stream_kind;

/* The seed of a stream. */
static inline uint64_t ap_stream(const ap_config *config, ap_stream_kind which, uint64_t index)
{
    return ((uint64_t)config->train.seed << 32) ^ ((uint64_t)which << 56) ^ index;
}

#endif
