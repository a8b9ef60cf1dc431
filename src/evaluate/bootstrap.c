#include "antiphon/evaluate.h"

#include "antiphon/rng.h"
#include "base/memory.h"
#include "base/sort.h"

#include <math.h>
#include <stdlib.h>

static double mean_of(int64_t n, const double *x)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    return sum / (double)n;
}

/* The quantile of sorted numbers, interpolated between neighbours (numpy's and R's default, type 7). */
static double quantile(int64_t n, const double *sorted, double q)
{
    double at = q * (double)(n - 1);
    int64_t i = (int64_t)at;
    return i + 1 < n ? sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

double ap_quantile(int64_t n, const double *values, double q)
{
    double *known = ap_allocate((size_t)n, sizeof *known), found = NAN;
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++)
        if (!isnan(values[i])) known[count++] = values[i];
    ap_sort(count, known);
    if (count) found = quantile(count, known, q);
    free(known);
    return found;
}

ap_summary ap_bootstrap(int64_t n, const double *values, uint64_t seed)
{
    double *known = ap_allocate((size_t)n, sizeof *known), means[AP_BOOTSTRAP_RESAMPLES];
    ap_summary summary = {.mean = NAN, .low = NAN, .high = NAN};
    for (int64_t i = 0; i < n; i++)
        if (!isnan(values[i])) known[summary.count++] = values[i];
    if (summary.count) {
        ap_rng rng = ap_rng_init(seed);
        for (int r = 0; r < AP_BOOTSTRAP_RESAMPLES; r++) {
            means[r] = 0;
            for (int64_t i = 0; i < summary.count; i++)
                means[r] += known[ap_rng_below(&rng, summary.count)] / (double)summary.count;
        }
        ap_sort(AP_BOOTSTRAP_RESAMPLES, means);
        summary.mean = mean_of(summary.count, known);
        summary.low = quantile(AP_BOOTSTRAP_RESAMPLES, means, (1 - AP_BOOTSTRAP_LEVEL) / 2);
        summary.high = quantile(AP_BOOTSTRAP_RESAMPLES, means, (1 + AP_BOOTSTRAP_LEVEL) / 2);
    }
    free(known);
    return summary;
}
