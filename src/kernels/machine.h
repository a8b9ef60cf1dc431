/* What the machine can do at this moment: the roofs that measured code is held against. */
#ifndef ANTIPHON_KERNELS_MACHINE_H
#define ANTIPHON_KERNELS_MACHINE_H

#include "antiphon/real.h"

typedef struct ap_machine {
    ap_real *numbers; /* owned */
    double gemm_rate; /* floating-point operations a second in a large matrix product by OpenBLAS, on all threads */
    double read_rate; /* bytes a second that all threads together read from memory */
    ap_real sum;      /* of what was read: without a use of it reading would be left out */
} ap_machine;

/* Rates at zero. Takes memory larger than a cache, which the measurements go through. */
ap_machine ap_machine_init(void);
void ap_machine_free(ap_machine *machine);

/* Measures once; the rates become the best so far. To be called between the runs of what is measured, so that
 * both saw the same machine. */
void ap_machine_measure(ap_machine *machine);

#endif
