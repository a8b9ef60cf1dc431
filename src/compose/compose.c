#include "antiphon/compose.h"

#include "antiphon/audio.h"
#include "antiphon/modulation.h"
#include "antiphon/stop.h"
#include "audio/reader.h"
#include "audio/recordings.h"
#include "base/bounds.h"
#include "base/memory.h"
#include "base/scratch.h"
#include "compose/limiter.h"
#include "kernels/denormals.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Windows overlap by this, or by a quarter of their length if that is less. */
#define OVERLAP_SECONDS 1.0
/* The largest sample that is written: just below full scale, so that rounding cannot exceed it. */
#define PEAK_MOST 0.985
#define BLOCK 4096

/* A composition in progress. A spool file holds the sources and the raw output side by side until length and
 * level are known, so that memory is bounded by one window. */
enum { INPUT, TARGET, OUTPUT, SIGNALS };

typedef struct job {
    ap_model *model;
    ap_tape *tape;
    ap_audio_reader *readers[2];
    ap_real *windows[SIGNALS]; /* [W] each */
    ap_real *faded;            /* [overlap] the end of the last window's output */
    int64_t W, overlap;
    FILE *spool;   /* samples of (input, target, output) */
    int64_t count; /* samples spooled */
    double power[SIGNALS], peak[SIGNALS];
    bool limit;
    ap_real *peaks; /* with `limit`: the peaks of the output's blocks (limiter.h), then their gains */
    int64_t room;   /* capacity of `peaks` */
} job;

void ap_compose_window(ap_model *model, ap_tape *tape, int64_t S, ap_real *input, ap_real *target,
                       ap_real *output)
{
    ap_codec *codec = ap_model_codec(model);
    ap_tape_reset(tape);
    ap_tape_training_set(tape, false);
    ap_tape_gradients_set(tape, false);
    ap_shape shape = AP_SHAPE(1, 1, S);
    ap_var *heard[2] = {ap_tape_constant(tape, (ap_tensor){shape, input}),
                        ap_tape_constant(tape, (ap_tensor){shape, target})};
    ap_composition composed = ap_model_compose(tape, model, ap_codec_encode(tape, codec, heard[0]),
                                               ap_codec_encode(tape, codec, heard[1]));
    ap_var *y = ap_model_sound(tape, model, &composed, heard[0], heard[1], 0);
    memcpy(output, y->value.data, (size_t)S * sizeof *output);
}

/* ---------------------------------------------------------------- first pass: windows into the spool */

static void note_peaks(job *j, const ap_real *output, int64_t count)
{
    int64_t blocks = ap_divide_up(j->count + count, AP_LIMITER_BLOCK);
    if (blocks > j->room) {
        int64_t had = j->room;
        j->room = 2 * blocks;
        j->peaks = ap_reallocate(j->peaks, (size_t)j->room, sizeof *j->peaks);
        memset(j->peaks + had, 0, (size_t)(j->room - had) * sizeof *j->peaks);
    }
    for (int64_t i = 0; i < count; i++) {
        ap_real *peak = j->peaks + (j->count + i) / AP_LIMITER_BLOCK, size = (ap_real)fabs((double)output[i]);
        if (size > *peak) *peak = size;
    }
}

static ap_status spool_samples(job *j, int64_t from, int64_t count)
{
    ap_real row[BLOCK][SIGNALS];
    if (j->limit) note_peaks(j, j->windows[OUTPUT] + from, count);
    for (int64_t at = 0; at < count; at += BLOCK) {
        int64_t n = count - at < BLOCK ? count - at : BLOCK;
        for (int64_t i = 0; i < n; i++)
            for (int k = 0; k < SIGNALS; k++) {
                ap_real x = j->windows[k][from + at + i];
                row[i][k] = x;
                j->power[k] += (double)x * (double)x;
                j->peak[k] = fmax(j->peak[k], fabs((double)x));
            }
        if (fwrite(row, sizeof *row, (size_t)n, j->spool) != (size_t)n)
            return ap_error(
                AP_FAILED,
                "%s: a temporary file cannot be written: the disk may be full (TMPDIR selects another "
                "folder)",
                ap_scratch_folder());
    }
    j->count += count;
    return ap_ok();
}

/* Cross-fades the start of this window's output with the end of the last one's. Both render the same music,
 * so their gains, not their powers, add up to one. */
static void cross_fade(job *j)
{
    for (int64_t i = 0; i < j->overlap; i++) {
        ap_real in = ((ap_real)i + (ap_real)0.5) / (ap_real)j->overlap;
        j->windows[OUTPUT][i] = in * j->windows[OUTPUT][i] + (1 - in) * j->faded[i];
    }
}

/* fills both sources' windows from sample `have` on; *got is the samples both then hold */
static ap_status fill_windows(job *j, int64_t have, int64_t *got)
{
    *got = j->W;
    for (int k = 0; k < 2; k++) {
        int64_t more;
        AP_TRY(ap_audio_reader_read(j->readers[k], j->W - have, j->windows[k] + have, &more));
        if (have + more < *got) *got = have + more;
    }
    return ap_ok();
}

