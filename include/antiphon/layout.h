/** @file layout.h
 * Operations that move, join, broadcast or sum elements.
 */
#ifndef ANTIPHON_LAYOUT_H
#define ANTIPHON_LAYOUT_H

#include "antiphon/api.h"
#include "antiphon/tape.h"

AP_API_BEGIN

/** y [B, Q, P] from x [B, P, Q] */
ap_var *ap_transpose(ap_tape *tape, ap_var *x);

/** The `count` parts joined along `axis`; their other sizes agree. */
ap_var *ap_concat(ap_tape *tape, int axis, int count, ap_var *const *parts);

/** Elements start .. start + length - 1 of x along `axis`. */
ap_var *ap_slice(ap_tape *tape, ap_var *x, int axis, int64_t start, int64_t length);

/** y[..., t] = x[..., t - late] along the last axis, zeros where x has nothing: later by `late` elements,
 * earlier if it is negative; x itself if it is 0. */
ap_var *ap_delay(ap_tape *tape, ap_var *x, int64_t late);

/** y[b, ...] = x[b, ...] + row[...]: row has the shape of x without its first dimension. */
ap_var *ap_add_rows(ap_tape *tape, ap_var *x, ap_var *row);

/** y[b, ...] = x[b, ...] factor[b]: one factor for each item of the first dimension; factor is [B]. */
ap_var *ap_mul_items(ap_tape *tape, ap_var *x, ap_var *factor);

/** y [B, G c, T] = x [B, G c, T] with each of the G groups of c neighbouring channels multiplied by its row
 * of w [B, G, T]. */
ap_var *ap_mul_groups(ap_tape *tape, ap_var *x, ap_var *w);

/** The sum of all elements, a scalar; added up in double. */
ap_var *ap_sum(ap_tape *tape, ap_var *x);

/** The mean of all elements, a scalar; added up in double. */
ap_var *ap_mean(ap_tape *tape, ap_var *x);

/** y [B]: sqrt(mean of x[b, ...]^2 + 1e-8) for each item of the first dimension. */
ap_var *ap_rms(ap_tape *tape, ap_var *x);

AP_API_END

#endif
