/* What a model with takes decides about a window: which grains of the target sound when, and how loud, by
 * band and time. It is decided from mono signals at 24 kHz and played from the recordings themselves, at
 * their rate and in all their channels. */
#ifndef ANTIPHON_ASSEMBLY_ARRANGEMENT_H
#define ANTIPHON_ASSEMBLY_ARRANGEMENT_H

#include "antiphon/model.h"

typedef struct ap_arrangement ap_arrangement;

/* Whether the model's output part is of this kind; the others give latents for the codec's decoder. */
bool ap_model_arranges(const ap_model *model);

/* Arranges one window, [1, 1, S] each, without gradients. It lives on the tape's arena, until the reset.
 * `origin` is where the window begins in the recordings, in samples at 24 kHz. */
const ap_arrangement *ap_model_arrange(ap_tape *tape, ap_model *model, ap_var *input, ap_var *target,
                                       const ap_knobs *knobs, int64_t origin);

/* Plays it: output[c] [count] from input[c] and target[c] [count] for each of the channels, at `rate`.
 * Scratch is the arena's. */
void ap_arrangement_play(ap_arena *arena, const ap_arrangement *arrangement, int rate, int channels,
                         int64_t count, const ap_real *const input[], const ap_real *const target[],
                         ap_real *const output[]);

#endif
