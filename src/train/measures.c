#include "train/measures.h"

#include <math.h>
#include <stddef.h>

void ap_measures_add(ap_measures *sums, const ap_measures *measures, double weight)
{
    for (int k = 0; k < AP_MEASURE_COUNT; k++) {
        if (!measures->present[k]) continue;
        sums->present[k] = true;
        sums->value[k] += weight * measures->value[k];
        sums->weight[k] += weight;
    }
}

/* The loss and what adds up to it: means over all, also where a term was not there. */
static bool is_of_all(int k)
{
    return k == AP_MEASURE_LOSS || (k >= AP_MEASURE_ADDED && k < AP_MEASURE_R_INPUT);
}

ap_measures ap_measures_mean(const ap_measures *sums, int64_t count)
{
    ap_measures mean = *sums;
    for (int k = 0; k < AP_MEASURE_COUNT; k++)
        mean.value[k] /= is_of_all(k) || sums->weight[k] == 0 ? (double)count : sums->weight[k];
    return mean;
}

const char *ap_measures_not_finite(const ap_measures *measures)
{
    for (int k = 0; k < AP_MEASURE_COUNT; k++)
        if (measures->present[k] && !isfinite(measures->value[k])) return ap_measure_name(k);
    return NULL;
}
