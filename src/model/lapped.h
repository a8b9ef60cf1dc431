/* The codecs without weights: a lapped transform (ops.h), whose lowest coefficients are latents as they are.
 * Above them, `bands` levels stand for all the rest of the spectrum (ops/levels.h), or it is gone. */
#ifndef ANTIPHON_MODEL_LAPPED_H
#define ANTIPHON_MODEL_LAPPED_H

#include "antiphon/tape.h"

#include <stdbool.h>

typedef struct ap_lapped_config {
    int dim;   /* latents: coefficients and levels */
    int bands; /* levels among them, the last ones; 0: none */
    int hop;
    ap_real gain;
    bool complex; /* cosines and sines of every bin, for gains without aliases; else cosines */
} ap_lapped_config;

/* NULL if such a transform exists, else what is wrong with it, as the end of a sentence. */
const char *ap_lapped_fault(const ap_lapped_config *config);

typedef struct ap_lapped ap_lapped;

/* Owned by the caller. It must outlive the tapes that use it. */
ap_lapped *ap_lapped_create(const ap_lapped_config *config);
void ap_lapped_free(ap_lapped *lapped); /* NULL is allowed */

/* The number of frames for S samples: ceil(S / hop) + 1. */
int64_t ap_lapped_frames(const ap_lapped *lapped, int64_t S);

/* z [B, dim, frames] from x [B, 1, S], and x from z. A level is the root mean square of the coefficients that
 * it stands for, in the unit of the others, so whatever scales all latents scales the sound. */
ap_var *ap_lapped_encode(ap_tape *tape, const ap_lapped *lapped, ap_var *x);
ap_var *ap_lapped_decode(ap_tape *tape, const ap_lapped *lapped, ap_var *z, int64_t S);

#endif
