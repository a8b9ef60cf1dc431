/* Squares of numbers, as many rows as a vector has lanes, turned in registers: what copies a matrix to where
 * its columns lie side by side does so square by square. */
#ifndef ANTIPHON_CORE_SQUARE_H
#define ANTIPHON_CORE_SQUARE_H

#include "core/simd.h"

#include <stdint.h>

/* The lanes of a vector by their numbers. */
#ifdef AP_DOUBLE
typedef int64_t ap_lane_index __attribute__((vector_size(AP_VEC_BYTES)));
#define AP_LANE_PAIRS AP_VEC_BYTES / 16
#else
typedef int32_t ap_lane_index __attribute__((vector_size(AP_VEC_BYTES)));
#define AP_LANE_PAIRS AP_VEC_BYTES / 8
#endif
#if AP_LANE_PAIRS == 8
#define AP_LANE_NUMBERS                                                                                      \
    {                                                                                                        \
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15                                                 \
    }
#elif AP_LANE_PAIRS == 4
#define AP_LANE_NUMBERS                                                                                      \
    {                                                                                                        \
        0, 1, 2, 3, 4, 5, 6, 7                                                                               \
    }
#elif AP_LANE_PAIRS == 2
#define AP_LANE_NUMBERS                                                                                      \
    {                                                                                                        \
        0, 1, 2, 3                                                                                           \
    }
#else
#define AP_LANE_NUMBERS                                                                                      \
    {                                                                                                        \
        0, 1                                                                                                 \
    }
#endif

/* Row i becomes column i: rows i and i + half exchange their quarters, for halves from the largest to 1
 * (Eklundh, 1972). */
static inline __attribute__((always_inline)) void ap_square_turn(ap_vec row[AP_LANES])
{
#pragma GCC unroll 4
    for (int half = AP_LANES / 2; half > 0; half /= 2) {
        const ap_lane_index lane = AP_LANE_NUMBERS, upper = (lane & half) != 0;
        const ap_lane_index low = lane + (upper & (AP_LANES - half)),
                            high = lane + (upper & (AP_LANES - half)) + half;
#pragma GCC unroll 16
        for (int i = 0; i < AP_LANES; i++)
            if (!(i & half)) {
                ap_vec a = row[i], b = row[i + half];
                row[i] = __builtin_shuffle(a, b, low);
                row[i + half] = __builtin_shuffle(a, b, high);
            }
    }
}

#endif
