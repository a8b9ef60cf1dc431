#include "antiphon/prepare.h"

#include "antiphon/audio.h"
#include "antiphon/stop.h"
#include "audio/listing.h"
#include "audio/matching.h"
#include "audio/pair_set.h"
#include "audio/recordings.h"
#include "base/folder.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The source of a pair: two files, or the two halves of one. */
typedef struct source {
    char *input, *target; /* paths; the same for a song */
    int64_t windows;      /* windows in the input */
    int64_t ahead;        /* offset of the target in windows: half a song */
    bool remainder;       /* whether something shorter than a window is left over */
    uint64_t sound[2];    /* of input and target (ap_audio_survey) */
    bool validates;       /* whether all of it is for validation */
    size_t piece;         /* the place of the first source with the same music on either side */
} source;

typedef struct sources {
    source *at;
    size_t count;
} sources;

static void source_free(source *s)
{
    free(s->input);
    free(s->target);
}

static void sources_free(sources *s)
{
    for (size_t k = 0; k < s->count; k++) source_free(&s->at[k]);
    free(s->at);
}

static void add_source(sources *s, const char *inputs, const char *input, const char *targets,
                       const char *target)
{
    s->at = ap_reallocate(s->at, s->count + 1, sizeof *s->at);
    s->at[s->count++] = (source){.input = ap_format_text("%s/%s", inputs, input),
                                 .target = ap_format_text("%s/%s", targets, target)};
}

static int rate_of(const ap_prepare_options *o)
{
    return o->sample_rate ? o->sample_rate : AP_SAMPLE_RATE;
}

static int channels_of(const ap_prepare_options *o)
{
    return o->channels ? o->channels : 1;
}

/* ---------------------------------------------------------------- which files */

/* Counts and reports something that is left out. */
static void leave_out(const ap_prepare_options *o, int64_t *count, const char *path, const char *reason)
{
    ++*count;
    if (!o->left_out) return;
    char *line = ap_format_text("%s: %s", path, reason);
    o->left_out(line);
    free(line);
}

static void leave_alone(const ap_prepare_options *o, ap_prepare_report *report, const char *folder,
                        const char *name)
{
    char *path = ap_format_text("%s/%s", folder, name);
    leave_out(o, &report->alone, path, "without a partner");
    free(path);
}

static void add_matched(const ap_prepare_options *o, const ap_names *inputs, const ap_names *targets,
                        const int64_t *partner, sources *found, ap_prepare_report *report)
{
    bool *taken = ap_allocate(targets->count, sizeof *taken);
    for (size_t k = 0; k < inputs->count; k++) {
        if (partner[k] < 0) {
            leave_alone(o, report, o->inputs, inputs->at[k]);
            continue;
        }
        taken[partner[k]] = true;
        add_source(found, o->inputs, inputs->at[k], o->targets, targets->at[partner[k]]);
        if (found->count > 1) continue;
        snprintf(report->example[0], sizeof report->example[0], "%s", inputs->at[k]);
        snprintf(report->example[1], sizeof report->example[1], "%s", targets->at[partner[k]]);
    }
    for (size_t k = 0; k < targets->count; k++)
        if (!taken[k]) leave_alone(o, report, o->targets, targets->at[k]);
    free(taken);
}

static ap_status match(const ap_prepare_options *o, const ap_names *inputs, const ap_names *targets,
                       sources *found, ap_prepare_report *report)
{
    int64_t *partner = ap_allocate(inputs->count, sizeof *partner);
    ap_status status = ap_match_recordings(o, inputs, targets, partner, &report->matched);
    if (!ap_failed(&status)) add_matched(o, inputs, targets, partner, found, report);
    free(partner);
    return status;
}

static ap_status find_sources(const ap_prepare_options *o, sources *found, ap_prepare_report *report)
{
    ap_names inputs = {NULL, 0}, targets = {NULL, 0};
    ap_status status = ap_recordings_list(o->songs ? o->songs : o->inputs, o->targets, o->left_out, &inputs);
    if (!o->songs && !ap_failed(&status))
        status = ap_recordings_list(o->targets, o->inputs, o->left_out, &targets);
    if (!o->songs && !ap_failed(&status)) status = match(o, &inputs, &targets, found, report);
    for (size_t k = 0; o->songs && k < inputs.count; k++)
        add_source(found, o->songs, inputs.at[k], o->songs, inputs.at[k]);
    ap_names_free(&inputs);
    ap_names_free(&targets);
    return status;
}

/* ---------------------------------------------------------------- how they are cut */

