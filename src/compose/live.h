/* Between a thread that may not wait, as that of an audio server, and one that composes. */
#ifndef ANTIPHON_COMPOSE_LIVE_H
#define ANTIPHON_COMPOSE_LIVE_H

#include "antiphon/status.h"

#include <stdint.h>

typedef struct ap_live ap_live;

/* Composes a hop, as ap_stream_next. */
typedef void ap_live_compose(void *context, const float *input, const float *target, float *output);

/* What is composed, and when: `hop` samples at a time; what is given for a hop belongs `behind` samples
 * before it; the audio server asks for at most `period` samples at a time; and composing may take as long as
 * `margin` samples last. */
typedef struct ap_live_plan {
    ap_live_compose *compose;
    void *context;
    int64_t hop, behind, period, margin;
    int priority; /* of the thread that composes, among those in real time; below 1: it is a usual one */
} ap_live_plan;

/* Starts the thread that composes. */
ap_status ap_live_start(const ap_live_plan *plan, ap_live **live);

/* Stops it. NULL is allowed. */
void ap_live_stop(ap_live *live);

/* Takes n samples of both sources, and gives n of the answer, ap_live_delay samples late. Neither waits nor
 * asks for memory: where the answer is not there in time, there is silence. One thread. */
void ap_live_exchange(ap_live *live, int64_t n, const float *input, const float *target, float *output);

/* Samples from what is heard to its answer. */
int64_t ap_live_delay(const ap_live *live);

/* Samples that were silence because composing took too long. Any thread. */
int64_t ap_live_missed(const ap_live *live);

/* Samples taken whose answers are still to be composed. Any thread. */
int64_t ap_live_waiting(const ap_live *live);

#endif
