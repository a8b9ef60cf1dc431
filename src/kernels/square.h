/* Transposes square matrices, with as many rows as a vector has lanes, in registers. Transposed copies of
 * matrices are made of such squares. */
#ifndef ANTIPHON_KERNELS_SQUARE_H
#define ANTIPHON_KERNELS_SQUARE_H

#include "kernels/simd.h"

/* AP_LANES as a constant for the preprocessor. */
#ifdef AP_DOUBLE
#define AP_SQUARE_ROWS (AP_VEC_BYTES / 8)
#else
#define AP_SQUARE_ROWS (AP_VEC_BYTES / 4)
#endif

/* Lanes of two rows are numbered through both. Of two rows that exchange their quarters the first keeps the
 * lanes i whose bit `half` is 0, and the second's follow in place of the others; the second row becomes the
 * same, `more` = half lanes further on. The compilers want all of it as constants. */
#define AP_SQUARE_LANE(i, half, more) (((i) & (half) ? (i) + AP_SQUARE_ROWS - (half) : (i)) + (more))
#define AP_SQUARE_LANES_2(i, ...) AP_SQUARE_LANE(i, __VA_ARGS__), AP_SQUARE_LANE((i) + 1, __VA_ARGS__)
#define AP_SQUARE_LANES_4(i, ...) AP_SQUARE_LANES_2(i, __VA_ARGS__), AP_SQUARE_LANES_2((i) + 2, __VA_ARGS__)
#define AP_SQUARE_LANES_8(i, ...) AP_SQUARE_LANES_4(i, __VA_ARGS__), AP_SQUARE_LANES_4((i) + 4, __VA_ARGS__)
#define AP_SQUARE_LANES_16(i, ...) AP_SQUARE_LANES_8(i, __VA_ARGS__), AP_SQUARE_LANES_8((i) + 8, __VA_ARGS__)
#if AP_SQUARE_ROWS == 16
#define AP_SQUARE_LANES AP_SQUARE_LANES_16
#elif AP_SQUARE_ROWS == 8
#define AP_SQUARE_LANES AP_SQUARE_LANES_8
#elif AP_SQUARE_ROWS == 4
#define AP_SQUARE_LANES AP_SQUARE_LANES_4
#else
#define AP_SQUARE_LANES AP_SQUARE_LANES_2
#endif

/* Rows i and i + half exchange their off-diagonal quarters, for every i whose bit `half` is 0. */
#define AP_SQUARE_EXCHANGE(row, half)                                                                        \
    _Pragma("GCC unroll 16") for (int i = 0; i < AP_LANES; i++) if (!(i & (half)))                           \
    {                                                                                                        \
        ap_vec a = (row)[i], b = (row)[i + (half)];                                                          \
        (row)[i] = __builtin_shufflevector(a, b, AP_SQUARE_LANES(0, half, 0));                               \
        (row)[i + (half)] = __builtin_shufflevector(a, b, AP_SQUARE_LANES(0, half, half));                   \
    }

/* Row i becomes column i: rows exchange their quarters, for halves from the largest to 1 (Eklundh, 1972). */
static inline __attribute__((always_inline)) void ap_square_turn(ap_vec row[AP_LANES])
{
#if AP_SQUARE_ROWS > 8
    AP_SQUARE_EXCHANGE(row, 8)
#endif
#if AP_SQUARE_ROWS > 4
    AP_SQUARE_EXCHANGE(row, 4)
#endif
#if AP_SQUARE_ROWS > 2
    AP_SQUARE_EXCHANGE(row, 2)
#endif
    AP_SQUARE_EXCHANGE(row, 1)
}

#endif
