/* Which of the kernels computes. All are in the program; when it starts, the best that the processor can run
 * is chosen, or the one that the environment variable ANTIPHON_KERNEL names. */
#ifndef ANTIPHON_KERNELS_KERNEL_H
#define ANTIPHON_KERNELS_KERNEL_H

#include "kernels/functions.h"

/* The name of the chosen kernel. */
const char *ap_kernel_name(void);

/* Whether it multiplies packed factors in pairs. */
bool ap_kernel_pairs(void);

/* What is wrong with ANTIPHON_KERNEL, in one line; NULL: nothing. The kernel is then the processor's best. */
const char *ap_kernel_fault(void);

/* Kernel `index` of those in this program, from the plainest on, and whether this processor can run it; NULL
 * beyond the last. */
const ap_kernel *ap_kernel_at(int index, bool *runs);

#endif
