#include "kernels/machine.h"

#include "base/clock.h"
#include "base/memory.h"
#include "kernels/blas.h"
#include "kernels/simd.h"

#include <math.h>
#include <stdlib.h>

/* Rows and columns of the matrices that are multiplied. */
#define GEMM_SIZE ((int64_t)2048)
/* Numbers that are read: beyond what caches hold. The three matrices are the first of them. */
#define READ_COUNT (((int64_t)256 << 20) / (int64_t)sizeof(ap_real))
/* Read at a time, into sums that do not wait for each other. */
#define SUMS 8
#define STRIDE (SUMS * AP_LANES)

_Static_assert(READ_COUNT >= 3 * GEMM_SIZE * GEMM_SIZE && READ_COUNT % STRIDE == 0,
               "room for three matrices, in whole strides");

ap_machine ap_machine_init(void)
{
    ap_machine machine = {.numbers = ap_allocate((size_t)READ_COUNT, sizeof *machine.numbers)};
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < READ_COUNT; i++) machine.numbers[i] = (ap_real)(1 + i % 2);
    return machine;
}

void ap_machine_free(ap_machine *machine)
{
    free(machine->numbers);
    *machine = (ap_machine){0};
}

static double gemm_seconds(ap_real *numbers)
{
    const int64_t n = GEMM_SIZE;
    double began = ap_clock_seconds();
    ap_gemm(false, false, n, n, n, 1, numbers, n, numbers + n * n, n, 0, numbers + 2 * n * n, n);
    return ap_clock_seconds() - began;
}

static double read_seconds(ap_machine *machine)
{
    const ap_real *numbers = machine->numbers;
    ap_real total = 0;
    double began = ap_clock_seconds();
#pragma omp parallel reduction(+ : total)
    {
        ap_vec sum[SUMS] = {0}, all = {0};
#pragma omp for schedule(static)
        for (int64_t i = 0; i < READ_COUNT; i += STRIDE)
            for (int k = 0; k < SUMS; k++) sum[k] += *(const ap_vec *)(numbers + i + k * AP_LANES);
        for (int k = 0; k < SUMS; k++) all += sum[k];
        total += all[0];
    }
    machine->sum = total;
    return ap_clock_seconds() - began;
}

void ap_machine_measure(ap_machine *machine)
{
    const double n = (double)GEMM_SIZE;
    machine->gemm_rate = fmax(machine->gemm_rate, 2 * n * n * n / gemm_seconds(machine->numbers));
    machine->read_rate =
        fmax(machine->read_rate, (double)READ_COUNT * sizeof(ap_real) / read_seconds(machine));
}
