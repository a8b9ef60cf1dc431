#include "antiphon/compose.h"

#include "antiphon/audio.h"
#include "antiphon/modulation.h"
#include "antiphon/stop.h"
#include "assembly/arrangement.h"
#include "audio/mid.h"
#include "audio/reader.h"
#include "audio/recordings.h"
#include "base/bounds.h"
#include "base/memory.h"
#include "base/scratch.h"
#include "compose/limiter.h"
#include "compose/window.h"
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

/* A composition in progress. Windows are counted in samples of the output's rate; the mids, which the agent
 * hears at a rate of its own, follow them. A spool file holds the channels of the sources and of the raw
 * output side by side until length and level are known, so that memory is bounded by one window. */
typedef struct job {
    const ap_config *config;
    ap_model *model;
    ap_tape *tape;
    ap_compose_format format;
    ap_audio_reader *readers[2];
    ap_audio_reader *mid_readers[2]; /* NULL where the one channel is the mid */
    ap_window window;
    ap_real *faded[AP_CHANNELS_MOST]; /* [overlap] the end of the last window's output */
    int64_t W, overlap;               /* samples of a window, and of what it shares with the next */
    int64_t mid_W, mid_have;          /* the same of the mids; samples they hold */
    int64_t begin;                    /* of the window */
    double from;                      /* seconds of the sources that are left out at their beginning */
    int64_t most;                     /* samples that are composed, if the sources have as many */
    FILE *spool;                      /* frames of (input, target, output), each with its channels */
    ap_real *frames;                  /* [BLOCK] of these */
    int64_t count;                    /* frames spooled */
    double power[AP_SIGNALS], peak[AP_SIGNALS]; /* sums of squares, means over the channels */
    bool limit;
    ap_real *peaks; /* with `limit`: the peaks of the output's blocks (limiter.h), then their gains */
    int64_t room;   /* capacity of `peaks` */
} job;

static int frame_width(const job *j)
{
    return AP_SIGNALS * j->format.channels;
}

/* Where channel c of a signal stands in a frame. */
static int place_of(const job *j, int signal, int c)
{
    return signal * j->format.channels + c;
}

/* ---------------------------------------------------------------- first pass: windows into the spool */

static void note_peaks(job *j, const ap_real *output, int64_t from, int64_t count)
{
    const int64_t length = ap_limiter_block(j->format.sample_rate);
    int64_t blocks = ap_divide_up(from + count, length);
    if (blocks > j->room) {
        int64_t had = j->room;
        j->room = 2 * blocks;
        j->peaks = ap_reallocate(j->peaks, (size_t)j->room, sizeof *j->peaks);
        memset(j->peaks + had, 0, (size_t)(j->room - had) * sizeof *j->peaks);
    }
    for (int64_t i = 0; i < count; i++) {
        ap_real *peak = j->peaks + (from + i) / length, size = (ap_real)fabs((double)output[i]);
        if (size > *peak) *peak = size;
    }
}

/* Puts n samples of a channel into the frames, and measures them. */
static void put_channel(job *j, int signal, int c, int64_t n, const ap_real *x)
{
    const int width = frame_width(j), place = place_of(j, signal, c);
    double power = 0, peak = j->peak[signal];
    for (int64_t i = 0; i < n; i++) {
        j->frames[i * width + place] = x[i];
        power += (double)x[i] * (double)x[i];
        const double size = fabs((double)x[i]);
        peak = size > peak ? size : peak;
    }
    j->power[signal] += power / j->format.channels;
    j->peak[signal] = peak;
}