static ap_status run_windows(job *j, ap_compose_watch *watch, void *context, double whole)
{
    int64_t have = 0, got;
    for (;;) {
        AP_TRY(ap_stop_check());
        AP_TRY(fill_windows(j, have, &got));
        if (have &&
            got <= have) { /* the sources ended with the last window: only the held-back end is left */
            memcpy(j->windows[OUTPUT], j->faded, (size_t)have * sizeof *j->faded);
            return spool_samples(j, 0, have);
        }
        ap_compose_window(j->model, j->tape, got, j->windows[INPUT], j->windows[TARGET], j->windows[OUTPUT]);
        if (have) cross_fade(j);
        bool last = got < j->W;
        int64_t done = last ? got : j->W - j->overlap;
        AP_TRY(spool_samples(j, 0, done));
        if (watch) watch(context, (double)j->count / AP_SAMPLE_RATE, whole);
        if (last) return ap_ok();
        memcpy(j->faded, j->windows[OUTPUT] + done, (size_t)j->overlap * sizeof *j->faded);
        for (int k = 0; k < 2; k++)
            memmove(j->windows[k], j->windows[k] + done, (size_t)j->overlap * sizeof **j->windows);
        have = j->overlap;
    }
}

/* ---------------------------------------------------------------- second pass: level, measures, files */

typedef struct envelopes {
    int64_t segment; /* samples each */
    ap_real e[SIGNALS][AP_MODULATION_SEGMENTS];
} envelopes;

static void follow(envelopes *to, int64_t at, const ap_real row[SIGNALS])
{
    int64_t m = at / to->segment;
    if (m >= AP_MODULATION_SEGMENTS) return;
    for (int k = 0; k < SIGNALS; k++) {
        ap_real a = (ap_real)fabs((double)row[k]);
        if (a > to->e[k][m]) to->e[k][m] = a;
    }
}

/* the gain that brings the output to the mean power of the sources */
static double wanted_gain(const job *j)
{
    return j->power[OUTPUT] > 0 ? sqrt((j->power[INPUT] + j->power[TARGET]) / (2 * j->power[OUTPUT])) : 1;
}

/* the same, reduced so that nothing clips, unless a limiter does that */
static double output_gain(const job *j)
{
    return j->limit ? wanted_gain(j) : fmin(wanted_gain(j), PEAK_MOST / j->peak[OUTPUT]);
}

static ap_composed measure(const job *j, const envelopes *v, const double gain[SIGNALS])
{
    ap_composed c = {.seconds = (double)j->count / AP_SAMPLE_RATE};
    c.r_input = ap_pearson(AP_MODULATION_SEGMENTS, v->e[INPUT], v->e[OUTPUT]);
    c.r_target = ap_pearson(AP_MODULATION_SEGMENTS, v->e[TARGET], v->e[OUTPUT]);
    c.cost = ap_modulation_cost_of(c.r_input) + ap_modulation_cost_of(c.r_target);
    c.copy_r_input = ap_copy_r(AP_MODULATION_SEGMENTS, v->e[INPUT]);
    c.copy_r_target = ap_copy_r(AP_MODULATION_SEGMENTS, v->e[TARGET]);
    c.variation_input = ap_variation_of(AP_MODULATION_SEGMENTS, v->e[INPUT]);
    c.variation_target = ap_variation_of(AP_MODULATION_SEGMENTS, v->e[TARGET]);
    c.variation_output = ap_variation_of(AP_MODULATION_SEGMENTS, v->e[OUTPUT]);
    c.rms_input = sqrt(j->power[INPUT] / (double)j->count);
    c.rms_target = sqrt(j->power[TARGET] / (double)j->count);
    c.gain_input = gain[INPUT];
    c.gain_target = gain[TARGET];
    c.rms_output = gain[OUTPUT] * sqrt(j->power[OUTPUT] / (double)j->count);
    double wanted = sqrt((pow(c.rms_input, 2) + pow(c.rms_target, 2)) / 2);
    c.lowered = c.rms_output > 0 && wanted > 0 ? 20 * log10(wanted / c.rms_output) : 0;
    return c;
}

/* the gain of a source's copy: floating-point files may exceed full scale, 16 bits cannot */
static double copy_gain(const job *j, int source)
{
    return j->peak[source] > 1 ? PEAK_MOST / j->peak[source] : 1;
}

/* Applies the limiter's gains to the output in n rows from sample `at` on, and measures its power anew. */
static void limit_rows(job *j, int64_t at, int64_t n, ap_real row[][SIGNALS])
{
    int64_t blocks = ap_divide_up(j->count, AP_LIMITER_BLOCK);
    for (int64_t i = 0; i < n; i++) {
        row[i][OUTPUT] *= ap_limiter_gain(blocks, j->peaks, at + i);
        j->power[OUTPUT] += (double)row[i][OUTPUT] * (double)row[i][OUTPUT];
    }
}

