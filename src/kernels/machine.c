#include "kernels/machine.h"

#include "base/clock.h"
#include "kernels/kernel.h"
#include "kernels/product.h"

#include <math.h>

/* Rows and columns of the matrices that are multiplied. */
#define GEMM_SIZE ((int64_t)2048)
/* Numbers that are read: beyond what caches hold. The three matrices are the first of them. */
#define READ_COUNT (((int64_t)256 << 20) / (int64_t)sizeof(ap_real))
/* Read at a time, into sums that do not wait for each other. */
#define STRIDE ((int64_t)64)
/* Multiplications with additions in registers, of each vector: about 5 ms. */
#define PEAK_COUNT ((int64_t)1 << 20)

_Static_assert(READ_COUNT >= 3 * GEMM_SIZE * GEMM_SIZE && READ_COUNT % STRIDE == 0,
               "room for three matrices, in whole strides");

ap_machine ap_machine_init(void)
{
    /* in an arena, whose pages are large, as are those of a training's tensors */
    ap_machine machine = {.arena = ap_arena_create()};
    machine.numbers = ap_arena_alloc(machine.arena, (size_t)READ_COUNT * sizeof *machine.numbers);
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < READ_COUNT; i++) machine.numbers[i] = (ap_real)(1 + i % 2);
    return machine;
}

void ap_machine_free(ap_machine *machine)
{
    ap_arena_free(machine->arena);
    *machine = (ap_machine){0};
}

static double gemm_seconds(ap_machine *machine)
{
    const int64_t n = GEMM_SIZE;
    ap_real *numbers = machine->numbers;
    double began = ap_clock_seconds();
    ap_product(machine->arena,
               &(ap_product_task){n, n, n, ap_matrix_rows(numbers, n), ap_matrix_rows(numbers + n * n, n),
                                  NULL, numbers + 2 * n * n, n, false});
    return ap_clock_seconds() - began;
}

static double peak_rate(void)
{
    double operations = 0, began = ap_clock_seconds();
#pragma omp parallel reduction(+ : operations)
    operations += ap_machine_multiply_adds(PEAK_COUNT);
    return operations / (ap_clock_seconds() - began);
}

static double read_seconds(ap_machine *machine)
{
    const ap_real *numbers = machine->numbers;
    ap_real total = 0;
    double began = ap_clock_seconds();
#pragma omp parallel reduction(+ : total)
    {
        ap_real sum[STRIDE] = {0};
#pragma omp for schedule(static)
        for (int64_t i = 0; i < READ_COUNT; i += STRIDE)
            for (int64_t k = 0; k < STRIDE; k++) sum[k] += numbers[i + k];
        for (int64_t k = 0; k < STRIDE; k++) total += sum[k];
    }
    machine->sum = total;
    return ap_clock_seconds() - began;
}

void ap_machine_measure(ap_machine *machine)
{
    const double n = (double)GEMM_SIZE;
    machine->gemm_rate = fmax(machine->gemm_rate, 2 * n * n * n / gemm_seconds(machine));
    machine->peak_rate = fmax(machine->peak_rate, peak_rate());
    machine->read_rate =
        fmax(machine->read_rate, (double)READ_COUNT * sizeof(ap_real) / read_seconds(machine));
}