static ap_status spool_window(job *j, int64_t count)
{
    const size_t width = (size_t)frame_width(j);
    for (int64_t at = 0; at < count; at += BLOCK) {
        int64_t n = count - at < BLOCK ? count - at : BLOCK;
        for (int k = 0; k < AP_SIGNALS; k++)
            for (int c = 0; c < j->format.channels; c++)
                put_channel(j, k, c, n, j->window.channel[k][c] + at);
        for (int c = 0; c < j->format.channels && j->limit; c++)
            note_peaks(j, j->window.channel[AP_OUTPUT][c] + at, j->count + at, n);
        if (fwrite(j->frames, width * sizeof *j->frames, (size_t)n, j->spool) != (size_t)n)
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
    for (int c = 0; c < j->format.channels; c++) {
        ap_real *y = j->window.channel[AP_OUTPUT][c];
        for (int64_t i = 0; i < j->overlap; i++) {
            ap_real in = ((ap_real)i + (ap_real)0.5) / (ap_real)j->overlap;
            y[i] = in * y[i] + (1 - in) * j->faded[c][i];
        }
    }
}

/* The sample of the mids at sample `at` of the output's rate. */
static int64_t mid_at(const job *j, int64_t at)
{
    return ap_audio_converted(at, j->format.sample_rate, AP_SAMPLE_RATE);
}

/* Reads more of a source's channels behind the `have` samples that are there; *got is what there is then. */
static ap_status read_channels(job *j, int source, int64_t have, int64_t *got)
{
    const int64_t want = ap_most(0, ap_least(j->W, j->most - j->begin) - have);
    ap_real *to[AP_CHANNELS_MOST];
    for (int c = 0; c < j->format.channels; c++) to[c] = j->window.channel[source][c] + have;
    ap_status status = ap_audio_reader_read_channels(j->readers[source], want, to, got);
    *got += have;
    return status;
}

/* Fills both sources' channels from sample `have` on. They are resampled side by side. */
static ap_status fill_channels(job *j, int64_t have)
{
    ap_status status[2];
    int64_t got[2];
#pragma omp parallel for schedule(static, 1)
    for (int k = 0; k < 2; k++) status[k] = read_channels(j, k, have, &got[k]);
    for (int k = 0; k < 2; k++) AP_TRY(status[k]);
    j->window.count = ap_least(got[0], got[1]);
    return ap_ok();
}

/* Fills both mids as far as the channels go. */
static ap_status fill_mids(job *j)
{
    ap_window *w = &j->window;
    const int64_t begin = mid_at(j, j->begin);
    w->mid_begin = llround(j->from * AP_SAMPLE_RATE) + begin;
    w->mid_count = w->count;
    if (!j->mid_readers[0]) return ap_ok();
    int64_t whole = w->count == j->W ? j->mid_W : mid_at(j, j->begin + w->count) - begin;
    int64_t want = ap_least(whole, j->mid_W), missing = ap_most(0, want - j->mid_have), more[2];
    ap_status status[2];
#pragma omp parallel for schedule(static, 1)
    for (int k = 0; k < 2; k++)
        status[k] = ap_audio_reader_read(j->mid_readers[k], missing, w->mid[k] + j->mid_have, &more[k]);
    for (int k = 0; k < 2; k++) AP_TRY(status[k]);
    w->mid_count = want - missing + ap_least(more[0], more[1]);
    j->mid_have = ap_most(j->mid_have, want);
    return ap_ok();
}

/* Moves on to the next window, which begins with the overlap. */
static void advance(job *j)
{
    const int64_t step = j->W - j->overlap, mid_step = mid_at(j, j->begin + step) - mid_at(j, j->begin);
    for (int c = 0; c < j->format.channels; c++) {
        memcpy(j->faded[c], j->window.channel[AP_OUTPUT][c] + step, (size_t)j->overlap * sizeof(ap_real));
        for (int k = 0; k < 2; k++)
            memmove(j->window.channel[k][c], j->window.channel[k][c] + step,
                    (size_t)j->overlap * sizeof(ap_real));
    }
    j->begin += step;
    if (!j->mid_readers[0]) return;
    j->mid_have -= mid_step;
    for (int k = 0; k < 2; k++)
        memmove(j->window.mid[k], j->window.mid[k] + mid_step, (size_t)j->mid_have * sizeof(ap_real));
}

static ap_status run_windows(job *j, ap_compose_watch *watch, void *context, double whole)
{
    ap_window *w = &j->window;
    for (int64_t have = 0;; have = j->overlap) {
        AP_TRY(ap_stop_check());
        AP_TRY(fill_channels(j, have));
        if (have && w->count <= have) { /* the sources ended with the last window: only its end is left */
            for (int c = 0; c < j->format.channels; c++)
                memcpy(w->channel[AP_OUTPUT][c], j->faded[c], (size_t)have * sizeof(ap_real));
            return spool_window(j, have);
        }
        AP_TRY(fill_mids(j));
        ap_window_compose(j->config, j->model, j->tape, w);
        if (have) cross_fade(j);
        bool last = w->count < j->W;
        AP_TRY(spool_window(j, last ? w->count : j->W - j->overlap));
        if (watch) watch(context, (double)j->count / j->format.sample_rate, whole);
        if (last) return ap_ok();
        advance(j);
    }
}

/* ---------------------------------------------------------------- second pass: level, measures, files */

/* The envelopes of the mids. */
typedef struct envelopes {
    int64_t segment; /* samples each */
    ap_real e[AP_SIGNALS][AP_MODULATION_SEGMENTS];
    ap_mid *mids[AP_SIGNALS];
} envelopes;

/* Follows a signal's mid in n frames from `at` on. */
static void follow(const job *j, envelopes *to, int signal, int64_t at, int64_t n)
{
    const int width = frame_width(j), channels = j->format.channels, place = place_of(j, signal, 0);
    float sides[BLOCK * AP_CHANNELS_MOST], mid[BLOCK];
    for (int64_t i = 0; i < n; i++)
        for (int c = 0; c < channels; c++) sides[i * channels + c] = (float)j->frames[i * width + place + c];
    ap_mid_block(to->mids[signal], n, sides, mid);
    for (int64_t i = 0; i < n; i++) {
        int64_t m = (at + i) / to->segment;
        if (m >= AP_MODULATION_SEGMENTS) return;
        const ap_real size = (ap_real)fabsf(mid[i]);
        if (size > to->e[signal][m]) to->e[signal][m] = size;
    }
}

static double rms(const job *j, int signal)
{
    return sqrt(j->power[signal] / (double)j->count);
}

/* The level that the output should have: what is made of the target alone has the target's, what is made of
 * both has the mean power of the two. */
static double wanted_level(const job *j)
{
    if (ap_model_arranges(j->model)) return rms(j, AP_TARGET);
    return sqrt((pow(rms(j, AP_INPUT), 2) + pow(rms(j, AP_TARGET), 2)) / 2);
}

static double wanted_gain(const job *j)
{
    return j->power[AP_OUTPUT] > 0 ? wanted_level(j) / rms(j, AP_OUTPUT) : 1;
}

/* What the limiter leaves: with takes, peaks stand out no more than those of the sources do. */
static double ceiling_of(const job *j)
{
    double crest = 0;
    if (!ap_model_arranges(j->model)) return PEAK_MOST;
    for (int k = 0; k < AP_OUTPUT; k++)
        if (j->power[k] > 0) crest = fmax(crest, j->peak[k] / rms(j, k));
    return fmin(PEAK_MOST, crest * wanted_level(j));
}

/* the same, reduced so that nothing clips, unless a limiter does that */
static double output_gain(const job *j)
{
    return j->limit ? wanted_gain(j) : fmin(wanted_gain(j), PEAK_MOST / j->peak[AP_OUTPUT]);
}

static ap_compose_format format_of_file(const ap_audio_reader *reader)
{
    return (ap_compose_format){ap_audio_reader_file_rate(reader), ap_audio_reader_file_channels(reader)};
}

/* The share of a source in which its channels cancel each other. */
static double cancelled(const job *j, int source)
{
    return ap_audio_reader_cancelled(j->mid_readers[source] ? j->mid_readers[source] : j->readers[source]);
}

static ap_composed measure(const job *j, const envelopes *v, const double gain[AP_SIGNALS])
{
    ap_composed c = {.seconds = (double)j->count / j->format.sample_rate};
    c.r_input = ap_pearson(AP_MODULATION_SEGMENTS, v->e[AP_INPUT], v->e[AP_OUTPUT]);
    c.r_target = ap_pearson(AP_MODULATION_SEGMENTS, v->e[AP_TARGET], v->e[AP_OUTPUT]);
    c.cost = ap_modulation_cost_of(c.r_input) + ap_modulation_cost_of(c.r_target);
    c.copy_r_input = ap_copy_r(AP_MODULATION_SEGMENTS, v->e[AP_INPUT]);
    c.copy_r_target = ap_copy_r(AP_MODULATION_SEGMENTS, v->e[AP_TARGET]);
    c.variation_input = ap_variation_of(AP_MODULATION_SEGMENTS, v->e[AP_INPUT]);
    c.variation_target = ap_variation_of(AP_MODULATION_SEGMENTS, v->e[AP_TARGET]);
    c.variation_output = ap_variation_of(AP_MODULATION_SEGMENTS, v->e[AP_OUTPUT]);
    c.cancelled_input = cancelled(j, AP_INPUT);
    c.cancelled_target = cancelled(j, AP_TARGET);
    c.rms_input = sqrt(j->power[AP_INPUT] / (double)j->count);
    c.rms_target = sqrt(j->power[AP_TARGET] / (double)j->count);
    c.gain_input = gain[AP_INPUT];
    c.gain_target = gain[AP_TARGET];
    c.written = j->format;
    c.input = format_of_file(j->readers[AP_INPUT]);
    c.target = format_of_file(j->readers[AP_TARGET]);
    c.rms_output = gain[AP_OUTPUT] * sqrt(j->power[AP_OUTPUT] / (double)j->count);
    double wanted = wanted_level(j);
    c.lowered = c.rms_output > 0 && wanted > 0 ? 20 * log10(wanted / c.rms_output) : 0;
    return c;
}

/* the gain of a source's copy: floating-point files may exceed full scale, 16 bits cannot */
static double copy_gain(const job *j, int source)
{
    return j->peak[source] > 1 ? PEAK_MOST / j->peak[source] : 1;
}

/* Applies the limiter's gains to the output in n frames from sample `at` on, and measures its power anew. */
static void limit_frames(job *j, int64_t at, int64_t n)
{
    const int64_t length = ap_limiter_block(j->format.sample_rate), blocks = ap_divide_up(j->count, length);
    for (int64_t i = 0; i < n; i++) {
        const ap_real gain = ap_limiter_gain(blocks, length, j->peaks, at + i);
        ap_real *y = j->frames + i * frame_width(j) + place_of(j, AP_OUTPUT, 0);
        for (int c = 0; c < j->format.channels; c++) {
            y[c] *= gain;
            j->power[AP_OUTPUT] += (double)y[c] * (double)y[c] / j->format.channels;
        }
    }
}

static ap_status write_signal(const job *j, int signal, int64_t n, double gain, ap_audio_writer *writer)
{
    const int width = frame_width(j);
    ap_real columns[AP_CHANNELS_MOST][BLOCK];
    const ap_real *at[AP_CHANNELS_MOST];
    for (int c = 0; c < j->format.channels; c++) {
        at[c] = columns[c];
        for (int64_t i = 0; i < n; i++)
            columns[c][i] = (ap_real)gain * j->frames[i * width + place_of(j, signal, c)];
    }
    return ap_audio_writer_write(writer, n, at);
}

/* reads the spool from its start; writers[k] may be NULL */
static ap_status write_out(job *j, const double gain[AP_SIGNALS], ap_audio_writer *writers[AP_SIGNALS],
                           envelopes *v)
{
    const size_t width = (size_t)frame_width(j);
    rewind(j->spool);
    if (j->limit) {
        const int64_t blocks = ap_divide_up(j->count, ap_limiter_block(j->format.sample_rate));
        ap_limiter_gains(blocks, gain[AP_OUTPUT], ceiling_of(j), j->peaks);
        j->power[AP_OUTPUT] = 0;
    }
    for (int64_t at = 0; at < j->count; at += BLOCK) {
        int64_t n = j->count - at < BLOCK ? j->count - at : BLOCK;
        AP_TRY(ap_stop_check());
        if (fread(j->frames, width * sizeof *j->frames, (size_t)n, j->spool) != (size_t)n)
            return ap_error(AP_FAILED, "temporary file: cannot read back");
        if (j->limit) limit_frames(j, at, n);
        for (int k = 0; k < AP_SIGNALS; k++) {
            follow(j, v, k, at, n);
            if (writers[k]) AP_TRY(write_signal(j, k, n, gain[k], writers[k]));
        }
    }
    return ap_ok();
}

static ap_status finish(job *j, const ap_compose_paths *paths, ap_composed *composed)
{
    const char *names[AP_SIGNALS] = {paths->input_copy, paths->target_copy, paths->output};
    ap_audio_writer *writers[AP_SIGNALS] = {NULL};
    envelopes v = {.segment = j->count / AP_MODULATION_SEGMENTS};
    const double gain[AP_SIGNALS] = {copy_gain(j, AP_INPUT), copy_gain(j, AP_TARGET), output_gain(j)};
    ap_status status = ap_ok();
    for (int k = 0; k < AP_SIGNALS; k++) v.mids[k] = ap_mid_create(j->format.channels);
    for (int k = 0; k < AP_SIGNALS && !ap_failed(&status); k++)
        if (names[k])
            status = ap_audio_writer_open(names[k], j->format.sample_rate, j->format.channels, &writers[k]);
    if (!ap_failed(&status)) status = write_out(j, gain, writers, &v);
    for (int k = 0; k < AP_SIGNALS; k++) {
        if (ap_failed(&status))
            ap_audio_writer_abandon(writers[k]);
        else if (writers[k])
            status = ap_audio_writer_commit(writers[k]);
        ap_mid_free(v.mids[k]);
    }
    if (composed) *composed = measure(j, &v, gain);
    return status;
}

/* ---------------------------------------------------------------- the whole */

/* Whether the section lies within a recording that lasts so long. What lasts 7.996 s is said to last 8.00. */
static ap_status check_section(const ap_compose_paths *section, const char *path, double seconds)
{
    const double end = seconds + 0.005;
    if (section->from >= end || section->to > end)
        return ap_error(AP_FAILED, "%s: lasts %.2f s, and the section %s at %.2f s", path, seconds,
                        section->from >= end ? "begins" : "ends",
                        section->from >= end ? section->from : section->to);
    const double part = fmax(fmin(seconds, section->to > 0 ? section->to : INFINITY) - section->from, 0);
    if (part >= AP_COMPOSE_SECONDS_LEAST) return ap_ok();
    return ap_error(AP_FAILED, "%s: %.5f s long, too short: at least %g s are needed", path, part,
                    AP_COMPOSE_SECONDS_LEAST); /* enough digits to show one sample */
}

static ap_status open_source(job *j, int k, const char *path)
{
    const ap_compose_format format = j->format;
    const bool apart = format.channels > 1 || format.sample_rate != AP_SAMPLE_RATE;
    AP_TRY(ap_audio_reader_open_channels(path, format.sample_rate, format.channels, &j->readers[k]));
    AP_TRY(ap_audio_reader_skip(j->readers[k], j->from));
    if (!apart) return ap_ok();
    AP_TRY(ap_audio_reader_open(path, AP_SAMPLE_RATE, &j->mid_readers[k]));
    return ap_audio_reader_skip(j->mid_readers[k], j->from);
}

/* *whole: the seconds that are composed */
static ap_status open_sources(job *j, const char *const paths[2], const ap_compose_paths *section,
                              double *whole)
{
    *whole = section->to > 0 ? section->to - section->from : INFINITY;
    for (int k = 0; k < 2; k++) {
        int64_t length;
        AP_TRY(ap_audio_measure(paths[k], j->format.sample_rate, INT64_MAX, &length));
        double seconds = (double)length / j->format.sample_rate;
        AP_TRY(check_section(section, paths[k], seconds));
        AP_TRY(open_source(j, k, paths[k]));
        *whole = fmin(*whole, seconds - section->from);
    }
    return ap_ok();
}

static ap_status compose(job *j, const char *const sources[2], const ap_compose_paths *paths,
                         ap_compose_watch *watch, void *context, ap_composed *composed)
{
    double whole;
    AP_TRY(open_sources(j, sources, paths, &whole));
    AP_TRY(ap_scratch_open(&j->spool));
    AP_TRY(run_windows(j, watch, context, whole));
    if (j->count < AP_MODULATION_SEGMENTS)
        return ap_error(AP_FAILED, "%s: ends before it has begun", sources[0]);
    return finish(j, paths, composed);
}

static ap_real *samples(int64_t count)
{
    return ap_allocate((size_t)count, sizeof(ap_real));
}

/* The least number of samples that is a whole number of samples of the mids, too. */
static int64_t common_step(int rate)
{
    int64_t a = rate, b = AP_SAMPLE_RATE;
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return rate / a;
}

/* Windows overlap a little more than they must, so that each begins at a sample of the mids: otherwise the
 * halves of a cross-fade would be up to a sample apart. (Rates that share no such step keep that.) */
static int64_t overlap_of(int64_t W, int rate)
{
    int64_t step = W - (int64_t)fmin(OVERLAP_SECONDS * rate, (double)(W / 4)), common = common_step(rate);
    return W - (step >= common ? step / common * common : step);
}

static void allocate(job *j)
{
    const double seconds = j->config->data.seconds;
    j->W = llround(seconds * j->format.sample_rate);
    j->mid_W = llround(seconds * AP_SAMPLE_RATE);
    j->overlap = overlap_of(j->W, j->format.sample_rate);
    j->window.rate = j->format.sample_rate;
    j->window.channels = j->format.channels;
    for (int c = 0; c < j->format.channels; c++) {
        for (int k = 0; k < AP_SIGNALS; k++) j->window.channel[k][c] = samples(j->W);
        j->faded[c] = samples(j->overlap);
    }
    bool apart = j->format.channels > 1 || j->format.sample_rate != AP_SAMPLE_RATE;
    for (int k = 0; k < 2; k++) j->window.mid[k] = apart ? samples(j->mid_W) : j->window.channel[k][0];
    j->frames = samples((int64_t)BLOCK * frame_width(j));
}

static void release(job *j)
{
    for (int k = 0; k < 2; k++) {
        if (j->window.mid[k] != j->window.channel[k][0]) free(j->window.mid[k]);
        ap_audio_reader_close(j->readers[k]);
        ap_audio_reader_close(j->mid_readers[k]);
    }
    for (int c = 0; c < j->format.channels; c++) {
        for (int k = 0; k < AP_SIGNALS; k++) free(j->window.channel[k][c]);
        free(j->faded[c]);
    }
    if (j->spool) fclose(j->spool);
    free(j->frames);
    free(j->peaks);
    ap_tape_free(j->tape);
}

ap_status ap_compose_files(const ap_config *config, ap_model *model, const char *input, const char *target,
                           const ap_compose_paths *paths, ap_compose_watch *watch, void *context,
                           ap_composed *composed)
{
    job j = {.config = config,
             .model = model,
             .tape = ap_tape_create(0),
             .format = ap_compose_format_of(config),
             .window = {.knobs = paths->knobs},
             .from = paths->from,
             .most = INT64_MAX,
             .limit = paths->limit || ap_model_arranges(model)};
    if (paths->format.sample_rate) j.format.sample_rate = paths->format.sample_rate;
    if (paths->format.channels) j.format.channels = paths->format.channels;
    if (j.format.channels > AP_CHANNELS_MOST) ap_fatal("ap_compose_files: %d channels", j.format.channels);
    if (paths->to > 0) j.most = llround((paths->to - paths->from) * j.format.sample_rate);
    if (paths->from < 0 || (paths->to > 0 && paths->to <= paths->from))
        ap_fatal("ap_compose_files: a section from %g s to %g s", paths->from, paths->to);
    allocate(&j);
    const char *const sources[2] = {input, target};
    bool flushed = ap_denormals_flush();
    ap_status status = compose(&j, sources, paths, watch, context, composed);
    ap_denormals_restore(flushed);
    release(&j);
    return status;
}
