/* The functions that are compiled once for each kind of processor (level/), as one list: F(result, name,
 * parameters, arguments). The headers of their own say what they do; kernel.c makes of each a table's member
 * and a call of the member of the kernel chosen. */
#ifndef ANTIPHON_KERNELS_FUNCTIONS_H
#define ANTIPHON_KERNELS_FUNCTIONS_H

#include "kernels/array.h"
#include "kernels/band_lanes.h"
#include "kernels/dropout.h"
#include "kernels/fft_lanes.h"
#include "kernels/lstm_panels.h"
#include "kernels/machine.h"
#include "kernels/magnitude_lanes.h"
#include "kernels/norm.h"
#include "kernels/pack.h"
#include "kernels/quads.h"
#include "kernels/stream.h"
#include "kernels/terms.h"
#include "kernels/tile.h"
#include "kernels/vmath.h"

/* One a line, so that the list can be read. */
/* clang-format off */
#define AP_KERNEL_FUNCTIONS(F)                                                                                                            \
    F(void, tile_finish_panel, (int64_t depth, ap_real *panel), (depth, panel))                                                           \
    F(void, tile_finish_strip, (int64_t depth, ap_real *strip), (depth, strip))                                                           \
    F(void, tile_product, (int64_t rows, int64_t columns, const ap_tile_place *place, int64_t depth, const ap_real *panels,               \
                           int64_t pitch, const ap_real *strip), (rows, columns, place, depth, panels, pitch, strip))                     \
    F(void, tile_loose_product, (int64_t rows, int64_t columns, const ap_tile_place *place, const ap_tile_factors *factors),              \
      (rows, columns, place, factors))                                                                                                    \
    F(void, pack_panel, (const ap_side *A, int64_t first, int64_t from, int64_t depth, ap_real *panel), (A, first, from, depth, panel))   \
    F(void, pack_strip, (const ap_side *B, int64_t first, int64_t from, int64_t depth, ap_real *strip), (B, first, from, depth, strip))   \
    F(void, quads_pack, (int taps, int64_t M, int64_t J, int64_t group, const ap_real *packed, ap_real *quads),                           \
      (taps, M, J, group, packed, quads))                                                                                                 \
    F(void, quads_fill, (const ap_quads_window *window, int64_t j, int64_t quads, const ap_real *x), (window, j, quads, x))               \
    F(void, quads_finish, (const ap_quads_window *window, int64_t quads), (window, quads))                                                \
    F(void, quads_product, (const ap_quads_task *task), (task))                                                                           \
    F(void, lstm_panels_pack, (int64_t H, const ap_real *weight_hh, bool back, ap_real *panels), (H, weight_hh, back, panels))            \
    F(void, lstm_panel_product, (int64_t panels, int64_t items, int64_t gate_step, int64_t H, const ap_real *panel, const ap_real *v,     \
                                 int64_t item_step, ap_lstm_sums *sums), (panels, items, gate_step, H, panel, v, item_step, sums))        \
    F(void, fft_forward_lanes, (const ap_fft *fft, ap_lanes *x, ap_lanes *X), (fft, x, X))                                                \
    F(void, fft_inverse_lanes, (const ap_fft *fft, ap_lanes *X, ap_lanes *x), (fft, X, x))                                                \
    F(void, fft_windowed_lanes,                                                                                                           \
      (const ap_fft *fft, const ap_real *window, const ap_lanes *x, ap_lanes *scratch, ap_lanes *X), (fft, window, x, scratch, X))        \
    F(void, fft_windowed_inverse_lanes,                                                                                                   \
      (const ap_fft *fft, const ap_real *window, ap_lanes *X, ap_lanes *scratch, ap_lanes *y), (fft, window, X, scratch, y))              \
    F(void, lanes_gather, (int64_t n, const ap_real *window, const ap_real *const *rows, ap_lanes *lanes), (n, window, rows, lanes))      \
    F(void, lanes_scatter, (int64_t n, const ap_real *window, ap_lanes *lanes, int live, ap_real *const *rows),                           \
      (n, window, lanes, live, rows))                                                                                                     \
    F(void, lanes_powers, (int64_t bins, int live, const ap_lanes *X, ap_real *y), (bins, live, X, y))                                      \
    F(void, lanes_filter, (int64_t bins, int64_t bands, const ap_filter *filters, int live, ap_lanes *X, ap_real *y),                       \
      (bins, bands, filters, live, X, y))                                                                                                  \
    F(void, lanes_magnitudes, (int64_t bins, int live, ap_real least, const ap_lanes *X, ap_real *y), (bins, live, least, X, y))              \
    F(void, lanes_magnitudes_back, (int64_t bins, int live, const ap_real *y, const ap_real *dy, ap_lanes *X), (bins, live, y, dy, X))        \
    F(void, fft_magnitudes_lanes,                                                                                                         \
      (const ap_fft *fft, const ap_real *window, const ap_lanes *x, ap_lanes *scratch, ap_lanes *y),                       \
      (fft, window, x, scratch, y))                                                                                                \
    F(void, lanes_magnitude_back, (int64_t bins, const ap_lanes *dy, ap_lanes *X), (bins, dy, X))                   \
    F(void, lanes_sparse, (const ap_sparse *matrix, const ap_lanes *x, ap_lanes *y), (matrix, x, y))                                      \
    F(void, lanes_log_sums, (int64_t bins, int live, ap_real offset, const ap_lanes *y, ap_real *sums), (bins, live, offset, y, sums))    \
    F(void, lanes_log_sums_back, (int64_t bins, ap_real offset, const ap_real *dy, ap_lanes *X),                           \
      (bins, offset, dy, X))                                                                                                       \
    F(void, lanes_distance_back,                                                                                                          \
      (int64_t bins, int count, const ap_lanes_other *others, ap_real floor, ap_lanes *X), (bins, count, others, floor, X))               \
    F(void, band_lanes_gain,                                                                                                              \
      (int64_t bins, ap_real factor, const ap_band_place *places, const ap_lanes *g, const ap_lanes *X, ap_lanes *Y), (bins, factor, places, g, X, Y))            \
    F(void, band_lanes_gain_back,                                                                                                         \
      (int64_t bins, ap_real factor, const ap_band_place *places, const ap_lanes *X, const ap_lanes *dY, ap_lanes *dg), (bins, factor, places, X, dY, dg))        \
    F(void, vexp, (int64_t n, const ap_real *x, ap_real *y), (n, x, y))                                                                   \
    F(void, vtanh, (int64_t n, const ap_real *x, ap_real *y), (n, x, y))                                                                  \
    F(void, vsigmoid, (int64_t n, const ap_real *x, ap_real *y), (n, x, y))                                                               \
    F(void, verf, (int64_t n, const ap_real *x, ap_real *y), (n, x, y))                                                                   \
    F(void, vlog, (int64_t n, const ap_real *x, ap_real *y), (n, x, y))                                                                   \
    F(void, vasinh, (int64_t n, const ap_real *x, ap_real *y), (n, x, y))                                                                 \
    F(void, velu, (int64_t n, const ap_real *x, ap_real *y), (n, x, y))                                                                   \
    F(void, velu_back, (int64_t n, const ap_real *x, const ap_real *dy, ap_real *dx), (n, x, dy, dx))                                     \
    F(void, velu_back_of, (int64_t n, const ap_real *y, const ap_real *dy, ap_real *dx), (n, y, dy, dx))                                  \
    F(void, velu_back_of_add, (int64_t n, const ap_real *y, const ap_real *dy, ap_real *dx), (n, y, dy, dx))                              \
    F(void, vleaky_relu, (int64_t n, ap_real slope, const ap_real *x, ap_real *y), (n, slope, x, y))                                      \
    F(void, vleaky_relu_back, (int64_t n, ap_real slope, const ap_real *y, const ap_real *dy, ap_real *dx), (n, slope, y, dy, dx))        \
    F(void, vgelu, (int64_t n, const ap_real *x, ap_real *y), (n, x, y))                                                                  \
    F(void, vgelu_back, (int64_t n, const ap_real *x, const ap_real *dy, ap_real *g), (n, x, dy, g))                                      \
    F(ap_real, vmax, (int64_t n, const ap_real *x), (n, x))                                                                               \
    F(double, vexp_sum, (int64_t n, const ap_real *x, ap_real shift, ap_real *y), (n, x, shift, y))                                       \
    F(void, vmax_columns, (int64_t rows, int64_t n, const ap_real *x, ap_real *most), (rows, n, x, most))                                 \
    F(void, vexp_columns, (int64_t rows, int64_t n, ap_real factor, const ap_real *shift, ap_real *x, ap_real *sum),                      \
      (rows, n, factor, shift, x, sum))                                                                                                   \
    F(void, vexp_rows, (int64_t rows, int64_t n, ap_real factor, const ap_real *shift, ap_real *x), (rows, n, factor, shift, x))          \
    F(void, vsoftmax_back, (int64_t rows, int64_t n, const ap_real *delta, const ap_real *p, ap_real *dp), (rows, n, delta, p, dp))       \
    F(double, norm_sum, (int64_t n, const ap_real *x), (n, x))                                                                            \
    F(double, norm_squares, (int64_t n, const ap_real *x, double mean), (n, x, mean))                                                     \
    F(void, norm_apply,                                                                                                                   \
      (int64_t n, const ap_real *x, ap_norm_moments of, const ap_real *gamma, const ap_real *beta, ap_real *y), (n, x, of, gamma, beta, y))\
    F(void, norm_back, (int64_t n, const ap_real *x, ap_norm_moments of, const ap_real *gamma, const ap_real *dy, ap_real *dx,            \
                        double *dgamma, double *dbeta), (n, x, of, gamma, dy, dx, dgamma, dbeta))                                         \
    F(void, dropout_add, (const ap_dropout_mask *mask, uint64_t first, int64_t n, const ap_real *x, const ap_real *part, ap_real *y),     \
      (mask, first, n, x, part, y))                                                                                                       \
    F(void, dropout_clear_columns, (const ap_dropout_mask *mask, uint64_t first, int64_t pitch, int64_t rows, ap_real *strip),            \
      (mask, first, pitch, rows, strip))                                                                                                  \
    F(void, dropout_softmax_back, (const ap_dropout_mask *mask, uint64_t first, int64_t pitch, int64_t rows, const ap_real *delta,        \
                                   ap_real *p, ap_real *dp), (mask, first, pitch, rows, delta, p, dp))                                    \
    F(void, stream, (int64_t whole, int64_t n, const ap_real *from, ap_real *to), (whole, n, from, to))                                  \
    F(void, stream_end, (void), ())                                                                                                       \
    F(void, array_accumulate, (int64_t n, ap_real factor, const ap_real *x, ap_real *y), (n, factor, x, y))                               \
    F(double, array_sum, (int64_t n, const ap_real *x), (n, x))                                                                           \
    F(double, array_dot, (int64_t n, const ap_real *x, const ap_real *y), (n, x, y))                                                      \
    F(double, array_distance_squared, (int64_t n, const ap_real *x, const ap_real *y), (n, x, y))                                         \
    F(void, array_ramp, (int64_t n, double from, double step, const ap_real *x, ap_real *y), (n, from, step, x, y))                       \
    F(void, array_grain, (int64_t n, const ap_array_fade *fade, const ap_real *x, ap_real *y), (n, fade, x, y))                           \
    F(double, array_rise, (int64_t n, const ap_real *before, const ap_real *now), (n, before, now))                                       \
    F(void, term_distance_add, (int64_t n, ap_real floor, const ap_real *a, const ap_real *b, ap_term_distance *sums),                    \
      (n, floor, a, b, sums))                                                                                                             \
    F(void, term_distance_back, (int64_t n, const ap_term_slopes *slopes, const ap_real *a, const ap_real *b, ap_real *da, ap_real *db),  \
      (n, slopes, a, b, da, db))                                                                                                          \
    F(void, term_products_add, (int64_t n, const ap_real *a, const ap_real *b, double *ab, double *aa, double *bb),                       \
      (n, a, b, ab, aa, bb))                                                                                                              \
    F(void, term_mix_add, (int64_t n, const ap_real *p, const ap_real *a, const ap_real *q, const ap_real *b, ap_real *y),                \
      (n, p, a, q, b, y))                                                                                                                 \
    F(double, term_powers, (int64_t n, bool eighth, const ap_real *x), (n, eighth, x))                                                    \
    F(void, term_powers_back, (int64_t n, bool eighth, ap_real factor, ap_real scale, const ap_real *x, ap_real *dx),                     \
      (n, eighth, factor, scale, x, dx))                                                                                                  \
    F(ap_real, term_loudest, (int64_t n, const ap_real *x), (n, x))                                                                       \
    F(void, matrix_transpose, (int64_t P, int64_t Q, const ap_real *x, int64_t ldx, bool add, ap_real *y, int64_t ldy),                   \
      (P, Q, x, ldx, add, y, ldy))                                                                                                        \
    F(void, matrix_column_sums, (int64_t R, int64_t N, const ap_real *x, ap_real *sums), (R, N, x, sums))                                 \
    F(double, machine_multiply_adds, (int64_t count), (count))
/* clang-format on */

typedef enum ap_fixed_point { AP_FIXED_NONE, AP_FIXED_EMULATED, AP_FIXED_VNNI } ap_fixed_point;

typedef struct ap_kernel {
    const char *name;
    bool pairs;           /* packed factors are multiplied in pairs (level/winograd_pairs.h) */
    bool parts;           /* packed numbers are sums of bfloat16 (level/parts.c) */
    ap_fixed_point fixed; /* how packed factors may be multiplied in fixed point (level/fixed.h) */
#define AP_KERNEL_MEMBER(result, name, parameters, arguments) result(*name) parameters;
    AP_KERNEL_FUNCTIONS(AP_KERNEL_MEMBER)
#undef AP_KERNEL_MEMBER
} ap_kernel;

#endif