/* Reads a recording once; *good: whether pairs can be cut from it. */
static ap_status examine(const ap_prepare_options *o, const char *path, ap_audio_survey *s,
                         ap_prepare_report *report, bool *good)
{
    *good = false;
    ap_status status = ap_audio_survey_file(path, rate_of(o), s);
    if (status.code == AP_INTERRUPTED || s->faulty) return status;
    if (ap_failed(&status)) { /* the message names the file */
        size_t head = strlen(path);
        bool named = strncmp(status.message, path, head) == 0 && strncmp(status.message + head, ": ", 2) == 0;
        leave_out(o, &report->unusable, path, named ? status.message + head + 2 : status.message);
        return ap_ok();
    }
    *good = s->loudest >= AP_PREPARE_SILENCE;
    if (!*good) leave_out(o, &report->unusable, path, "silent throughout (below -60 dBFS)");
    return ap_ok();
}

/* Both sides of a source; whether pairs can be cut from it. */
static ap_status examine_both(const ap_prepare_options *o, const source *s, ap_audio_survey side[2],
                              ap_prepare_report *report, bool *good)
{
    AP_TRY(examine(o, s->input, &side[0], report, good));
    side[1] = side[0];
    if (o->songs || !*good) return ap_ok();
    AP_TRY(examine(o, s->target, &side[1], report, good));
    if (!*good || side[0].sound != side[1].sound) return ap_ok();
    *good = false;
    leave_out(o, &report->unusable, s->input, "the same sound as its target");
    return ap_ok();
}

/* Plans how a source is cut; false if it is left out. */
static ap_status plan_source(const ap_prepare_options *o, source *s, int64_t window,
                             ap_prepare_report *report, bool *good)
{
    ap_audio_survey side[2];
    AP_TRY(examine_both(o, s, side, report, good));
    if (!*good) return ap_ok();
    const ap_audio_survey input = side[0], target = side[1];
    s->windows = (input.count < target.count ? input.count : target.count) / window;
    if (o->songs) s->windows = s->ahead = s->windows / 2;
    int64_t used = (s->windows + s->ahead) * window;
    s->remainder = input.count != used || target.count != used;
    s->sound[0] = input.sound;
    s->sound[1] = target.sound;
    *good = s->windows > 0;
    if (*good) return ap_ok();
    char *reason =
        ap_format_text("too short for %s of %g s", o->songs ? "two windows" : "a window", o->seconds);
    leave_out(o, &report->brief, input.count <= target.count ? s->input : s->target, reason);
    free(reason);
    return ap_ok();
}

/* The same music twice could end up in both training and validation. */
static bool is_repeated(const ap_prepare_options *o, const sources *all, size_t kept, const source *s,
                        ap_prepare_report *report)
{
    for (size_t k = 0; k < kept; k++) {
        if (memcmp(all->at[k].sound, s->sound, sizeof s->sound) != 0) continue;
        char *reason =
            ap_format_text("%s %s", o->songs ? "the same sound as" : "the same sound, as is its target's, as",
                           all->at[k].input);
        leave_out(o, &report->repeated, s->input, reason);
        free(reason);
        return true;
    }
    return false;
}

/* Reads every file once, so that broken ones are found before anything is written. Keeps the sources that
 * give a window. */
static ap_status plan(const ap_prepare_options *o, sources *all, int64_t window, ap_prepare_report *report)
{
    size_t kept = 0;
    for (size_t k = 0; k < all->count; k++) {
        bool good;
        AP_TRY(plan_source(o, &all->at[k], window, report, &good));
        good = good && !is_repeated(o, all, kept, &all->at[k], report);
        AP_TRY(ap_stop_check());
        if (o->progress) o->progress("recordings read", (int64_t)k + 1, (int64_t)all->count);
        if (!good) continue;
        report->remainders += all->at[k].remainder;
        source moved = all->at[kept];
        all->at[kept++] = all->at[k];
        all->at[k] = moved;
    }
    while (all->count > kept) source_free(&all->at[--all->count]);
    report->recordings = (int64_t)kept;
    if (kept) return ap_ok();
    if (report->brief == 0)
        return ap_error(AP_FAILED, "%s: no usable recording is left", o->songs ? o->songs : o->inputs);
    return ap_error(AP_FAILED,
                    "no recording is long enough: each must have %s of %g s; try a smaller --seconds",
                    o->songs ? "two windows" : "a window", (double)window / rate_of(o));
}

