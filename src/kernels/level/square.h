/* Transposes square matrices, with as many rows as a vector has lanes, in registers. Transposed copies of
 * matrices are made of such squares. */
#ifndef ANTIPHON_KERNELS_LEVEL_SQUARE_H
#define ANTIPHON_KERNELS_LEVEL_SQUARE_H

#include "kernels/level/vec.h"

/* VEC_LANES as a constant for the preprocessor. */
#ifdef AP_DOUBLE
#define SQUARE_ROWS (VEC_BYTES / 8)
#else
#define SQUARE_ROWS (VEC_BYTES / 4)
#endif

/* Lanes of two rows are numbered through both. Of two rows that exchange their quarters the first keeps the
 * lanes i whose bit `half` is 0, and the second's follow in place of the others; the second row becomes the
 * same, `more` = half lanes further on. The compilers want all of it as constants. */
#define SQUARE_LANE(i, half, more) (((i) & (half) ? (i) + SQUARE_ROWS - (half) : (i)) + (more))
#define SQUARE_LANES_2(i, ...) SQUARE_LANE(i, __VA_ARGS__), SQUARE_LANE((i) + 1, __VA_ARGS__)
#define SQUARE_LANES_4(i, ...) SQUARE_LANES_2(i, __VA_ARGS__), SQUARE_LANES_2((i) + 2, __VA_ARGS__)
#define SQUARE_LANES_8(i, ...) SQUARE_LANES_4(i, __VA_ARGS__), SQUARE_LANES_4((i) + 4, __VA_ARGS__)
#define SQUARE_LANES_16(i, ...) SQUARE_LANES_8(i, __VA_ARGS__), SQUARE_LANES_8((i) + 8, __VA_ARGS__)
#if SQUARE_ROWS == 16
#define SQUARE_LANES SQUARE_LANES_16
#elif SQUARE_ROWS == 8
#define SQUARE_LANES SQUARE_LANES_8
#elif SQUARE_ROWS == 4
#define SQUARE_LANES SQUARE_LANES_4
#else
#define SQUARE_LANES SQUARE_LANES_2
#endif

/* Rows i and i + half exchange their off-diagonal quarters, for every i whose bit `half` is 0. */
#define SQUARE_EXCHANGE(row, half)                                                                           \
    _Pragma("GCC unroll 16") for (int i = 0; i < VEC_LANES; i++) if (!(i & (half)))                          \
    {                                                                                                        \
        vec a = (row)[i], b = (row)[i + (half)];                                                             \
        (row)[i] = __builtin_shufflevector(a, b, SQUARE_LANES(0, half, 0));                                  \
        (row)[i + (half)] = __builtin_shufflevector(a, b, SQUARE_LANES(0, half, half));                      \
    }

/* Row i becomes column i: rows exchange their quarters, for halves from the largest to 1 (Eklundh, 1972). */
static ALWAYS_INLINE void square_turn(vec row[VEC_LANES])
{
#if SQUARE_ROWS > 8
    SQUARE_EXCHANGE(row, 8)
#endif
#if SQUARE_ROWS > 4
    SQUARE_EXCHANGE(row, 4)
#endif
#if SQUARE_ROWS > 2
    SQUARE_EXCHANGE(row, 2)
#endif
    SQUARE_EXCHANGE(row, 1)
}

#endif
