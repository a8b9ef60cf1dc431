/* The layouts that vectors read are the same on every processor: as wide as the widest vectors that a kernel
 * has. How many of its own vectors that is, each kernel knows (level/vec.h). */
#ifndef ANTIPHON_KERNELS_SIMD_H
#define ANTIPHON_KERNELS_SIMD_H

#include "antiphon/real.h"

#define AP_LANES_BYTES 64
/* The number of elements of that width. */
#define AP_LANES (AP_LANES_BYTES / (int)sizeof(ap_real))

#endif
