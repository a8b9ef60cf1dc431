#include "train/bench.h"

#include "antiphon/audio.h"
#include "antiphon/stop.h"
#include "antiphon/synth.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/sort.h"
#include "kernels/denormals.h"
#include "kernels/flops.h"
#include "kernels/kernel.h"
#include "kernels/machine.h"
#include "train/order.h"
#include "ranks/collect.h"
#include "train/precision.h"
#include "train/reducer.h"
#include "train/step.h"
#include "train/together.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

const char *ap_bench_part_name(ap_bench_part part)
{
    static const char *const names[] = {"forward", "backward", "update", "whole", "alone"};
    return names[part];
}

/* ---------------------------------------------------------------- the stopwatch */

/* A round is a step, or a call of what is measured alone. Round 0 is the warm-up. */
typedef struct stopwatch {
    ap_bench *bench;
    double *seconds; /* [AP_BENCH_PHASES, steps + 1] */
    int round;
    ap_bench_phase *current; /* NULL: none */
    double since;
} stopwatch;

static ap_bench_phase *phase_of(ap_bench *bench, const char *name, ap_bench_part part)
{
    for (int i = 0; i < bench->count; i++)
        if (bench->phases[i].part == part && strcmp(bench->phases[i].name, name) == 0)
            return &bench->phases[i];
    if (bench->count == AP_BENCH_PHASES) ap_fatal("bench: more than %d phases", AP_BENCH_PHASES);
    bench->phases[bench->count] = (ap_bench_phase){.name = name, .part = part};
    return &bench->phases[bench->count++];
}

static double *seconds_of(const stopwatch *watch, const ap_bench_phase *phase, int round)
{
    return watch->seconds + (phase - watch->bench->phases) * (watch->bench->steps + 1) + round;
}

static void leave(stopwatch *watch)
{
    double now = ap_clock_seconds(), flops = (double)ap_flops_taken();
    if (watch->current) {
        *seconds_of(watch, watch->current, watch->round) += now - watch->since;
        watch->current->flops += flops;
    }
    watch->current = NULL;
}

static void enter(stopwatch *watch, const char *name, ap_bench_part part)
{
    leave(watch);
    watch->current = phase_of(watch->bench, name, part);
    watch->since = ap_clock_seconds();
}

static void on_section(void *context, const char *section, bool backward)
{
    enter(context, section, backward ? AP_BENCH_BACKWARD : AP_BENCH_FORWARD);
}

static double median(int n, double *x)
{
    ap_sort(n, x);
    return (x[(n - 1) / 2] + x[n / 2]) / 2;
}

/* Turns the sums over all rounds into those of one round. Round 0 counts for operations only. */
static void conclude(stopwatch *watch)
{
    ap_bench *bench = watch->bench;
    for (int i = 0; i < bench->count; i++) {
        ap_bench_phase *phase = &bench->phases[i];
        double *seconds = seconds_of(watch, phase, 1);
        phase->seconds = median(bench->steps, seconds);
        phase->least = seconds[0]; /* sorted by now */
        phase->flops /= bench->steps + 1;
    }
}

/* Adds a phase that is the sum of the phases of some parts, round by round. */
static void add_sum(stopwatch *watch, const char *name, ap_bench_part from, ap_bench_part to)
{
    ap_bench *bench = watch->bench;
    int count = bench->count;
    ap_bench_phase *sum = phase_of(bench, name, AP_BENCH_WHOLE);
    for (int i = 0; i < count; i++) {
        const ap_bench_phase *phase = &bench->phases[i];
        if (phase->part < from || phase->part > to) continue;
        sum->flops += phase->flops;
        for (int round = 0; round <= bench->steps; round++)
            *seconds_of(watch, sum, round) += *seconds_of(watch, phase, round);
    }
}

/* ---------------------------------------------------------------- what is measured */

