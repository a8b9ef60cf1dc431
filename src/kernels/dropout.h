/* The mask of dropout: never stored, but drawn again wherever it is needed. An element is the same on every
 * processor, for any number of threads and processes. One thread: callers split the work. */
#ifndef ANTIPHON_KERNELS_DROPOUT_H
#define ANTIPHON_KERNELS_DROPOUT_H

#include "antiphon/real.h"

#include <stdint.h>

typedef struct ap_dropout_mask {
    uint64_t key;       /* of the stream of ap_rng_hash */
    uint64_t origin;    /* element 0 is this one of the whole batch (ap_tape_origin) */
    uint32_t threshold; /* an element whose hash is below this is dropped; 0: none is, and the mask has no
                           effect */
    ap_real factor;     /* factor on the elements that stay: 1 / (1 - p) */
} ap_dropout_mask;

/* y[i] = x[i] + m part[i], with m the factor of element first + i, 0 or mask->factor; n below 2^31. x NULL:
 * 0. y may be x or part. */
void ap_dropout_add(const ap_dropout_mask *mask, uint64_t first, int64_t n, const ap_real *x,
                    const ap_real *part, ap_real *y);

/* In a strip [rows, AP_TILE_COLUMNS] (tile.h) of attention's weights, each row or each column is a stretch of
 * elements, and the next one begins `pitch` elements further on; all of them span fewer than 2^31.
 *
 * strip = 0 where element first + row + pitch column is dropped. Other numbers stay unscaled; the caller
 * applies the factor. */
void ap_dropout_clear_columns(const ap_dropout_mask *mask, uint64_t first, int64_t pitch, int64_t rows,
                              ap_real *strip);

/* The gradient of dropout(softmax), with m the factor of element first + column + pitch row: dp becomes p (m
 * dp - delta[row]), as in ap_vsoftmax_back, and p becomes m p. */
void ap_dropout_softmax_back(const ap_dropout_mask *mask, uint64_t first, int64_t pitch, int64_t rows,
                             const ap_real *delta, ap_real *p, ap_real *dp);

#endif
