#include "kernels/level/names.h"

#include "kernels/level/vec.h"
#include "kernels/machine.h"

/* As many as a tile's sums: enough that none waits for another. */
#if VEC_REGISTERS == 32
#define SUMS 24
#else
#define SUMS 12
#endif

double ap_machine_multiply_adds(int64_t count)
{
    vec sum[SUMS], factor = (vec){0} + (ap_real)0.5, term = (vec){0} + 1;
    __asm__("" : "+" IN_VEC(factor), "+" IN_VEC(term)); /* or the compiler would know the result */
#pragma GCC unroll 24
    for (int i = 0; i < SUMS; i++) {
        sum[i] = term;
        __asm__("" : "+" IN_VEC(sum[i])); /* nor that all are the same */
    }
    for (int64_t k = 0; k < count; k++)
#pragma GCC unroll 24
        for (int i = 0; i < SUMS; i++) sum[i] = sum[i] * factor + term;
#pragma GCC unroll 24
    for (int i = 0; i < SUMS; i++) __asm__ volatile("" : : IN_VEC(sum[i]));
    return 2.0 * SUMS * VEC_LANES * (double)count;
}