typedef struct subject {
    const ap_config *config;
    ap_model *model;
    ap_tape *tape;
    ap_adamw optimiser;
    ap_dataset dataset;
    ap_choice *choices;
    ap_batch batch;
    ap_tape_rows rows;   /* of several ranks each has as many */
    ap_reducer *reducer; /* NULL: there is but one rank */
    double *sums[3];     /* of each step: under way, waited, alone */
} subject;

/* one batch of pairs of the synthesiser, in memory */
static ap_dataset synthesise(int64_t count, int64_t S)
{
    ap_dataset dataset = {.S = S};
    for (int64_t k = 0; k < count; k++) {
        ap_real *drums = ap_allocate((size_t)S, sizeof *drums),
                *piano = ap_allocate((size_t)S, sizeof *piano);
        ap_synth_drums((uint64_t)k, AP_SAMPLE_RATE, S, drums);
        ap_synth_piano((uint64_t)k, AP_SAMPLE_RATE, S, piano);
        ap_dataset_add(&dataset, NULL, S, drums, piano);
    }
    return dataset;
}

static ap_status set_up(const ap_config *config, subject *s)
{
    *s = (subject){.config = config};
    AP_TRY(ap_model_create(config, (uint64_t)config->train.seed, &s->model));
    int64_t B = config->train.batch_size;
    s->tape = ap_tape_create((uint64_t)config->train.seed);
    s->optimiser = ap_step_optimiser(config, s->model);
    s->dataset = synthesise(B, llround(config->data.seconds * AP_SAMPLE_RATE));
    s->choices = ap_allocate((size_t)B, sizeof *s->choices);
    for (int64_t k = 0; k < B; k++) s->choices[k] = ap_order_plain(config, &s->dataset, k);
    if (ap_step_keeps_latents(config)) {
        ap_tape_gradients_set(s->tape, false);
        (void)ap_dataset_encode(&s->dataset, ap_model_codec(s->model), s->tape, NULL);
    } else if (config->codec.type == AP_CODEC_MDCT)
        ap_dataset_encode_later(&s->dataset, ap_model_codec(s->model), s->tape);
    s->batch = ap_batch_init(&s->dataset, B);
    return ap_ok();
}

static void tear_down(subject *s)
{
    ap_reducer_free(s->reducer);
    for (int k = 0; k < 3; k++) free(s->sums[k]);
    ap_batch_free(&s->batch);
    free(s->choices);
    ap_dataset_free(&s->dataset);
    ap_adamw_free(&s->optimiser);
    ap_tape_free(s->tape);
    ap_model_free(s->model);
}

/* ---------------------------------------------------------------- a step */

/* AdamW reads the gradient, the value and both means, and writes the last three. The norm reads the gradient
 * before; afterwards it is zeroed. */
#define UPDATE_PASSES 9

/* Keeps the times of a round's sums. */
static void note_sums(subject *s, int round)
{
    ap_reduction last = ap_reducer_last(s->reducer);
    if (!s->reducer || round == 0) return;
    s->sums[0][round - 1] = last.under_way;
    s->sums[1][round - 1] = last.waited;
}

/* The same sums while nothing else goes on: of gradients that are zero, which takes as long. */
static void measure_sums(subject *s, ap_bench *bench)
{
    bench->sums.ranks = ap_ranks_count();
    for (int k = 0; s->reducer && k < bench->steps; k++) {
        ap_ranks_any(false); /* all begin together */
        double began = ap_clock_seconds();
        ap_reducer_begin(s->reducer, s->tape);
        ap_reducer_end(s->reducer);
        s->sums[2][k] = ap_clock_seconds() - began;
    }
    if (!s->reducer) return;
    bench->sums.bytes = ap_reducer_last(s->reducer).bytes;
    bench->sums.under_way = median(bench->steps, s->sums[0]);
    bench->sums.waited = median(bench->steps, s->sums[1]);
    bench->sums.alone = median(bench->steps, s->sums[2]);
}

