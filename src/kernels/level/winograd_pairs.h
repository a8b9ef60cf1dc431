/* Inner products with half as many multiplications:
 *
 *     a0 b0 + a1 b1 = (a0 + b1) (a1 + b0) - a0 a1 - b0 b1 = a0 a1 + b0 b1 - (b1 - a0) (b0 - a1)
 *
 * (S. Winograd, "A new algorithm for inner product", IEEE Transactions on Computers C-17, 1968). In a matrix
 * product the terms without brackets belong to a row of A and to a column of B, and are summed once for all
 * that they meet. What is left are three operations, one multiplication with its addition and two additions,
 * in place of two multiplications with theirs. That pays where a processor has adders beside the units that
 * multiply and add in one, and as many, as AMD's have from Zen 4 on: three operations on both kinds of unit
 * take as long as one and a half on one kind. One addition in four is done as a multiplication by 1, so that
 * both have as much to do, and the product is formed in three quarters of the time that keeping every
 * multiplier busy takes.
 *
 * In floating point the terms that are taken away again must not outgrow the result, so rows of A and columns
 * of B are first brought to the same norm by powers of two, which is exact (R. P. Brent, "Error analysis of
 * algorithms for matrix multiplication and triangular decomposition using Winograd's identity", Numerische
 * Mathematik 16, 1970). And the two forms take turns: neighbours in a row or column are often alike (taps of
 * a filter, weights of one sign), a0 a1 and b0 b1 then all have one sign, and one form alone would sum them
 * up to the square of the norm, far above the result; so every other one takes away what the one before has
 * added. The error stays below a few roundings of |a| |b|, where an ordinary sum's stays below a few of
 * |a|.|b|; a row or column of zeros still gives exact zeros. */
#ifndef ANTIPHON_KERNELS_LEVEL_WINOGRAD_PAIRS_H
#define ANTIPHON_KERNELS_LEVEL_WINOGRAD_PAIRS_H

#include "kernels/level/vec.h"

#include <stdbool.h>

/* Whether the kernel is for a processor that gains by it: 4 and 5 are Zen 4 and Zen 5, 0 is any other. */
#ifndef AP_PAIRS
#define AP_PAIRS 0
#endif

#if AP_PAIRS

/* x + y and x - y, where y is one number in all lanes, and the same by a unit that multiplies (one: a vector
 * of 1 in a register). subtract: a constant where these are inlined. */
#if AP_PAIRS == 5

/* Zen 5 reads numbers into registers beside the units' work, but no more than two a cycle: each is read once.
 */
typedef vec scalar;

static ALWAYS_INLINE scalar scalar_at(const ap_real *y)
{
    vec all;
#ifdef AP_DOUBLE
    __asm__("vbroadcastsd %1, %0" : "=v"(all) : "m"(*y));
#else
    __asm__("vbroadcastss %1, %0" : "=v"(all) : "m"(*y));
#endif
    return all;
}

static ALWAYS_INLINE vec add_scalar(bool subtract, vec x, scalar y)
{
    return subtract ? x - y : x + y;
}

static ALWAYS_INLINE vec add_scalar_multiplying(bool subtract, vec x, scalar y, vec one)
{
    return subtract ? x * one - y : x * one + y;
}

#else

/* On Zen 4 reading a number into all lanes would take one of the units' turns; as part of the addition it
 * costs nothing, as often as it is done. */
typedef const ap_real *scalar;

static ALWAYS_INLINE scalar scalar_at(const ap_real *y)
{
    return y;
}

/* An instruction whose last operand is one number in memory, read into all lanes. */
#ifdef AP_DOUBLE
#define BROADCAST(name) name "pd %2%{1to8%}, %1, %0"
#else
#define BROADCAST(name) name "ps %2%{1to16%}, %1, %0"
#endif

static ALWAYS_INLINE vec add_scalar(bool subtract, vec x, scalar y)
{
    vec sum;
    if (subtract)
        __asm__(BROADCAST("vsub") : "=v"(sum) : "v"(x), "m"(*y));
    else
        __asm__(BROADCAST("vadd") : "=v"(sum) : "v"(x), "m"(*y));
    return sum;
}

static ALWAYS_INLINE vec add_scalar_multiplying(bool subtract, vec x, scalar y, vec one)
{
    if (subtract)
        __asm__(BROADCAST("vfmsub213") : "+v"(one) : "v"(x), "m"(*y));
    else
        __asm__(BROADCAST("vfmadd213") : "+v"(one) : "v"(x), "m"(*y));
    return one;
}

#endif

#endif

#endif
