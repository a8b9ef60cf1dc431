/* Denormal numbers (below 1e-38 in float) are computed many times more slowly than others. A decaying sound
 * is full of them once it is silent, and treating them as zero makes no audible difference. */
#ifndef ANTIPHON_KERNELS_DENORMALS_H
#define ANTIPHON_KERNELS_DENORMALS_H

#include <stdbool.h>

/* Makes all OpenMP threads treat denormal operands and results as zero. Returns whether they did before, for
 * ap_denormals_restore. */
bool ap_denormals_flush(void);

/* Restores the mode of all threads. */
void ap_denormals_restore(bool flushed);

#endif
