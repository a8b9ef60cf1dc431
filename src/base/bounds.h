/* The smaller and the larger of two counts, and what whole units hold one. */
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

/* How many units of `unit` hold `count`, and what these units have room for. count not negative, unit
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
