#include "antiphon/prepare.h"

#include "antiphon/audio.h"
#include "antiphon/stop.h"
#include "audio/journal.h"
#include "audio/listing.h"
#include "audio/matching.h"
#include "audio/pair_set.h"
#include "audio/recordings.h"
#include "base/folder.h"
#include "base/hash.h"
#include "base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Bytes of the header of a file that is written. */
#define WAV_HEAD 44

/* What the windows of a source have become. */
typedef struct tally {
    long long training, validation, silent, lowered;
} tally;

/* The source of a pair: two files, or the two halves of one. */
typedef struct source {
    char *input, *target;    /* paths; the same for a song */
    ap_audio_survey side[2]; /* of input and target */
    ap_status read[2];       /* whether they can be read */
    int64_t windows;         /* windows in the input */
    int64_t ahead;           /* offset of the target in windows: half a song */
    bool remainder;          /* whether something shorter than a window is left over */
    bool validates;          /* whether all of it is for validation */
    int64_t number;          /* of its first pair; windows that are silent leave their numbers unused */
    int64_t validation_from; /* the first window for validation */
    tally tally;             /* what its windows have become */
    size_t piece;            /* the place of the first source with the same music on either side */
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

typedef struct teller {
    const ap_prepare_options *options;
    ap_prepare_report *report;
} teller;

static void tell_left_out(void *context, const char *line)
{
    const teller *t = context;
    t->report->left_out++;
    if (t->options->left_out) t->options->left_out(line);
}

/* Counts and reports something that is left out. */
static void leave_out(const ap_prepare_options *o, ap_prepare_report *report, int64_t *count,
                      const char *path, const char *reason)
{
    char *line = ap_format_text("%s: %s", path, reason);
    ++*count;
    tell_left_out(&(teller){o, report}, line);
    free(line);
}

static void leave_alone(const ap_prepare_options *o, ap_prepare_report *report, const char *folder,
                        const char *name)
{
    char *path = ap_format_text("%s/%s", folder, name);
    leave_out(o, report, &report->alone, path, "without a partner");
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
    teller t = {o, report};
    ap_status status =
        ap_recordings_list(o->songs ? o->songs : o->inputs, o->targets, tell_left_out, &t, &inputs);
    if (!o->songs && !ap_failed(&status))
        status = ap_recordings_list(o->targets, o->inputs, tell_left_out, &t, &targets);
    if (!o->songs && !ap_failed(&status)) status = match(o, &inputs, &targets, found, report);
    for (size_t k = 0; o->songs && k < inputs.count; k++)
        add_source(found, o->songs, inputs.at[k], o->songs, inputs.at[k]);
    ap_names_free(&inputs);
    ap_names_free(&targets);
    return status;
}

/* ---------------------------------------------------------------- how they are cut */

/* The key of a file in the journal: it is not read again unless it has changed. 0: it cannot be looked at. */
static uint64_t key_of(const ap_prepare_options *o, const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0) return 0;
    uint64_t key = ap_hash_add(AP_HASH_BASIS, (uint64_t)rate_of(o));
    for (const char *c = path; *c; c++) key = ap_hash_add(key, (unsigned char)*c);
    key = ap_hash_add(key, (uint64_t)about.st_size);
    key = ap_hash_add(key, (uint64_t)about.st_mtim.tv_sec);
    return ap_hash_add(key, (uint64_t)about.st_mtim.tv_nsec);
}

/* Reads a recording once, or finds in the journal what an earlier run has read. */
static ap_status survey(const ap_prepare_options *o, ap_journal *journal, const char *path,
                        ap_audio_survey *s)
{
    uint64_t key = key_of(o, path);
    const char *known = key ? ap_journal_find(journal, key) : NULL;
    *s = (ap_audio_survey){.count = 0};
    if (known && sscanf(known, "read %" SCNd64 " %la %" SCNx64, &s->count, &s->loudest, &s->sound) == 3)
        return ap_ok();
    ap_status status = ap_audio_survey_file(path, rate_of(o), s);
    if (ap_failed(&status) || !key) return status;
    char *text = ap_format_text("read %" PRId64 " %a %" PRIx64, s->count, s->loudest, s->sound);
    ap_journal_add(journal, key, text);
    free(text);
    return status;
}

/* Tells how far the work is; several threads may. */
static void tell_progress(const ap_prepare_options *o, const char *what, int64_t *done, int64_t total)
{
#pragma omp critical(ap_prepare_progress)
    {
        ++*done;
        if (o->progress) o->progress(what, *done, total);
    }
}

