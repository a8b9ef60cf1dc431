#include "antiphon/prepare.h"

#include "antiphon/audio.h"
#include "audio/pair_set.h"
#include "audio/recordings.h"
#include "base/folder.h"
#include "base/memory.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What a pair's two sides come from: two files, or the two halves of one. */
typedef struct source {
    char *input, *target; /* paths; the same for a song */
    int64_t windows;      /* that the input gives, by the headers */
    int64_t ahead;        /* how many windows the target is behind the input: half a song */
    bool remainder;       /* whether something shorter than a window is left over */
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

/* ---------------------------------------------------------------- which files */

static const char *const extensions[] = {"wav",  "wave", "flac", "ogg", "oga", "opus", "mp3", "aif",
                                         "aiff", "aifc", "caf",  "au",  "snd", "w64",  "rf64"};

static size_t stem_length(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? (size_t)(dot - name) : strlen(name);
}

static bool is_audio(const char *name)
{
    size_t stem = stem_length(name);
    if (name[0] == '.' || !name[stem]) return false;
    for (size_t k = 0; k < sizeof extensions / sizeof *extensions; k++)
        if (strcasecmp(name + stem + 1, extensions[k]) == 0) return true;
    return false;
}

/* The audio files of a folder, sorted. */
static ap_status list_audio(const char *folder, ap_names *audio)
{
    ap_names all;
    *audio = (ap_names){.at = NULL};
    AP_TRY(ap_folder_list(folder, &all));
    for (size_t k = 0; k < all.count; k++)
        if (is_audio(all.at[k])) ap_names_add(audio, all.at[k]);
    ap_names_free(&all);
    if (audio->count) return ap_ok();
    return ap_error(AP_FAILED, "%s: holds no audio file (WAV, FLAC, OGG, MP3, AIFF ...)", folder);
}

static bool same_stem(const char *a, const char *b)
{
    size_t length = stem_length(a);
    return length == stem_length(b) && strncmp(a, b, length) == 0;
}

static const char *find_stem(const ap_names *names, const char *name)
{
    for (size_t k = 0; k < names->count; k++)
        if (same_stem(names->at[k], name)) return names->at[k];
    return NULL;
}

static void leave_alone(ap_prepare_report *report, const char *name)
{
    if (report->alone++ == 0) snprintf(report->first_alone, sizeof report->first_alone, "%s", name);
}

static void leave_brief(ap_prepare_report *report, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (report->brief++ == 0)
        snprintf(report->first_brief, sizeof report->first_brief, "%s", slash ? slash + 1 : path);
}

static void match(const ap_prepare_options *o, const ap_names *inputs, const ap_names *targets,
                  sources *found, ap_prepare_report *report)
{
    for (size_t k = 0; k < inputs->count; k++)
        report->by_name = report->by_name || find_stem(targets, inputs->at[k]);
    for (size_t k = 0; k < inputs->count; k++) {
        const char *input = inputs->at[k], *target = k < targets->count ? targets->at[k] : NULL;
        if (report->by_name) target = find_stem(targets, input);
        if (target)
            add_source(found, o->inputs, input, o->targets, target);
        else
            leave_alone(report, input);
    }
    for (size_t k = 0; k < targets->count; k++) {
        bool partner = report->by_name ? find_stem(inputs, targets->at[k]) != NULL : k < inputs->count;
        if (!partner) leave_alone(report, targets->at[k]);
    }
}

static ap_status find_sources(const ap_prepare_options *o, sources *found, ap_prepare_report *report)
{
    ap_names inputs = {NULL, 0}, targets = {NULL, 0};
    ap_status status = list_audio(o->songs ? o->songs : o->inputs, &inputs);
    if (!o->songs && !ap_failed(&status)) status = list_audio(o->targets, &targets);
    if (!ap_failed(&status)) {
        if (!o->songs) match(o, &inputs, &targets, found, report);
        for (size_t k = 0; o->songs && k < inputs.count; k++)
            add_source(found, o->songs, inputs.at[k], o->songs, inputs.at[k]);
    }
    ap_names_free(&inputs);
    ap_names_free(&targets);
    return status;
}

/* ---------------------------------------------------------------- how they are cut */

static ap_status measure(const char *path, int64_t *length)
{
    return ap_audio_measure(path, AP_SAMPLE_RATE, INT64_MAX, length);
}

/* How a source is cut, and the shorter of its two files. */
static ap_status plan_source(source *s, bool song, int64_t window, const char **shorter)
{
    int64_t input = 0, target = 0;
    AP_TRY(measure(s->input, &input));
    AP_TRY(measure(s->target, &target));
    *shorter = input <= target ? s->input : s->target;
    s->windows = (input < target ? input : target) / window;
    if (song) s->windows = s->ahead = s->windows / 2;
    int64_t used = (s->windows + s->ahead) * window;
    s->remainder = input != used || target != used;
    return ap_ok();
}

/* Opens every file once, so that a broken one is found before anything is written; keeps those sources that
 * give a window. */
static ap_status plan(sources *all, bool songs, int64_t window, ap_prepare_report *report)
{
    size_t kept = 0;
    for (size_t k = 0; k < all->count; k++) {
        const char *shorter;
        AP_TRY(plan_source(&all->at[k], songs, window, &shorter));
        if (all->at[k].windows == 0) {
            leave_brief(report, shorter);
            continue;
        }
        report->remainders += all->at[k].remainder;
        source moved = all->at[kept];
        all->at[kept++] = all->at[k];
        all->at[k] = moved;
    }
    while (all->count > kept) source_free(&all->at[--all->count]);
    report->recordings = (int64_t)kept;
    if (kept) return ap_ok();
    return ap_error(AP_FAILED,
                    "no recording is long enough: each must have %s of %g s; a smaller --seconds may do",
                    songs ? "two windows" : "a window", (double)window / AP_SAMPLE_RATE);
}

/* Recording k of n is for validation where the running share passes a whole number: spread evenly over the
 * list, at least one, never all. */
static bool for_validation(int64_t k, int64_t n, double share)
{
    int64_t chosen = llround(share * (double)n);
    if (share > 0 && chosen == 0) chosen = 1;
    if (chosen >= n) chosen = n - 1;
    return (k + 1) * chosen / n > k * chosen / n;
}

/* Where the part for validation begins in the only recording there is. */
static int64_t validation_begins(int64_t windows, double share)
{
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
    for (int64_t i = 0; i < x->count; i++) square += (double)x->samples[i] * (double)x->samples[i];
    return sqrt(square / (double)x->count) < AP_PREPARE_SILENCE;
}

static void keep_within_scale(cutter *c, ap_audio *x)
{
    double peak = 0;
    for (int64_t i = 0; i < x->count; i++) peak = fmax(peak, fabs((double)x->samples[i]));
    if (peak <= 1) return;
    ap_real gain = (ap_real)(AP_PREPARE_PEAK / peak);
    for (int64_t i = 0; i < x->count; i++) x->samples[i] *= gain;
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

/* Reads a window of each side; *whole is false when the file was shorter than it had seemed. */
static ap_status read_windows(cutter *c, ap_audio_reader *input, ap_audio_reader *target, bool *whole)
{
    int64_t got_input, got_target;
    AP_TRY(ap_audio_reader_read(input, c->input.count, c->input.samples, &got_input));
    AP_TRY(ap_audio_reader_read(target, c->target.count, c->target.samples, &got_target));
    *whole = got_input == c->input.count && got_target == c->target.count;
    return ap_ok();
}

static ap_status cut_readers(cutter *c, const source *s, ap_audio_reader *input, ap_audio_reader *target,
                             int64_t validation_from)
{
    int64_t got;
    for (int64_t w = 0; w < s->ahead; w++)
        AP_TRY(ap_audio_reader_read(target, c->target.count, c->target.samples, &got));
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
    AP_TRY(ap_audio_reader_open(s->input, AP_SAMPLE_RATE, &input));
    ap_status status = ap_audio_reader_open(s->target, AP_SAMPLE_RATE, &target);
    if (!ap_failed(&status)) status = cut_readers(c, s, input, target, validation_from);
    ap_audio_reader_close(input);
    ap_audio_reader_close(target);
    return status;
}

static ap_status cut_all(cutter *c, const sources *all)
{
    int64_t n = (int64_t)all->count;
    double share = c->options->validation;
    for (int64_t k = 0; k < n; k++) {
        const source *s = all->at + k;
        int64_t from = n == 1                        ? validation_begins(s->windows, share)
                       : for_validation(k, n, share) ? 0
                                                     : s->windows;
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
    if (o->songs)
        return ap_format_text("antiphon prepare --songs %s --seconds %.9g --val-share %.9g", o->songs,
                              o->seconds, o->validation);
    return ap_format_text("antiphon prepare --inputs %s --targets %s --seconds %.9g --val-share %.9g",
                          o->inputs, o->targets, o->seconds, o->validation);
}

static ap_status prepare(const ap_prepare_options *o, sources *all, ap_prepare_report *report)
{
    int64_t window = llround(o->seconds * AP_SAMPLE_RATE);
    AP_TRY(find_sources(o, all, report));
    AP_TRY(plan(all, o->songs != NULL, window, report));
    pair_set set;
    char *note = note_of(o);
    ap_status status = ap_pair_set_begin(o->out, note, false, &set);
    free(note);
    AP_TRY(status);
    cutter c = {.options = o, .report = report, .set = &set, .next = 1};
    c.input = c.target = (ap_audio){.count = window, .rate = AP_SAMPLE_RATE};
    c.input.samples = ap_allocate((size_t)window, sizeof(ap_real));
    c.target.samples = ap_allocate((size_t)window, sizeof(ap_real));
    status = cut_all(&c, all);
    ap_audio_free(&c.input);
    ap_audio_free(&c.target);
    return ap_pair_set_end(&set, status);
}

ap_status ap_prepare(const ap_prepare_options *options, ap_prepare_report *report)
{
    sources all = {NULL, 0};
    bool two_folders = options->inputs && options->targets && !options->songs;
    bool one_folder = options->songs && !options->inputs && !options->targets;
    if (two_folders == one_folder) ap_fatal("ap_prepare: either inputs and targets, or songs");
    if (!(options->seconds * AP_SAMPLE_RATE >= 1)) ap_fatal("ap_prepare: windows of %g s", options->seconds);
    if (!(options->validation >= 0 && options->validation < 1))
        ap_fatal("ap_prepare: a share of %g for validation", options->validation);
    *report = (ap_prepare_report){.recordings = 0};
    ap_status status = prepare(options, &all, report);
    sources_free(&all);
    return status;
}
