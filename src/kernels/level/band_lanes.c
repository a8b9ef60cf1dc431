#include "kernels/level/names.h"

#include "kernels/band_lanes.h"

#include "kernels/level/vec.h"

/* The vector of element t of the lanes from `lane` on. */
#define AT(x, t, lane) (*(vec *)((ap_real *)(x) + (t) * (int64_t)AP_LANES + (lane)))
#define AT_CONST(x, t, lane) (*(const vec *)((const ap_real *)(x) + (t) * (int64_t)AP_LANES + (lane)))

void ap_band_lanes_gain(int64_t F, ap_real factor, const ap_band_place *places, const ap_lanes *g,
                        const ap_lanes *X, ap_lanes *Y)
{
    for (int lane = 0; lane < AP_LANES; lane += VEC_LANES)
        for (int64_t k = 0; k < F; k++) {
            const ap_band_place p = places[k];
            vec low = AT_CONST(g, p.low, lane), high = AT_CONST(g, p.low + 1, lane);
            vec gain = factor * (low + p.upper * (high - low));
            AT(Y, 2 * k, lane) += gain * AT_CONST(X, 2 * k, lane);
            AT(Y, 2 * k + 1, lane) += gain * AT_CONST(X, 2 * k + 1, lane);
        }
}

void ap_band_lanes_gain_back(int64_t F, ap_real factor, const ap_band_place *places, const ap_lanes *X,
                             const ap_lanes *dY, ap_lanes *dg)
{
    for (int lane = 0; lane < AP_LANES; lane += VEC_LANES)
        for (int64_t k = 0; k < F;) {
            const int band = places[k].low;
            vec low = AT(dg, band, lane), high = AT(dg, band + 1, lane);
            for (; k < F && places[k].low == band; k++) {
                const ap_real times = factor * (k == 0 || k == F - 1 ? 1 : 2);
                vec d = times * (AT_CONST(X, 2 * k, lane) * AT_CONST(dY, 2 * k, lane) +
                                 AT_CONST(X, 2 * k + 1, lane) * AT_CONST(dY, 2 * k + 1, lane));
                low += (1 - places[k].upper) * d;
                high += places[k].upper * d;
            }
            AT(dg, band, lane) = low;
            AT(dg, band + 1, lane) = high;
        }
}
