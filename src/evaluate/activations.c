#include "evaluate/activations.h"

#include "antiphon/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

void ap_restrict_repetition(int64_t N, int64_t K, int64_t reach, ap_real fade, const ap_real *H, ap_real *y)
{
#pragma omp parallel for schedule(static)
    for (int64_t t = 0; t < N; t++) {
        int64_t first = t < reach ? 0 : t - reach, end = t + reach < N ? t + reach + 1 : N;
        for (int64_t k = 0; k < K; k++) {
            ap_real here = H[t * K + k];
            bool largest = true;
            for (int64_t s = first; s < end; s++) largest &= H[s * K + k] <= here;
            y[t * K + k] = largest ? here : fade * here;
        }
    }
}

/* The number of rank `rank` in a row, in descending order; 0 if there are fewer. */
static ap_real ranked(int64_t K, const ap_real *row, int rank)
{
    ap_real top[AP_POLYPHONY_MOST] = {0}; /* descending */
    for (int64_t k = 0; k < K; k++) {
        int at = rank;
        while (at > 0 && row[k] > top[at - 1]) at--;
        if (at == rank) continue;
        memmove(top + at + 1, top + at, (size_t)(rank - at - 1) * sizeof *top);
        top[at] = row[k];
    }
    return top[rank - 1];
}

void ap_restrict_polyphony(int64_t N, int64_t K, int most, ap_real fade, ap_real *H)
{
    if (most < 1 || most > AP_POLYPHONY_MOST) ap_fatal("polyphony of %d, 1 to %d", most, AP_POLYPHONY_MOST);
#pragma omp parallel for schedule(static)
    for (int64_t t = 0; t < N; t++) {
        ap_real *row = H + t * K, threshold = ranked(K, row, most);
        for (int64_t k = 0; k < K; k++)
            if (row[k] < threshold) row[k] *= fade;
    }
}

void ap_enhance_continuity(int64_t N, int64_t K, int64_t reach, const ap_real *H, ap_real *y)
{
#pragma omp parallel for schedule(static)
    for (int64_t t = 0; t < N; t++) {
        ap_real *row = y + t * K;
        memset(row, 0, (size_t)K * sizeof *row);
        for (int64_t i = -reach; i <= reach; i++) {
            if (t + i < 0 || t + i >= N) continue;
            const ap_real *from = H + (t + i) * K + i;
            for (int64_t k = i < 0 ? -i : 0; k < (i > 0 ? K - i : K); k++) row[k] += from[k];
        }
    }
}
