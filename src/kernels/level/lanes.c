#include "kernels/level/names.h"

#include "kernels/fft_lanes.h"

#include "kernels/level/square.h"

#include <stdbool.h>
#include <tgmath.h>

/* The vector of element t of the lanes from `lane` on. */
#define AT(x, t, lane) (*(vec *)((ap_real *)(x) + (t) * (int64_t)AP_LANES + (lane)))
#define AT_CONST(x, t, lane) (*(const vec *)((const ap_real *)(x) + (t) * (int64_t)AP_LANES + (lane)))

void ap_lanes_gather(int64_t n, const ap_real *window, const ap_real *const *rows, ap_lanes *lanes)
{
    int64_t whole = n / VEC_LANES * VEC_LANES;
    for (int64_t t = 0; t < whole; t += VEC_LANES)
        for (int lane = 0; lane < AP_LANES; lane += VEC_LANES) {
            vec square[VEC_LANES];
            for (int i = 0; i < VEC_LANES; i++) square[i] = *(const vec *)(rows[lane + i] + t);
            square_turn(square);
            for (int i = 0; i < VEC_LANES; i++) {
                if (window) square[i] *= window[t + i];
                AT(lanes, t + i, lane) = square[i];
            }
        }
    for (int64_t t = whole; t < n; t++)
        for (int i = 0; i < AP_LANES; i++) lanes[t][i] = window ? rows[i][t] * window[t] : rows[i][t];
}

void ap_lanes_scatter(int64_t n, const ap_real *window, ap_lanes *lanes, int live, ap_real *const *rows)
{
    int64_t whole = n / VEC_LANES * VEC_LANES;
    for (int64_t t = 0; t < whole; t += VEC_LANES)
        for (int lane = 0; lane < live; lane += VEC_LANES) {
            vec square[VEC_LANES];
            for (int i = 0; i < VEC_LANES; i++) {
                square[i] = AT(lanes, t + i, lane);
                if (window) square[i] *= window[t + i];
            }
            square_turn(square);
            for (int i = 0; i < VEC_LANES && lane + i < live; i++) *(vec *)(rows[lane + i] + t) += square[i];
        }
    for (int64_t t = whole; t < n; t++)
        for (int i = 0; i < live; i++) rows[i][t] += window ? lanes[t][i] * window[t] : lanes[t][i];
}

/* Columns k .. k + width - 1 of the rows of y [live, F] from `lane` on become rows of the square. */
static ALWAYS_INLINE void put_columns(int64_t F, int64_t k, int width, int lane, int live,
                                      vec square[VEC_LANES], ap_real *y)
{
    square_turn(square);
    for (int i = 0; i < VEC_LANES && lane + i < live; i++) {
        ap_real *to = y + (lane + i) * F + k;
        if (width == VEC_LANES)
            *(vec *)to = square[i];
        else
            for (int j = 0; j < width; j++) to[j] = square[i][j];
    }
}

/* y = |X|^2 + least, or its root. root: a constant where this is inlined. */
static ALWAYS_INLINE void sizes(bool root, int64_t F, int live, ap_real least, const ap_lanes *X, ap_real *y)
{
    for (int64_t k = 0; k < F; k += VEC_LANES) {
        int width = F - k < VEC_LANES ? (int)(F - k) : VEC_LANES;
        for (int lane = 0; lane < live; lane += VEC_LANES) {
            vec square[VEC_LANES];
            for (int j = 0; j < VEC_LANES; j++) {
                int64_t at = 2 * (k + (j < width ? j : 0));
                vec re = AT_CONST(X, at, lane), im = AT_CONST(X, at + 1, lane);
                square[j] = re * re + im * im + least;
                for (int i = 0; root && i < VEC_LANES; i++) square[j][i] = sqrt(square[j][i]);
            }
            put_columns(F, k, width, lane, live, square, y);
        }
    }
}

void ap_lanes_powers(int64_t F, int live, const ap_lanes *X, ap_real *y)
{
    sizes(false, F, live, 0, X, y);
}

void ap_lanes_magnitudes(int64_t F, int live, ap_real least, const ap_lanes *X, ap_real *y)
{
    sizes(true, F, live, least, X, y);
}

void ap_lanes_filter(int64_t F, int64_t bands, const ap_filter *filters, int live, ap_lanes *X, ap_real *y)
{
    for (int lane = 0; lane < live; lane += VEC_LANES) {
        for (int64_t k = 0; k < F; k++) {
            vec re = AT(X, 2 * k, lane), im = AT(X, 2 * k + 1, lane);
            AT(X, k, lane) = re * re + im * im;
        }
        for (int64_t m = 0; m < bands; m += VEC_LANES) {
            int width = bands - m < VEC_LANES ? (int)(bands - m) : VEC_LANES;
            vec square[VEC_LANES];
            for (int j = 0; j < VEC_LANES; j++) {
                const ap_filter *f = &filters[m + (j < width ? j : 0)];
                vec even = (vec){0}, odd = (vec){0};
                int64_t i = 0;
                for (; i + 1 < f->count; i += 2) {
                    even += f->weights[i] * AT(X, f->first + i, lane);
                    odd += f->weights[i + 1] * AT(X, f->first + i + 1, lane);
                }
                if (i < f->count) even += f->weights[i] * AT(X, f->first + i, lane);
                square[j] = even + odd;
            }
            put_columns(bands, m, width, lane, live, square, y);
        }
    }
}

void ap_lanes_magnitudes_back(int64_t F, int live, const ap_real *y, const ap_real *dy, ap_lanes *X)
{
    for (int64_t k = 0; k < F; k += VEC_LANES) {
        int width = F - k < VEC_LANES ? (int)(F - k) : VEC_LANES;
        for (int lane = 0; lane < AP_LANES; lane += VEC_LANES) {
            vec factor[VEC_LANES];
            for (int i = 0; i < VEC_LANES; i++) {
                int64_t at = (lane + i < live ? lane + i : 0) * F + k;
                if (width == VEC_LANES)
                    factor[i] = *(const vec *)(dy + at) / *(const vec *)(y + at);
                else
                    for (int j = 0; j < VEC_LANES; j++) factor[i][j] = j < width ? dy[at + j] / y[at + j] : 0;
            }
            square_turn(factor);
            for (int j = 0; j < width; j++) {
                vec share = factor[j] * (ap_real)(k + j == 0 || k + j == F - 1 ? 1 : 0.5);
                AT(X, 2 * (k + j), lane) *= share;
                AT(X, 2 * (k + j) + 1, lane) *= share;
            }
        }
    }
}
