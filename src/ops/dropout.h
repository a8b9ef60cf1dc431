/* The mask of dropout: never stored, but drawn again wherever it is needed. */
#ifndef ANTIPHON_OPS_DROPOUT_H
#define ANTIPHON_OPS_DROPOUT_H

#include "antiphon/tape.h"
#include "core/rng_run.h"

typedef struct ap_dropout_mask {
    uint64_t key;       /* of the stream of ap_rng_hash */
    uint64_t origin;    /* element 0 is this one of the whole batch (ap_tape_origin) */
    uint32_t threshold; /* an element whose hash is below this is dropped; 0: none is, and the mask has no
                           effect */
    ap_real factor;     /* factor on the elements that stay: 1 / (1 - p) */
} ap_dropout_mask;

/* In training mode and for p > 0 a mask of n elements, whose first dimension is the batch's, drawn from the
 * tape's stream; otherwise one that drops nothing and draws nothing. p outside [0, 1): ap_fatal, in the name
 * of the operation. */
ap_dropout_mask ap_dropout_draw(ap_tape *tape, const char *operation, ap_real p, int64_t n);

/* Runs the statement after it for every `run` of n elements from `first` on. A loop over a run, which the
 * compiler vectorises, calls ap_dropout_drops. */
#define AP_DROPOUT_FOR_EACH_RUN(mask, first, n, run)                                                         \
    for (ap_rng_run run = ap_rng_run_from((mask)->key, (mask)->origin + (first), 0, n); run.begin < (n);     \
         run = ap_rng_run_from((mask)->key, (mask)->origin + (first), run.end, n))

static inline bool ap_dropout_drops(const ap_dropout_mask *mask, ap_rng_run run, int32_t i)
{
    return ap_rng_run_hash(run, i) < mask->threshold;
}

/* x [rows, columns] = 0 where element first + r + stride column is dropped. Other elements stay unscaled;
 * the caller applies the factor. The elements span less than 2^31. Inline, so that loops over a constant
 * number of columns are vectorised. One thread. */
static inline void ap_dropout_clear(const ap_dropout_mask *mask, uint64_t first, int64_t stride, int64_t rows,
                                    int columns, ap_real *x)
{
    const ap_dropout_mask drop = *mask;
    AP_DROPOUT_FOR_EACH_RUN(&drop, first, (columns - 1) * stride + rows, run)
        for (int32_t r = 0; r < rows; r++)
            for (int i = 0; i < columns; i++) {
                int32_t element = (int32_t)(i * stride) + r;
                ap_real value = x[r * columns + i], stays = ap_dropout_drops(&drop, run, element) ? 0 : value;
                x[r * columns + i] = ap_rng_run_has(run, element) ? stays : value;
            }
}

/* y[i] = x[i] + m part[i], with m the factor of element first + i. x NULL: 0. y may be x or part. One
 * thread. */
void ap_dropout_add(const ap_dropout_mask *mask, uint64_t first, int64_t n, const ap_real *x,
                    const ap_real *part, ap_real *y);

#endif
