/* Vectors of ap_real, as wide as those of the processors that a kernel is compiled for, by the compiler's
 * vector extensions. */
#ifndef ANTIPHON_KERNELS_LEVEL_VEC_H
#define ANTIPHON_KERNELS_LEVEL_VEC_H

#include "kernels/simd.h"

#if defined(__AVX512F__)
#define VEC_BYTES 64
#elif defined(__AVX__)
#define VEC_BYTES 32
#else
#define VEC_BYTES 16
#endif

/* How many vectors the processor's registers hold. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define VEC_REGISTERS 32
#else
#define VEC_REGISTERS 16
#endif

/* Such a register, as a constraint of inline assembly. */
#ifdef __aarch64__
#define IN_VEC "w"
#else
#define IN_VEC "v"
#endif

/* The number of elements in a vec, and of a kernel's vectors in AP_LANES. */
#define VEC_LANES (VEC_BYTES / (int)sizeof(ap_real))
#define VECS_WIDE (AP_LANES / VEC_LANES)

/* A vector without alignment: *(vec *)p loads VEC_LANES numbers from p. */
typedef ap_real vec __attribute__((vector_size(VEC_BYTES), aligned(sizeof(ap_real)), may_alias));

#define ALWAYS_INLINE inline __attribute__((always_inline))

#endif
