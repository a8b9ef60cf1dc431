/* The shapes of audio that operations accept: [B, S], or [B, 1, S] as from codecs. */
#ifndef ANTIPHON_OPS_SIGNALS_H
#define ANTIPHON_OPS_SIGNALS_H

#include "antiphon/tape.h"

typedef struct ap_signals {
    int64_t B, S;
} ap_signals;

/* How many signals of how many samples x holds; ap_fatal in the name of `who` when it is not audio. */
ap_signals ap_signals_of(const char *who, const ap_var *x);

/* The same of a and b, which must agree. */
ap_signals ap_signals_of_both(const char *who, const ap_var *a, const ap_var *b);

#endif