static bool shares_music(const source *a, const source *b)
{
    return a->sound[0] == b->sound[0] || a->sound[0] == b->sound[1] || a->sound[1] == b->sound[0] ||
           a->sound[1] == b->sound[1];
}

/* Sources that share a recording, as drums with two pianos, are one piece: they must not be parted into
 * training and validation. How many pieces there are. */
static int64_t find_pieces(sources *all)
{
    int64_t count = 0;
    for (size_t k = 0; k < all->count; k++) {
        source *s = &all->at[k];
        s->piece = k;
        for (size_t i = 0; i < k; i++) {
            size_t joined = all->at[i].piece;
            if (joined == s->piece || !shares_music(s, &all->at[i])) continue;
            size_t first = joined < s->piece ? joined : s->piece, other = joined + s->piece - first;
            for (size_t j = 0; j <= k; j++)
                if (all->at[j].piece == other) all->at[j].piece = first;
        }
    }
    for (size_t k = 0; k < all->count; k++) count += all->at[k].piece == k;
    return count;
}

/* Recording k of n is for validation when the running share passes a whole number: spread evenly over the
 * list, at least one, never all. */
static bool for_validation(int64_t k, int64_t n, double share)
{
    int64_t chosen = llround(share * (double)n);
    if (share > 0 && chosen == 0) chosen = 1;
    if (chosen >= n) chosen = n - 1;
    return (k + 1) * chosen / n > k * chosen / n;
}

/* The start of the validation part if there is only one recording. */
static int64_t validation_begins(const sources *all, double share)
{
    int64_t windows = all->at[0].windows;
    for (size_t k = 1; k < all->count; k++)
        if (all->at[k].windows < windows) windows = all->at[k].windows;
    int64_t chosen = (int64_t)ceil(share * (double)windows);
    return chosen >= windows ? 1 : windows - chosen;
}

/* ---------------------------------------------------------------- cutting */

typedef struct cutter {
    const ap_prepare_options *options;
    ap_prepare_report *report;
    const pair_set *set;
    ap_audio input, target; /* a window each */
    int64_t next;           /* the number of the next pair */
} cutter;

static bool silent(const ap_audio *x)
{
    double square = 0;
    for (int64_t i = 0; i < x->count * x->channels; i++)
        square += (double)x->samples[i] * (double)x->samples[i];
    return sqrt(square / (double)(x->count * x->channels)) < AP_PREPARE_SILENCE;
}

static void keep_within_scale(cutter *c, ap_audio *x)
{
    const int64_t n = x->count * x->channels;
    double peak = 0;
    for (int64_t i = 0; i < n; i++) peak = fmax(peak, fabs((double)x->samples[i]));
    if (peak <= 1) return;
    ap_real gain = (ap_real)(AP_PREPARE_PEAK / peak);
    for (int64_t i = 0; i < n; i++) x->samples[i] *= gain;
    c->report->lowered++;
}

static ap_status write_pair(cutter *c, const ap_audio *input, const ap_audio *target, bool validation)
{
    AP_TRY(ap_pair_set_write(c->set, validation, c->next, false, input));
    AP_TRY(ap_pair_set_write(c->set, validation, c->next, true, target));
    c->next++;
    *(validation ? &c->report->validation : &c->report->training) += 1;
    return ap_ok();
}

static ap_status read_window(ap_audio_reader *reader, ap_audio *x, int64_t *got)
{
    ap_real *at[2];
    for (int c = 0; c < x->channels; c++) at[c] = x->samples + c * x->count;
    return ap_audio_reader_read_channels(reader, x->count, at, got);
}

/* Reads a window of each side. *whole is false if the file has become shorter since it was planned. */
static ap_status read_windows(cutter *c, ap_audio_reader *input, ap_audio_reader *target, bool *whole)
{
    int64_t got_input, got_target;
    AP_TRY(read_window(input, &c->input, &got_input));
    AP_TRY(read_window(target, &c->target, &got_target));
    *whole = got_input == c->input.count && got_target == c->target.count;
    return ap_ok();
}

static ap_status cut_readers(cutter *c, const source *s, ap_audio_reader *input, ap_audio_reader *target,
                             int64_t validation_from)
{
    int64_t got;
    for (int64_t w = 0; w < s->ahead; w++) AP_TRY(read_window(target, &c->target, &got));
    for (int64_t w = 0; w < s->windows; w++) {
        bool whole = false, validation = w >= validation_from;
        AP_TRY(read_windows(c, input, target, &whole));
        if (!whole) break;
        if (silent(&c->input) || silent(&c->target)) {
            c->report->silent++;
            continue;
        }
        keep_within_scale(c, &c->input);
        keep_within_scale(c, &c->target);
        AP_TRY(write_pair(c, &c->input, &c->target, validation));
        if (s->ahead) AP_TRY(write_pair(c, &c->target, &c->input, validation));
    }
    return ap_ok();
}

