#include "kernels/level/names.h"

#include "kernels/fft_lanes.h"

#include "kernels/level/square.h"

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
            for (int i = 0; i < VEC_LANES; i++) AT(lanes, t + i, lane) = square[i] * window[t + i];
        }
    for (int64_t t = whole; t < n; t++)
        for (int i = 0; i < AP_LANES; i++) lanes[t][i] = rows[i][t] * window[t];
}

void ap_lanes_scatter(int64_t n, const ap_real *window, ap_lanes *lanes, int live, ap_real *const *rows)
{
    int64_t whole = n / VEC_LANES * VEC_LANES;
    for (int64_t t = 0; t < whole; t += VEC_LANES)
        for (int lane = 0; lane < live; lane += VEC_LANES) {
            vec square[VEC_LANES];
            for (int i = 0; i < VEC_LANES; i++) square[i] = AT(lanes, t + i, lane) * window[t + i];
            square_turn(square);
            for (int i = 0; i < VEC_LANES && lane + i < live; i++) *(vec *)(rows[lane + i] + t) += square[i];
        }
    for (int64_t t = whole; t < n; t++)
        for (int i = 0; i < live; i++) rows[i][t] += lanes[t][i] * window[t];
}

void ap_lanes_magnitudes(int64_t F, int live, ap_real least, const ap_lanes *X, ap_real *y)
{
    for (int64_t k = 0; k < F; k += VEC_LANES) {
        int width = F - k < VEC_LANES ? (int)(F - k) : VEC_LANES;
        for (int lane = 0; lane < live; lane += VEC_LANES) {
            vec square[VEC_LANES];
            for (int j = 0; j < VEC_LANES; j++) {
                int64_t at = 2 * (k + (j < width ? j : 0));
                vec re = AT_CONST(X, at, lane), im = AT_CONST(X, at + 1, lane);
                square[j] = re * re + im * im + least;
                for (int i = 0; i < VEC_LANES; i++) square[j][i] = sqrt(square[j][i]);
            }
            square_turn(square);
            for (int i = 0; i < VEC_LANES && lane + i < live; i++) {
                ap_real *to = y + (lane + i) * F + k;
                if (width == VEC_LANES)
                    *(vec *)to = square[i];
                else
                    for (int j = 0; j < width; j++) to[j] = square[i][j];
            }
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
                AT(X, 2 * (k + j), lane) *= factor[j];
                AT(X, 2 * (k + j) + 1, lane) *= factor[j];
            }
        }
    }
}
