/* The smaller and the larger of two counts. */
#ifndef ANTIPHON_CORE_BOUNDS_H
#define ANTIPHON_CORE_BOUNDS_H

#include <stdint.h>

static inline int64_t ap_least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t ap_most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

#endif