static void take_step(stopwatch *watch, subject *s)
{
    enter(watch, "batch", AP_BENCH_FORWARD);
    (void)ap_batch_fill(&s->batch, &s->dataset, s->config->train.batch_size, s->choices);
    ap_together_enter(s->tape, &s->rows);
    ap_reducer_begin(s->reducer, s->tape);
    ap_step_gradient(s->tape, s->config, s->model, &s->batch, 1);
    enter(watch, "sums", AP_BENCH_UPDATE);
    ap_reducer_end(s->reducer);
    note_sums(s, watch->round);
    enter(watch, "optimiser", AP_BENCH_UPDATE);
    ap_step_update(s->config, s->model, &s->optimiser, s->config->train.lr);
    leave(watch);
}

static bool among(const ap_var *const *list, size_t count, const ap_var *x)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == x) return true;
    return false;
}

/* The bytes of everything that a section of the tape reads: its leaves, and the results of other sections.
 */
static double bytes_read(const ap_tape *tape, const char *section)
{
    size_t count = ap_tape_count(tape), known = 0;
    const ap_var **read = ap_allocate(count, sizeof *read);
    double bytes = 0;
    for (size_t i = 0; i < count; i++) {
        const ap_var *y = ap_tape_at(tape, i);
        if (y->section != section) continue;
        for (int k = 0; k < y->input_count; k++) {
            const ap_var *x = y->inputs[k];
            if (!x || (x->section == section && !x->leaf) || among(read, known, x)) continue;
            read[known++] = x;
            bytes += (double)ap_var_count(x) * (double)sizeof(ap_real);
        }
    }
    free(read);
    return bytes;
}

static void count_bytes(ap_bench *bench, const subject *s)
{
    for (int i = 0; i < bench->count; i++) {
        ap_bench_phase *phase = &bench->phases[i];
        if (phase->part == AP_BENCH_FORWARD) phase->bytes = bytes_read(s->tape, phase->name);
        if (phase->part == AP_BENCH_UPDATE)
            phase->bytes = UPDATE_PASSES * (double)bench->parameters * (double)sizeof(ap_real);
    }
}

static size_t peak_memory(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_maxrss * 1024;
}

/* Whether to run another round. The first is always run, because others depend on it. */
static bool goes_on(const stopwatch *watch)
{
    return watch->round == 0 || (watch->round <= watch->bench->steps && !ap_stop_asked());
}

static void measure_steps(stopwatch *watch, subject *s, ap_machine *machine)
{
    ap_bench *bench = watch->bench;
    ap_tape_watch_set(s->tape, on_section, watch);
    watch->round = 0;
    take_step(watch, s);
    /* before the machine is measured, which needs memory of its own */
    bench->peak_memory = peak_memory();
    size_t growths = ap_arena_growths(ap_tape_arena(s->tape));
    *machine = ap_machine_init();
    for (watch->round = 1; goes_on(watch); watch->round++) {
        ap_machine_measure(machine);
        take_step(watch, s);
    }
    ap_machine_measure(machine);
    ap_tape_watch_set(s->tape, NULL, NULL);
    bench->arena_held = ap_arena_held(ap_tape_arena(s->tape));
    bench->arena_growths = ap_arena_growths(ap_tape_arena(s->tape)) - growths;
    count_bytes(bench, s);
    add_sum(watch, "forward", AP_BENCH_FORWARD, AP_BENCH_FORWARD);
    add_sum(watch, "backward", AP_BENCH_BACKWARD, AP_BENCH_BACKWARD);
    add_sum(watch, "step", AP_BENCH_FORWARD, AP_BENCH_UPDATE);
}

/* ---------------------------------------------------------------- alone */

/* The modulation cost reads three signals and writes a gradient. */
#define MODULATION_PASSES 4

static ap_tensor copy(ap_tensor x)
{
    size_t bytes = (size_t)ap_shape_count(x.shape) * sizeof *x.data;
    ap_tensor y = {x.shape, ap_allocate(1, bytes)};
    memcpy(y.data, x.data, bytes);
    return y;
}