/* Reads every file once, with all threads. What is wrong with them is told later, in order. */
static ap_status survey_all(const ap_prepare_options *o, ap_journal *journal, sources *all)
{
    const int64_t sides = o->songs ? 1 : 2, jobs = sides * (int64_t)all->count;
    int64_t done = 0;
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t job = 0; job < jobs; job++) {
        source *s = &all->at[job / sides];
        int64_t side = job % sides;
        s->read[side] = ap_stop_check();
        if (ap_failed(&s->read[side])) continue;
        s->read[side] = survey(o, journal, side ? s->target : s->input, &s->side[side]);
        if (s->read[side].code != AP_INTERRUPTED) tell_progress(o, "recordings read", &done, jobs);
    }
    for (int64_t job = 0; job < jobs; job++) {
        const source *s = &all->at[job / sides];
        const ap_status *status = &s->read[job % sides];
        if (status->code == AP_INTERRUPTED || s->side[job % sides].faulty) return *status;
    }
    for (size_t k = 0; k < all->count && o->songs; k++) all->at[k].side[1] = all->at[k].side[0];
    return ap_ok();
}

/* Whether pairs can be cut from one side of a source. */
static bool is_usable(const ap_prepare_options *o, const source *s, int side, ap_prepare_report *report)
{
    const char *path = side ? s->target : s->input, *reason = NULL;
    if (ap_failed(&s->read[side])) { /* the message names the file */
        const char *message = s->read[side].message;
        size_t head = strlen(path);
        bool named = strncmp(message, path, head) == 0 && strncmp(message + head, ": ", 2) == 0;
        reason = named ? message + head + 2 : message;
    } else if (s->side[side].loudest < AP_PREPARE_SILENCE)
        reason = "silent throughout (below -60 dBFS)";
    if (reason) leave_out(o, report, &report->unusable, path, reason);
    return !reason;
}

/* Whether pairs can be cut from a source. */
static bool are_usable(const ap_prepare_options *o, const source *s, ap_prepare_report *report)
{
    if (!is_usable(o, s, 0, report)) return false;
    if (o->songs) return true;
    if (!is_usable(o, s, 1, report)) return false;
    if (s->side[0].sound != s->side[1].sound) return true;
    leave_out(o, report, &report->unusable, s->input, "the same sound as its target");
    return false;
}

/* Plans how a source is cut; false if it is left out. */
static bool plan_source(const ap_prepare_options *o, source *s, int64_t window, ap_prepare_report *report)
{
    if (!are_usable(o, s, report)) return false;
    int64_t input = s->side[0].count, target = s->side[1].count;
    s->windows = (input < target ? input : target) / window;
    if (o->songs) s->windows = s->ahead = s->windows / 2;
    int64_t used = (s->windows + s->ahead) * window;
    s->remainder = input != used || target != used;
    if (s->windows > 0) return true;
    char *reason =
        ap_format_text("too short for %s of %g s", o->songs ? "two windows" : "a window", o->seconds);
    leave_out(o, report, &report->brief, input <= target ? s->input : s->target, reason);
    free(reason);
    return false;
}

static bool same_sounds(const source *a, const source *b)
{
    return a->side[0].sound == b->side[0].sound && a->side[1].sound == b->side[1].sound;
}

/* The same music twice could end up in both training and validation. */
static bool is_repeated(const ap_prepare_options *o, const sources *all, size_t kept, const source *s,
                        ap_prepare_report *report)
{
    for (size_t k = 0; k < kept; k++) {
        if (!same_sounds(&all->at[k], s)) continue;
        char *reason =
            ap_format_text("%s %s", o->songs ? "the same sound as" : "the same sound, as is its target's, as",
                           all->at[k].input);
        leave_out(o, report, &report->repeated, s->input, reason);
        free(reason);
        return true;
    }
    return false;
}

/* Reads every file once, so that broken ones are found before anything is written. Keeps the sources that
 * give a window. */
