/* Which elements dropout takes away: never stored, drawn again wherever they are needed. */
#ifndef ANTIPHON_OPS_DROPOUT_H
#define ANTIPHON_OPS_DROPOUT_H

#include "antiphon/tape.h"

typedef struct ap_dropout_mask {
    uint64_t key;       /* of the stream of ap_rng_hashes */
    uint32_t threshold; /* an element whose hash is below it is dropped; 0: nothing is, and the mask is of no
                           effect */
    ap_real factor;     /* of the elements that stay: 1 / (1 - p) */
} ap_dropout_mask;

/* In training mode and for p > 0 a mask drawn from the tape's stream, otherwise one that drops nothing and
 * draws nothing. p outside [0, 1): ap_fatal, in the name of the operation. */
ap_dropout_mask ap_dropout_draw(ap_tape *tape, const char *operation, ap_real p);

/* factors[i] = 0 if element first + i is dropped, else mask->factor. One thread. */
void ap_dropout_factors(const ap_dropout_mask *mask, uint64_t first, int64_t n, ap_real *factors);

/* y[i] = x[i] + m part[i], m the factor of element first + i; x NULL: 0. y may be x or part. One thread. */
void ap_dropout_add(const ap_dropout_mask *mask, uint64_t first, int64_t n, const ap_real *x,
                    const ap_real *part, ap_real *y);

#endif
