/* Vectors of ap_real, as wide as the target machine's, by the compiler's vector extensions. */
#ifndef ANTIPHON_KERNELS_SIMD_H
#define ANTIPHON_KERNELS_SIMD_H

#include "antiphon/real.h"

#if defined(__AVX512F__)
#define AP_VEC_BYTES 64
#elif defined(__AVX__)
#define AP_VEC_BYTES 32
#else
#define AP_VEC_BYTES 16
#endif

/* The number of elements in an ap_vec. */
#define AP_LANES (AP_VEC_BYTES / (int)sizeof(ap_real))

/* A vector without alignment: *(ap_vec *)p loads AP_LANES numbers from p. */
typedef ap_real ap_vec __attribute__((vector_size(AP_VEC_BYTES), aligned(sizeof(ap_real)), may_alias));

#endif