static ap_status plan(const ap_prepare_options *o, ap_journal *journal, sources *all, int64_t window,
                      ap_prepare_report *report)
{
    size_t kept = 0;
    AP_TRY(survey_all(o, journal, all));
    for (size_t k = 0; k < all->count; k++) {
        if (!plan_source(o, &all->at[k], window, report) || is_repeated(o, all, kept, &all->at[k], report))
            continue;
        report->remainders += all->at[k].remainder;
        source moved = all->at[kept];
        all->at[kept++] = all->at[k];
        all->at[k] = moved;
    }
    while (all->count > kept) source_free(&all->at[--all->count]);
    report->recordings = (int64_t)kept;
    if (o->strict && report->left_out)
        return ap_error(AP_FAILED,
                        "%s: %lld recording%s left out, and strict allows none; nothing is written",
                        o->songs ? o->songs : o->inputs, (long long)report->left_out,
                        report->left_out == 1 ? " is" : "s are");
    if (kept) return ap_ok();
    if (report->brief == 0)
        return ap_error(AP_FAILED, "%s: no usable recording is left", o->songs ? o->songs : o->inputs);
    return ap_error(AP_FAILED,
                    "no recording is long enough: each must have %s of %g s; try a smaller --seconds",
                    o->songs ? "two windows" : "a window", (double)window / rate_of(o));
}

static bool shares_music(const source *a, const source *b)
{
    return a->side[0].sound == b->side[0].sound || a->side[0].sound == b->side[1].sound ||
           a->side[1].sound == b->side[0].sound || a->side[1].sound == b->side[1].sound;
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

/* Cuts one source. */
typedef struct cutter {
    const pair_set *set;
    ap_audio input, target; /* a window each */
    int64_t next;           /* the number of the next pair */
    tally tally;
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
    c->tally.lowered++;
}

static ap_status write_pair(cutter *c, const ap_audio *input, const ap_audio *target, bool validation)
{
    AP_TRY(ap_pair_set_write(c->set, validation, c->next, false, input));
    AP_TRY(ap_pair_set_write(c->set, validation, c->next, true, target));
    c->next++;
    *(validation ? &c->tally.validation : &c->tally.training) += 1;
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

/* Of a song, each of two windows is once the input. */
static int64_t pairs_a_window(const source *s)
{
    return s->ahead ? 2 : 1;
}

static ap_status cut_readers(cutter *c, const source *s, ap_audio_reader *input, ap_audio_reader *target)
{
    int64_t got;
    for (int64_t w = 0; w < s->ahead; w++) AP_TRY(read_window(target, &c->target, &got));
    for (int64_t w = 0; w < s->windows; w++) {
        bool whole = false, validation = w >= s->validation_from;
        c->next = s->number + w * pairs_a_window(s);
        AP_TRY(read_windows(c, input, target, &whole));
        if (!whole) break;
        if (silent(&c->input) || silent(&c->target)) {
            c->tally.silent++;
            continue;
        }
        keep_within_scale(c, &c->input);
        keep_within_scale(c, &c->target);
        AP_TRY(write_pair(c, &c->input, &c->target, validation));
        if (s->ahead) AP_TRY(write_pair(c, &c->target, &c->input, validation));
    }
    return ap_ok();
}

static ap_status cut(cutter *c, const source *s)
{
    ap_audio_reader *input, *target = NULL;
    const int rate = c->input.rate, channels = c->input.channels;
    AP_TRY(ap_audio_reader_open_channels(s->input, rate, channels, &input));
    ap_status status = ap_audio_reader_open_channels(s->target, rate, channels, &target);
    if (!ap_failed(&status)) status = cut_readers(c, s, input, target);
    ap_audio_reader_close(input);
    ap_audio_reader_close(target);
    return status;
}

static ap_status cut_source(const pair_set *set, const ap_prepare_options *o, int64_t window, source *s)
{
    cutter c = {.set = set};
    c.input = c.target = (ap_audio){.count = window, .rate = rate_of(o), .channels = channels_of(o)};
    c.input.samples = ap_allocate((size_t)(window * c.input.channels), sizeof(ap_real));
    c.target.samples = ap_allocate((size_t)(window * c.input.channels), sizeof(ap_real));
    ap_status status = cut(&c, s);
    ap_audio_free(&c.input);
    ap_audio_free(&c.target);
    s->tally = c.tally;
    return status;
}

/* Decides which windows are for validation, and numbers the pairs. */
static void number(const ap_prepare_options *o, sources *all)
{
    int64_t n = (int64_t)all->count, pieces = find_pieces(all), piece = 0, next = 1;
    for (int64_t k = 0; k < n; k++) {
        source *s = all->at + k;
        s->validates = s->piece == (size_t)k ? for_validation(piece++, pieces, o->validation)
                                             : all->at[s->piece].validates;
        s->validation_from = pieces == 1    ? validation_begins(all, o->validation)
                             : s->validates ? 0
                                            : s->windows;
        s->number = next;
        next += s->windows * pairs_a_window(s);
    }
}

/* A hash of all that decides which file holds what. */
static uint64_t hash_of_plan(const sources *all)
{
    uint64_t hash = AP_HASH_BASIS;
    for (size_t k = 0; k < all->count; k++) {
        const source *s = &all->at[k];
        const uint64_t words[] = {s->side[0].sound,     s->side[1].sound,   (uint64_t)s->number,
                                  (uint64_t)s->windows, (uint64_t)s->ahead, (uint64_t)s->validation_from};
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) hash = ap_hash_add(hash, words[i]);
    }
    return hash;
}

/* The place in the journal of the plan by which pairs were last cut. */
#define PLAN_KEY UINT64_C(1)

/* Goes on with the pairs that an earlier run has cut, unless it had another plan, as when recordings were
 * added. */
static ap_status take_over(const pair_set *set, ap_journal *journal, uint64_t plan)
{
    char *text = ap_format_text("plan %" PRIx64, plan);
    const char *last = ap_journal_find(journal, PLAN_KEY);
    ap_status status = last && strcmp(last, text) == 0 ? ap_ok() : ap_pair_set_clear(set);
    ap_journal_add(journal, PLAN_KEY, text);
    free(text);
    return status;
}

/* Cuts a source, unless an earlier run has done it. */
static ap_status cut_once(const pair_set *set, const ap_prepare_options *o, ap_journal *journal,
                          uint64_t plan, int64_t window, source *s)
{
    uint64_t key = ap_hash_add(ap_hash_add(AP_HASH_BASIS, plan), (uint64_t)s->number);
    const char *done = ap_journal_find(journal, key);
    tally *t = &s->tally;
    if (done &&
        sscanf(done, "cut %lld %lld %lld %lld", &t->training, &t->validation, &t->silent, &t->lowered) == 4)
        return ap_ok();
    AP_TRY(ap_stop_check());
    AP_TRY(cut_source(set, o, window, s));
    char *text = ap_format_text("cut %lld %lld %lld %lld", t->training, t->validation, t->silent, t->lowered);
    ap_journal_add(journal, key, text);
    free(text);
    return ap_ok();
}

/* Cuts all sources, with all threads. The failure is that of the first source that fails. */
static ap_status cut_all(const pair_set *set, const ap_prepare_options *o, ap_journal *journal,
                         int64_t window, sources *all)
{
    const int64_t n = (int64_t)all->count;
    const uint64_t plan = hash_of_plan(all);
    int64_t done = 0, failed = n;
    ap_status first = ap_ok();
    AP_TRY(take_over(set, journal, plan));
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t k = 0; k < n; k++) {
        bool wanted;
#pragma omp critical(ap_prepare_failure)
        wanted = failed == n;
        if (!wanted) continue;
        ap_status status = cut_once(set, o, journal, plan, window, &all->at[k]);
        if (!ap_failed(&status)) tell_progress(o, "recordings cut", &done, n);
        if (!ap_failed(&status)) continue;
#pragma omp critical(ap_prepare_failure)
        if (k < failed) {
            failed = k;
            first = status;
        }
    }
    return first;
}

