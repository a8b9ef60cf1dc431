/* The cross-correlation to which both directions of a filter bank reduce (filter.h):
 *
 *     row[m, q] = bias[m] + sum over c, k of packed(m, c taps + k) x[c, q stride + tap[k] - lead]
 *
 * Row o phases + p of frame q is stored at y[o, q phases + p - skip] if that is inside y. */
#ifndef ANTIPHON_OPS_CROSS_CORRELATION_H
#define ANTIPHON_OPS_CROSS_CORRELATION_H

#include "ops/filter.h"
#include "ops/window.h"

#include <stdbool.h>

typedef struct ap_cross_correlation {
    int64_t B;
    ap_window_signal x; /* data: all items */
    int64_t stride, taps, lead;
    const int64_t *tap; /* ascending */
    int64_t rows;
    const ap_real *packed, *bias; /* packed by ap_panel_pack */
    ap_filter_target target;
    int64_t length, phases, skip; /* of y [B, rows / phases, length] */
    bool by_quads;                /* decided by ap_cross_correlate */
} ap_cross_correlation;

void ap_cross_correlate(ap_arena *arena, const ap_cross_correlation *correlation);

#endif
