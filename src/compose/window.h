/* A window of a composition: both sources as they are, and as the agent hears them. */
#ifndef ANTIPHON_COMPOSE_WINDOW_H
#define ANTIPHON_COMPOSE_WINDOW_H

#include "antiphon/config.h"
#include "antiphon/model.h"
#include "antiphon/tape.h"

#include <stdint.h>

/* The signals of a composition; the first two are its sources. */
enum { AP_INPUT, AP_TARGET, AP_OUTPUT, AP_SIGNALS };
/* The most channels of a composition. */
#define AP_CHANNELS_MOST 2

typedef struct ap_window {
    int rate, channels;                             /* of what comes out */
    int64_t count;                                  /* samples in each channel, at `rate` */
    ap_real *channel[AP_SIGNALS][AP_CHANNELS_MOST]; /* [count] each; the output is written */
    int64_t mid_begin;                              /* where the mids begin in the recordings */
    int64_t mid_count;                              /* samples of each mid, at AP_SAMPLE_RATE */
    ap_real *mid[2];                                /* [mid_count] the sources as the agent hears them */
    ap_knobs knobs;                                 /* for takes */
} ap_window;

/* Composes the window's output from its sources, on `tape`, which is reset.
 *
 * takes: what the agent arranges from the mids is played from the channels, each by itself.
 *
 * gates: the agent hears the mids; its gains then go to the latents of every channel by itself, so that the
 * stereo image stays. cascade, direct: the answer is one signal, which all channels get. Both answer at
 * AP_SAMPLE_RATE; at another rate the answer is resampled, and ends where the codec's does. */
void ap_window_compose(const ap_config *config, ap_model *model, ap_tape *tape, ap_window *window);

#endif
