/* Numbers too small for their full precision (below 1e-38 in float) are computed many times slower than
 * others. A decaying sound is full of them once it is silent; nothing hears whether they are zero. */
#ifndef ANTIPHON_KERNELS_DENORMALS_H
#define ANTIPHON_KERNELS_DENORMALS_H

#include <stdbool.h>

/* From now on all threads of OpenMP take such numbers for zero, where they read them and where they come out.
 * Whether they did before: for ap_denormals_restore. */
bool ap_denormals_flush(void);

/* Lets all threads compute as they did before. */
void ap_denormals_restore(bool flushed);

#endif
