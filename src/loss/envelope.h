/* The loudness envelope as an operation: one number per segment of a signal. */
#ifndef ANTIPHON_LOSS_ENVELOPE_H
#define ANTIPHON_LOSS_ENVELOPE_H

#include "antiphon/modulation.h"

/* e [B, Q, M] from B signals x, [B, S] or [B, 1, S]: the maximum or norm of |x| (`type`) in each of M equal
 * segments of L = floor(S / M) samples. Row q starts q L / Q samples (rounded down) after row 0, so Q > 1
 * gives overlapping segments. Samples beyond M L are left out, so the last segment of rows 1 to Q - 1 is
 * shorter. 1 <= Q <= L.
 *
 *     maximum: e = max |x|                       its gradient goes to the first sample that is the maximum
 *     p-norm:  e = (mean |x|^p + f^p)^(1 / p)    p = 2 or 8, f = AP_ENVELOPE_FLOOR */
ap_var *ap_envelope_of(ap_tape *tape, ap_var *x, int64_t M, int64_t Q, ap_envelope_type type);

/* Backward of ap_envelope: adds to dx [B, S] the contribution of de [B, M]. The maxima are at `where` [B,
 * M]. */
void ap_envelope_backward(int64_t B, int64_t S, int64_t M, const ap_real *x, const int64_t *where,
                          const ap_real *de, ap_real *dx);

#endif
