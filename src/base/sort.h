#ifndef ANTIPHON_BASE_SORT_H
#define ANTIPHON_BASE_SORT_H

#include <stdint.h>

/* Sorts n numbers, none of them NaN, in ascending order. */
void ap_sort(int64_t n, double *x);

#endif
