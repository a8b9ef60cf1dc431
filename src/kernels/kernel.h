/* Which of the kernels computes. All are in the program; when it starts, the best that the processor can run
 * is chosen, or the one that the environment variable ANTIPHON_KERNEL names. */
#ifndef ANTIPHON_KERNELS_KERNEL_H
#define ANTIPHON_KERNELS_KERNEL_H

#include "kernels/functions.h"

/* The name of the chosen kernel. */
const char *ap_kernel_name(void);

/* Whether products of packed factors are faster than others: those of pairs and of parts are. */
bool ap_kernel_gains_by_packing(void);

/* Products may be off by 1e-3 of the result's norm from now on, where the kernel is faster for it, or may
 * not: as at the start. To be called while nothing is packed. */
void ap_kernel_set_fast(bool fast);

/* Whether they may now be, and so whether the kernel has such products. */
bool ap_kernel_is_fast(void);

/* What is wrong with ANTIPHON_KERNEL, in one line; NULL: nothing. The kernel is then the processor's best. */
const char *ap_kernel_fault(void);

/* Kernel `index` of those in this program, from the plainest on, and whether this processor can run it; NULL
 * beyond the last. */
const ap_kernel *ap_kernel_at(int index, bool *runs);

#endif
