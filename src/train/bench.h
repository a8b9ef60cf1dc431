/* Measures where the time of a training step goes, phase by phase, and how close each phase comes to the
 * machine's limits. */
#ifndef ANTIPHON_TRAIN_BENCH_H
#define ANTIPHON_TRAIN_BENCH_H

#include "antiphon/config.h"

#include <stddef.h>
#include <stdint.h>

/** What a phase belongs to. */
typedef enum ap_bench_part {
    AP_BENCH_FORWARD,  /**< of the step: filling the batch, the model, each term of the loss */
    AP_BENCH_BACKWARD, /**< of the step: the backward pass through the phase of that name */
    AP_BENCH_UPDATE,   /**< of the step: the optimiser */
    AP_BENCH_WHOLE,    /**< sums: "forward", "backward", "step" */
    AP_BENCH_ALONE     /**< not part of the step: inference, a single call */
} ap_bench_part;

typedef struct ap_bench_phase {
    const char *name;
    ap_bench_part part;
    double seconds; /**< median */
    double least;   /**< the minimum */
    double flops;   /**< floating-point operations of products, convolutions, recurrences and transforms;
                       products by Winograd's method (1968) count as ordinary ones */
    double bytes;   /**< the least it has to read (and write, if that is counted): each of its inputs once; 0:
                       not counted */
} ap_bench_phase;

#define AP_BENCH_PHASES 64

/** How the gradients of several ranks are added up. Medians over the steps. */
typedef struct ap_bench_sums {
    int ranks;        /**< 1: there is nothing to add up, and nothing below is set */
    double bytes;     /**< of the gradients of one rank */
    double under_way; /**< seconds of a step in which a sum was under way */
    double waited;    /**< seconds of these after backward, when nothing else went on; others' delays included */
    double alone;     /**< seconds of the same sums when nothing else goes on */
} ap_bench_sums;

typedef struct ap_bench {
    int64_t B, S; /**< items of the batch, samples of an item */
    int64_t parameters;
    int threads, steps;
    bool fast; /**< products were those of train.precision=fast */
    double
        peak_rate; /**< operations per second of multiplications with additions, measured between the steps */
    double gemm_rate;     /**< and of a large matrix product */
    double read_rate;     /**< bytes per second read from memory */
    size_t peak_memory;   /**< peak of the process up to the end of the first step, in bytes, including model
                             and data */
    size_t arena_held;    /**< bytes of the tape's arena */
    size_t arena_growths; /**< how often it asked the system for more after the first step */
    ap_bench_sums sums;
    int count;
    ap_bench_phase phases[AP_BENCH_PHASES]; /**< in order; sums come last, except for phases measured alone */
} ap_bench;

/** "forward", "backward", "update", "whole", "alone" */
const char *ap_bench_part_name(ap_bench_part part);

/** Takes `steps` training steps of one batch each, after a warm-up step, on pairs from the built-in
 * synthesiser. If latents are kept in training, encoding is not part of the step. Fails if the configuration
 * or the weights file does not fit. If train.threads is not 0, it becomes the number of OpenMP threads of
 * the whole process, for good. */
ap_status ap_bench_run(const ap_config *config, int steps, ap_bench *bench);

#endif
