#include "compose/limiter.h"

#include "base/bounds.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* Gains fall and rise within this many blocks, 20 ms. Shorter would distort bass: 20 ms is longer than a
 * period of all but the deepest. Longer would let one drum turn down the next. */
#define REACH 10

/* The minimum over the blocks within REACH. A mean over REACH - 1 of these minima is at most what each block
 * and its neighbours need. */
static void spread(int64_t blocks, const ap_real *need, ap_real *low)
{
    for (int64_t i = 0; i < blocks; i++) {
        low[i] = need[i];
        for (int64_t k = ap_most(0, i - REACH); k <= ap_least(blocks - 1, i + REACH); k++)
            low[i] = need[k] < low[i] ? need[k] : low[i];
    }
}

static void smooth(int64_t blocks, const ap_real *low, ap_real *gain)
{
    double weight[REACH], all = 0;
    for (int d = 0; d < REACH; d++) {
        weight[d] = 0.5 + 0.5 * cos(M_PI * d / REACH);
        all += d == 0 ? weight[d] : 2 * weight[d];
    }
    for (int64_t i = 0; i < blocks; i++) {
        double sum = weight[0] * (double)low[i];
        for (int d = 1; d < REACH; d++)
            sum += weight[d] * ((double)low[ap_most(0, i - d)] + (double)low[ap_least(blocks - 1, i + d)]);
        gain[i] = (ap_real)(sum / all);
    }
}

void ap_limiter_gains(int64_t blocks, double factor, double ceiling, ap_real *peaks)
{
    ap_real *low = ap_allocate((size_t)blocks, sizeof *low);
    for (int64_t i = 0; i < blocks; i++)
        peaks[i] = factor * (double)peaks[i] > ceiling ? (ap_real)(ceiling / (factor * (double)peaks[i])) : 1;
    spread(blocks, peaks, low);
    smooth(blocks, low, peaks);
    free(low);
}

ap_real ap_limiter_gain(int64_t blocks, int64_t length, const ap_real *gains, int64_t at)
{
    int64_t doubled = 2 * at + 1 - length; /* twice the distance from the middle of the first block */
    int64_t left = doubled < 0 ? -1 : doubled / (2 * length);
    ap_real share = (ap_real)(doubled - 2 * length * left) / (ap_real)(2 * length);
    ap_real from = gains[ap_most(0, left)], to = gains[ap_least(blocks - 1, left + 1)];
    return from + share * (to - from);
}
