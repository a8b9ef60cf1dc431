/* Measures summed up and averaged. */
#ifndef ANTIPHON_TRAIN_MEASURES_H
#define ANTIPHON_TRAIN_MEASURES_H

#include "antiphon/objective.h"

/* Adds `weight` times the measures that are present. */
void ap_measures_add(ap_measures *sums, const ap_measures *measures, double weight);

/* The sums divided by `count`; NaN where that is 0. */
ap_measures ap_measures_mean(const ap_measures *sums, int64_t count);

/* The name of the first measure that is not finite; NULL: all are finite. */
const char *ap_measures_not_finite(const ap_measures *measures);

#endif
