/* Where the time of a training step goes, phase by phase, and how near each phase comes to what the machine
 * can do.
 */
#ifndef ANTIPHON_TRAIN_BENCH_H
#define ANTIPHON_TRAIN_BENCH_H

#include "antiphon/config.h"

#include <stddef.h>
#include <stdint.h>

/** What a phase is part of. */
typedef enum ap_bench_part {
    AP_BENCH_FORWARD,  /**< of the step: filling the batch, the model, each term of the loss */
    AP_BENCH_BACKWARD, /**< of the step: the way back through the phase of that name */
    AP_BENCH_UPDATE,   /**< of the step: the optimiser */
    AP_BENCH_WHOLE,    /**< sums: "forward", "backward", "step" */
    AP_BENCH_ALONE     /**< not of the step: inference, one call */
} ap_bench_part;

typedef struct ap_bench_phase {
    const char *name;
    ap_bench_part part;
    double seconds; /**< median */
    double least;   /**< the fewest seconds it took */
    double flops;   /**< floating-point operations of products, convolutions, recurrences and transforms; of a
                       product of pairs (Winograd, 1968) as many as of a plain one */
    double bytes;   /**< what it has to read, and where it says so to write, at the least: each of its inputs
                       once; 0:   not counted */
} ap_bench_phase;

#define AP_BENCH_PHASES 64

typedef struct ap_bench {
    int64_t B, S; /**< items of the batch, samples of an item */
    int64_t parameters;
    int threads, steps;
    double gemm_rate; /**< operations a second of a matrix product by OpenBLAS, measured between the steps */
    double read_rate; /**< bytes a second that it reads from memory */
    size_t peak_memory;   /**< bytes of the process up to the end of the first step, all that it is made of
                             included */
    size_t arena_held;    /**< bytes of the tape's arena */
    size_t arena_growths; /**< how often it has asked the system for more after the first step */
    int count;
    ap_bench_phase
        phases[AP_BENCH_PHASES]; /**< in the order in which they come; sums last but for those alone */
} ap_bench;

/** "forward", "backward", "update", "whole", "alone" */
const char *ap_bench_part_name(ap_bench_part part);

/** Takes `steps` steps of the configuration's training, of one batch each, after one that is not measured, on
 * pairs of the built-in synthesiser. Where latents are kept in training, encoding is not part of the step. A
 * failure is that of a configuration or weights file that does not fit. Where train.threads is not 0 it becomes
 * OpenMP's number of threads for the whole process, and stays so. */
ap_status ap_bench_run(const ap_config *config, int steps, ap_bench *bench);

#endif