static void begin_inference(const subject *s, const char *section)
{
    ap_tape_reset(s->tape);
    ap_tape_training_set(s->tape, false);
    ap_tape_gradients_set(s->tape, false);
    ap_tape_section(s->tape, section);
}

/* Encodes or decodes in every round and returns a copy of the result, to be freed. */
static ap_tensor measure_codec(stopwatch *watch, const subject *s, bool encode, ap_tensor x)
{
    const char *name = encode ? "encode" : "decode";
    ap_codec *codec = ap_model_codec(s->model);
    ap_tensor out = {.data = NULL};
    for (watch->round = 0; goes_on(watch); watch->round++) {
        begin_inference(s, name);
        ap_var *in = ap_tape_constant(s->tape, x);
        enter(watch, name, AP_BENCH_ALONE);
        out =
            (encode ? ap_codec_encode(s->tape, codec, in) : ap_codec_decode(s->tape, codec, in, s->dataset.S))
                ->value;
        leave(watch);
    }
    phase_of(watch->bench, name, AP_BENCH_ALONE)->bytes = bytes_read(s->tape, name);
    return copy(out);
}

static void measure_modulation(stopwatch *watch, const subject *s, ap_real *output)
{
    const ap_bench *bench = watch->bench;
    const char *name = "modulation_cost";
    int64_t count = bench->B * bench->S;
    ap_real *doutput = ap_allocate((size_t)count, sizeof *doutput);
    for (watch->round = 0; goes_on(watch); watch->round++) {
        enter(watch, name, AP_BENCH_ALONE);
        ap_modulation_cost_arrays(bench->B, bench->S, s->config->loss.corr_segments,
                                  s->config->loss.corr_barrier, s->batch.input.data, s->batch.target.data,
                                  output, NULL, NULL, doutput);
        leave(watch);
    }
    phase_of(watch->bench, name, AP_BENCH_ALONE)->bytes =
        MODULATION_PASSES * (double)count * (double)sizeof(ap_real);
    free(doutput);
}

static void measure_alone(stopwatch *watch, const subject *s)
{
    ap_tensor z = measure_codec(watch, s, true, s->batch.target), audio = measure_codec(watch, s, false, z);
    measure_modulation(watch, s, audio.data);
    free(z.data);
    free(audio.data);
}

ap_status ap_bench_run(const ap_config *config, int steps, ap_bench *bench)
{
    subject s;
    ap_machine machine;
    AP_TRY(ap_config_check(config));
    if (config->train.threads) omp_set_num_threads(config->train.threads);
    AP_TRY(set_up(config, &s));
    ap_precision_begin(config, NULL);
    *bench = (ap_bench){.B = config->train.batch_size,
                        .S = s.dataset.S,
                        .parameters = ap_params_trained_count(ap_model_params(s.model)),
                        .threads = omp_get_max_threads(),
                        .steps = steps,
                        .fast = ap_kernel_is_fast()};
    stopwatch watch = {.bench = bench,
                       .seconds =
                           ap_allocate((size_t)AP_BENCH_PHASES * (size_t)(steps + 1), sizeof *watch.seconds)};
    bool flushed = ap_denormals_flush(); /* as training does */
    s.rows = ap_together_rows(config->train.batch_size * ap_ranks_count());
    s.reducer = ap_reducer_create(ap_model_params(s.model), config->train.wire);
    for (int k = 0; k < 3; k++) s.sums[k] = ap_allocate((size_t)steps, sizeof *s.sums[k]);
    measure_steps(&watch, &s, &machine);
    measure_sums(&s, bench);
    measure_alone(&watch, &s);
    ap_denormals_restore(flushed);
    ap_precision_end();
    ap_machine_measure(&machine);
    conclude(&watch);
    bench->peak_rate = machine.peak_rate;
    bench->gemm_rate = machine.gemm_rate;
    bench->read_rate = machine.read_rate;
    ap_machine_free(&machine);
    free(watch.seconds);
    tear_down(&s);
    return ap_stop_check();
}