static ap_status sum_up(const ap_prepare_options *o, const sources *all, int64_t window,
                        ap_prepare_report *report)
{
    for (size_t k = 0; k < all->count; k++) {
        const tally *t = &all->at[k].tally;
        report->training += t->training;
        report->validation += t->validation;
        report->silent += t->silent;
        report->lowered += t->lowered;
    }
    const int64_t pairs[2] = {report->training, report->validation};
    const double file = (double)window * channels_of(o) * 2 + WAV_HEAD;
    for (int k = 0; k < 2; k++) {
        report->seconds[k] = (double)pairs[k] * (double)window / rate_of(o);
        report->bytes[k] = (double)pairs[k] * 2 * file;
    }
    if (report->training) return ap_ok();
    return ap_error(AP_FAILED, "no pair for training: %lld window%s silent", (long long)report->silent,
                    report->silent == 1 ? " is" : "s are");
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

static ap_status make(const pair_set *set, const ap_prepare_options *o, sources *all, int64_t window,
                      ap_prepare_report *report)
{
    char *path = ap_pair_set_journal(set);
    ap_journal *journal = ap_journal_open(path);
    free(path);
    ap_status status = plan(o, journal, all, window, report);
    if (!ap_failed(&status)) {
        number(o, all);
        status = cut_all(set, o, journal, window, all);
    }
    if (!ap_failed(&status)) status = sum_up(o, all, window, report);
    ap_journal_close(journal);
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
    return ap_pair_set_end(&set, make(&set, o, all, window, report));
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
