/* Measures what the machine can do at this moment, for comparison with measured code. */
#ifndef ANTIPHON_KERNELS_MACHINE_H
#define ANTIPHON_KERNELS_MACHINE_H

#include "antiphon/arena.h"
#include "antiphon/real.h"

#include <stdint.h>

typedef struct ap_machine {
    ap_real *numbers; /* owned */
    ap_arena *arena;  /* owned: of the product */
    double peak_rate; /* floating-point operations per second of multiplications with additions in registers,
                         by the chosen kernel's vectors, on all threads */
    double gemm_rate; /* of a large matrix product (product.h), on all threads */
    double read_rate; /* bytes per second that all threads together read from memory */
    ap_real sum;      /* sum of what was read, so that the compiler keeps the reads */
} ap_machine;

/* All rates zero. Allocates memory larger than a cache for the measurements. */
ap_machine ap_machine_init(void);
void ap_machine_free(ap_machine *machine);

/* Measures once; the rates become the best so far. To be called between the runs of the code that is
 * compared, so that both see the machine in the same state. */
void ap_machine_measure(ap_machine *machine);

/* Multiplies and adds `count` times in each of as many vectors as the kernel's tiles have; returns the number
 * of operations. One thread. */
double ap_machine_multiply_adds(int64_t count);

#endif