/* reads the spool from its start; writers[k] may be NULL */
static ap_status write_out(job *j, const double gain[SIGNALS], ap_audio_writer *writers[SIGNALS],
                           envelopes *v)
{
    ap_real row[BLOCK][SIGNALS], column[BLOCK];
    rewind(j->spool);
    if (j->limit) {
        ap_limiter_gains(ap_divide_up(j->count, AP_LIMITER_BLOCK), gain[OUTPUT], PEAK_MOST, j->peaks);
        j->power[OUTPUT] = 0;
    }
    for (int64_t at = 0; at < j->count; at += BLOCK) {
        int64_t n = j->count - at < BLOCK ? j->count - at : BLOCK;
        AP_TRY(ap_stop_check());
        if (fread(row, sizeof *row, (size_t)n, j->spool) != (size_t)n)
            return ap_error(AP_FAILED, "temporary file: cannot read back");
        if (j->limit) limit_rows(j, at, n, row);
        for (int64_t i = 0; i < n; i++) follow(v, at + i, row[i]);
        for (int k = 0; k < SIGNALS; k++) {
            if (!writers[k]) continue;
            for (int64_t i = 0; i < n; i++) column[i] = (ap_real)gain[k] * row[i][k];
            AP_TRY(ap_audio_writer_write(writers[k], n, (const ap_real *[]){column}));
        }
    }
    return ap_ok();
}

static ap_status finish(job *j, const ap_compose_paths *paths, ap_composed *composed)
{
    const char *names[SIGNALS] = {paths->input_copy, paths->target_copy, paths->output};
    ap_audio_writer *writers[SIGNALS] = {NULL};
    envelopes v = {.segment = j->count / AP_MODULATION_SEGMENTS};
    const double gain[SIGNALS] = {copy_gain(j, INPUT), copy_gain(j, TARGET), output_gain(j)};
    ap_status status = ap_ok();
    for (int k = 0; k < SIGNALS && !ap_failed(&status); k++)
        if (names[k]) status = ap_audio_writer_open(names[k], AP_SAMPLE_RATE, 1, &writers[k]);
    if (!ap_failed(&status)) status = write_out(j, gain, writers, &v);
    for (int k = 0; k < SIGNALS; k++) {
        if (ap_failed(&status))
            ap_audio_writer_abandon(writers[k]);
        else if (writers[k])
            status = ap_audio_writer_commit(writers[k]);
    }
    if (composed) *composed = measure(j, &v, gain);
    return status;
}

/* ---------------------------------------------------------------- the whole */

static ap_status open_sources(job *j, const char *const paths[2], double *whole)
{
    *whole = INFINITY;
    for (int k = 0; k < 2; k++) {
        int64_t length;
        AP_TRY(ap_audio_measure(paths[k], AP_SAMPLE_RATE, INT64_MAX, &length));
        AP_TRY(ap_audio_reader_open(paths[k], AP_SAMPLE_RATE, &j->readers[k]));
        double seconds = (double)length / AP_SAMPLE_RATE;
        if (seconds < AP_COMPOSE_SECONDS_LEAST)
            return ap_error(AP_FAILED, "%s: %.5f s long, too short: at least %g s are needed", paths[k],
                            seconds, AP_COMPOSE_SECONDS_LEAST); /* enough digits to show one sample */
        *whole = fmin(*whole, seconds);
    }
    return ap_ok();
}

static ap_status compose(job *j, const char *const sources[2], const ap_compose_paths *paths,
                         ap_compose_watch *watch, void *context, ap_composed *composed)
{
    double whole;
    AP_TRY(open_sources(j, sources, &whole));
    AP_TRY(ap_scratch_open(&j->spool));
    AP_TRY(run_windows(j, watch, context, whole));
    if (j->count < AP_MODULATION_SEGMENTS)
        return ap_error(AP_FAILED, "%s: ends before it has begun", sources[0]);
    return finish(j, paths, composed);
}

ap_status ap_compose_files(const ap_config *config, ap_model *model, const char *input, const char *target,
                           const ap_compose_paths *paths, ap_compose_watch *watch, void *context,
                           ap_composed *composed)
{
    job j = {.model = model, .tape = ap_tape_create(0), .limit = paths->limit};
    j.W = llround(config->data.seconds * AP_SAMPLE_RATE);
    j.overlap = (int64_t)fmin(OVERLAP_SECONDS * AP_SAMPLE_RATE, (double)(j.W / 4));
    for (int k = 0; k < SIGNALS; k++) j.windows[k] = ap_allocate((size_t)j.W, sizeof **j.windows);
    j.faded = ap_allocate((size_t)j.overlap, sizeof *j.faded);
    const char *const sources[2] = {input, target};
    bool flushed = ap_denormals_flush();
    ap_status status = compose(&j, sources, paths, watch, context, composed);
    ap_denormals_restore(flushed);
    for (int k = 0; k < SIGNALS; k++) free(j.windows[k]);
    for (int k = 0; k < 2; k++) ap_audio_reader_close(j.readers[k]);
    if (j.spool) fclose(j.spool);
    free(j.faded);
    free(j.peaks);
    ap_tape_free(j.tape);
    return status;
}
