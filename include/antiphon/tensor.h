/** @file tensor.h
 * A shape and the numbers that fill it: row-major, contiguous, the last dimension fastest.
 *
 * Dimension letters: B items of a batch, C channels, T frames or samples in time, D latent dimensions, S
 * audio samples, M envelope segments, F frequency bins.
 */
#ifndef ANTIPHON_TENSOR_H
#define ANTIPHON_TENSOR_H

#include "antiphon/api.h"
#include "antiphon/real.h"

#include <stdbool.h>
#include <stdint.h>
#ifdef __cplusplus
#include <initializer_list> // for AP_SHAPE
#endif

AP_API_BEGIN

#define AP_RANK_MAX 4

typedef struct ap_shape {
    int rank;                /**< 0 for a scalar */
    int64_t at[AP_RANK_MAX]; /**< sizes, outermost first; entries from `rank` on are 0 */
} ap_shape;

typedef struct ap_tensor {
    ap_shape shape;
    ap_real *data; /**< ap_shape_count(shape) numbers; the source of the tensor says who owns them */
} ap_tensor;

/** A shape from its sizes: AP_SHAPE(B, C, T); AP_SHAPE_SCALAR has no dimension and one element. */
#ifdef __cplusplus
#define AP_SHAPE(...) (ap_shape{(int)std::initializer_list<int64_t>{__VA_ARGS__}.size(), {__VA_ARGS__}})
#define AP_SHAPE_SCALAR (ap_shape{0, {0}})
#else
#define AP_SHAPE(...)                                                                                        \
    ((ap_shape){.rank = (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), .at = {__VA_ARGS__}})
#define AP_SHAPE_SCALAR ((ap_shape){.rank = 0})
#endif

/** The number of elements of a tensor of this shape. */
int64_t ap_shape_count(ap_shape shape);

/** Whether both shapes have the same rank and sizes. */
bool ap_shape_same(ap_shape a, ap_shape b);

#define AP_SHAPE_TEXT 96
typedef struct ap_shape_text {
    char text[AP_SHAPE_TEXT];
} ap_shape_text;

/** "[2, 128, 1200]", for messages; "[]" for a scalar. */
ap_shape_text ap_shape_print(ap_shape shape);

AP_API_END

#endif
