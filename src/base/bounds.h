/* Minimum, maximum, and division rounded up, of counts. */
#ifndef ANTIPHON_BASE_BOUNDS_H
#define ANTIPHON_BASE_BOUNDS_H

#include <stdint.h>

static inline int64_t ap_least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t ap_most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The number of units of size `unit` that hold `count`, and their total size. count is not negative, unit is
 * positive. */
static inline int64_t ap_divide_up(int64_t count, int64_t unit)
{
    return (count + unit - 1) / unit;
}

static inline int64_t ap_round_up(int64_t count, int64_t unit)
{
    return ap_divide_up(count, unit) * unit;
}

#endif
