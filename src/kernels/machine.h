/* Measures what the machine can do at this moment, for comparison with measured code. */
#ifndef ANTIPHON_KERNELS_MACHINE_H
#define ANTIPHON_KERNELS_MACHINE_H

#include "antiphon/real.h"

typedef struct ap_machine {
    ap_real *numbers; /* owned */
    double gemm_rate; /* floating-point operations per second of a large matrix product by OpenBLAS, on all
                         threads */
    double read_rate; /* bytes per second that all threads together read from memory */
    ap_real sum;      /* sum of what was read, so that the compiler keeps the reads */
} ap_machine;

/* All rates zero. Allocates memory larger than a cache for the measurements. */
ap_machine ap_machine_init(void);
void ap_machine_free(ap_machine *machine);

/* Measures once; the rates become the best so far. To be called between the runs of the code that is
 * compared, so that both see the machine in the same state. */
void ap_machine_measure(ap_machine *machine);

#endif
