/* The envelope of modulation.h as an operation on a tape. */
#ifndef ANTIPHON_LOSS_ENVELOPE_H
#define ANTIPHON_LOSS_ENVELOPE_H

#include "antiphon/tape.h"

/* e [B, M] of x, audio: the maximum of |x| in each of M segments. The gradient goes to the first sample that
 * is the maximum, and nowhere in a segment of digital silence. */
ap_var *ap_envelope_of(ap_tape *tape, ap_var *x, int64_t M);

/* Adds to dx [B, S] the gradient de [B, M] of the envelope of x, whose maxima are at `where` [B, M]. */
void ap_envelope_backward(int64_t B, int64_t S, int64_t M, const ap_real *x, const int64_t *where,
                          const ap_real *de, ap_real *dx);

/* The largest |x| of n numbers; `where` (NULL: not wanted) receives the index of the first that has it. */
ap_real ap_loudest(int64_t n, const ap_real *x, int64_t *where);

#endif