static ap_status cut(cutter *c, const source *s, int64_t validation_from)
{
    ap_audio_reader *input, *target = NULL;
    const int rate = c->input.rate, channels = c->input.channels;
    AP_TRY(ap_audio_reader_open_channels(s->input, rate, channels, &input));
    ap_status status = ap_audio_reader_open_channels(s->target, rate, channels, &target);
    if (!ap_failed(&status)) status = cut_readers(c, s, input, target, validation_from);
    ap_audio_reader_close(input);
    ap_audio_reader_close(target);
    return status;
}

static ap_status cut_all(cutter *c, sources *all)
{
    int64_t n = (int64_t)all->count, pieces = find_pieces(all), piece = 0;
    double share = c->options->validation;
    for (int64_t k = 0; k < n; k++) {
        source *s = all->at + k;
        s->validates =
            s->piece == (size_t)k ? for_validation(piece++, pieces, share) : all->at[s->piece].validates;
        int64_t from = pieces == 1 ? validation_begins(all, share) : s->validates ? 0 : s->windows;
        AP_TRY(cut(c, s, from));
        if (c->options->progress) c->options->progress("recordings cut", k + 1, n);
    }
    if (c->report->training) return ap_ok();
    return ap_error(AP_FAILED, "no pair for training: %lld window%s silent", (long long)c->report->silent,
                    c->report->silent == 1 ? " is" : "s are");
}

/* ---------------------------------------------------------------- all of it */

static char *note_of(const ap_prepare_options *o)
{
    char *from = o->songs ? ap_format_text("--songs %s", o->songs)
                          : ap_format_text("--inputs %s --targets %s", o->inputs, o->targets);
    char *note =
        ap_format_text("antiphon prepare %s --seconds %.9g --val-share %.9g --sample_rate %d --channels %d",
                       from, o->seconds, o->validation, rate_of(o), channels_of(o));
    free(from);
    return note;
}

static ap_status cut_into(const pair_set *set, const ap_prepare_options *o, sources *all, int64_t window,
                          ap_prepare_report *report)
{
    cutter c = {.options = o, .report = report, .set = set, .next = 1};
    c.input = c.target = (ap_audio){.count = window, .rate = rate_of(o), .channels = channels_of(o)};
    c.input.samples = ap_allocate((size_t)(window * c.input.channels), sizeof(ap_real));
    c.target.samples = ap_allocate((size_t)(window * c.input.channels), sizeof(ap_real));
    ap_status status = cut_all(&c, all);
    ap_audio_free(&c.input);
    ap_audio_free(&c.target);
    return status;
}

static ap_status prepare(const ap_prepare_options *o, sources *all, ap_prepare_report *report)
{
    int64_t window = llround(o->seconds * rate_of(o));
    AP_TRY(find_sources(o, all, report));
    pair_set set;
    char *note = note_of(o);
    ap_status status = ap_pair_set_begin(o->out, note, false, &set);
    free(note);
    AP_TRY(status);
    report->whole = set.whole;
    if (set.whole) return ap_pair_set_end(&set, ap_ok());
    status = plan(o, all, window, report);
    if (!ap_failed(&status)) status = cut_into(&set, o, all, window, report);
    return ap_pair_set_end(&set, status);
}

ap_status ap_prepare(const ap_prepare_options *options, ap_prepare_report *report)
{
    sources all = {NULL, 0};
    bool two_folders = options->inputs && options->targets && !options->songs;
    bool one_folder = options->songs && !options->inputs && !options->targets;
    if (two_folders == one_folder) ap_fatal("ap_prepare: either inputs and targets, or songs");
    if (options->channels < 0 || options->channels > 2 || options->sample_rate < 0)
        ap_fatal("ap_prepare: %d channels at %d Hz", options->channels, options->sample_rate);
    if (!(options->seconds * rate_of(options) >= 1))
        ap_fatal("ap_prepare: windows of %g s", options->seconds);
    if (!(options->validation >= 0 && options->validation < 1))
        ap_fatal("ap_prepare: a share of %g for validation", options->validation);
    *report = (ap_prepare_report){.recordings = 0};
    ap_status status = prepare(options, &all, report);
    sources_free(&all);
    return status;
}
