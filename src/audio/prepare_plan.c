#include "audio/prepare_plan.h"

#include "antiphon/audio.h"
#include "antiphon/stop.h"
#include "base/hash.h"
#include "base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---------------------------------------------------------------- what is read */

/* The key of a file in the journal: it is not read again unless it has changed. 0: it cannot be looked at. */
static uint64_t key_of(const ap_prepare_options *o, const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0) return 0;
    uint64_t key = ap_hash_add(AP_HASH_BASIS, (uint64_t)ap_prepare_rate(o));
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
    ap_status status = ap_audio_survey_file(path, ap_prepare_rate(o), s);
    if (ap_failed(&status) || !key) return status;
    char *text = ap_format_text("read %" PRId64 " %a %" PRIx64, s->count, s->loudest, s->sound);
    ap_journal_add(journal, key, text);
    free(text);
    return status;
}

/* Reads every file once, with all threads. What is wrong with them is told later, in order. */
static ap_status survey_all(const ap_prepare_options *o, ap_journal *journal, ap_prepare_sources *all)
{
    const int64_t sides = o->songs ? 1 : 2, jobs = sides * (int64_t)all->count;
    int64_t done = 0;
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t job = 0; job < jobs; job++) {
        ap_prepare_source *s = &all->at[job / sides];
        int64_t side = job % sides;
        s->read[side] = ap_stop_check();
        if (ap_failed(&s->read[side])) continue;
        s->read[side] = survey(o, journal, side ? s->target : s->input, &s->side[side]);
        if (s->read[side].code != AP_INTERRUPTED) ap_prepare_tell(o, "recordings read", &done, jobs);
    }
    for (int64_t job = 0; job < jobs; job++) {
        const ap_prepare_source *s = &all->at[job / sides];
        const ap_status *status = &s->read[job % sides];
        if (status->code == AP_INTERRUPTED || s->side[job % sides].faulty) return *status;
    }
    for (size_t k = 0; k < all->count && o->songs; k++) all->at[k].side[1] = all->at[k].side[0];
    return ap_ok();
}

/* ---------------------------------------------------------------- what can be cut */

/* Whether pairs can be cut from one side of a source. */
static bool is_usable(const ap_prepare_options *o, const ap_prepare_source *s, int side,
                      ap_prepare_report *report)
{
    const char *path = side ? s->target : s->input, *reason = NULL;
    if (ap_failed(&s->read[side])) { /* the message names the file */
        const char *message = s->read[side].message;
        size_t head = strlen(path);
        bool named = strncmp(message, path, head) == 0 && strncmp(message + head, ": ", 2) == 0;
        reason = named ? message + head + 2 : message;
    } else if (s->side[side].loudest < AP_PREPARE_SILENCE)
        reason = "silent throughout (below -60 dBFS)";
    if (reason) ap_prepare_leave_out(o, report, &report->unusable, path, reason);
    return !reason;
}

/* Names the other recording of a pair, which is left out only because `side` is. */
static void leave_partner(const ap_prepare_options *o, const ap_prepare_source *s, int side,
                          ap_prepare_report *report)
{
    char *reason = ap_format_text("its partner, %s, is left out", side ? s->target : s->input);
    ap_prepare_leave_out(o, report, &report->alone, side ? s->input : s->target, reason);
    free(reason);
}

/* Whether pairs can be cut from a source. */
static bool are_usable(const ap_prepare_options *o, const ap_prepare_source *s, ap_prepare_report *report)
{
    const bool input = is_usable(o, s, 0, report), target = o->songs || is_usable(o, s, 1, report);
    if (!o->songs && input != target) leave_partner(o, s, input, report);
    if (!input || !target) return false;
    if (o->songs || s->side[0].sound != s->side[1].sound) return true;
    ap_prepare_leave_out(o, report, &report->unusable, s->input, "the same sound as its target");
    return false;
}

/* Tells which sides of a source are too short. */
static void leave_brief(const ap_prepare_options *o, const ap_prepare_source *s, int64_t window,
                        ap_prepare_report *report)
{
    const bool brief[2] = {o->songs || s->side[0].count < window, !o->songs && s->side[1].count < window};
    char *reason =
        ap_format_text("too short for %s of %g s", o->songs ? "two windows" : "a window", o->seconds);
    for (int side = 0; side < 2; side++)
        if (brief[side]) ap_prepare_leave_out(o, report, &report->brief, side ? s->target : s->input, reason);
    if (!o->songs && brief[0] != brief[1]) leave_partner(o, s, brief[1], report);
    free(reason);
}

/* Plans how a source is cut; false if it is left out. */
static bool plan_source(const ap_prepare_options *o, ap_prepare_source *s, int64_t window,
                        ap_prepare_report *report)
{
    if (!are_usable(o, s, report)) return false;
    int64_t input = s->side[0].count, target = s->side[1].count;
    s->windows = (input < target ? input : target) / window;
    if (o->songs) s->windows = s->ahead = s->windows / 2;
    int64_t used = (s->windows + s->ahead) * window;
    s->remainder = input != used || target != used;
    if (s->windows == 0) leave_brief(o, s, window, report);
    return s->windows > 0;
}

static bool same_sounds(const ap_prepare_source *a, const ap_prepare_source *b)
{
    return a->side[0].sound == b->side[0].sound && a->side[1].sound == b->side[1].sound;
}

/* The same music twice could end up in both training and validation. */
static bool is_repeated(const ap_prepare_options *o, const ap_prepare_sources *all, size_t kept,
                        const ap_prepare_source *s, ap_prepare_report *report)
{
    for (size_t k = 0; k < kept; k++) {
        if (!same_sounds(&all->at[k], s)) continue;
        char *reason =
            ap_format_text("%s %s", o->songs ? "the same sound as" : "the same sound, as is its target's, as",
                           all->at[k].input);
        ap_prepare_leave_out(o, report, &report->repeated, s->input, reason);
        free(reason);
        return true;
    }
    return false;
}

/* ---------------------------------------------------------------- training and validation */

static bool shares_music(const ap_prepare_source *a, const ap_prepare_source *b)
{
    return a->side[0].sound == b->side[0].sound || a->side[0].sound == b->side[1].sound ||
           a->side[1].sound == b->side[0].sound || a->side[1].sound == b->side[1].sound;
}

/* Sources that share a recording, as drums with two pianos, are one piece: they must not be parted into
 * training and validation. How many pieces there are. */
static int64_t find_pieces(ap_prepare_sources *all)
{
    int64_t count = 0;
    for (size_t k = 0; k < all->count; k++) {
        ap_prepare_source *s = &all->at[k];
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
static int64_t validation_begins(const ap_prepare_sources *all, double share)
{
    int64_t windows = all->at[0].windows;
    for (size_t k = 1; k < all->count; k++)
        if (all->at[k].windows < windows) windows = all->at[k].windows;
    int64_t chosen = (int64_t)ceil(share * (double)windows);
    return chosen >= windows ? 1 : windows - chosen;
}

/* Decides which windows are for validation, and numbers the pairs. */
static void number(const ap_prepare_options *o, ap_prepare_sources *all)
{
    int64_t n = (int64_t)all->count, pieces = find_pieces(all), piece = 0, next = 1;
    for (int64_t k = 0; k < n; k++) {
        ap_prepare_source *s = all->at + k;
        s->validates = s->piece == (size_t)k ? for_validation(piece++, pieces, o->validation)
                                             : all->at[s->piece].validates;
        s->validation_from = pieces == 1    ? validation_begins(all, o->validation)
                             : s->validates ? 0
                                            : s->windows;
        s->number = next;
        next += s->windows * ap_prepare_pairs_a_window(s);
    }
}

/* ---------------------------------------------------------------- all of it */

/* Why no set can be made of the sources that are left. */
static ap_status check_left(const ap_prepare_options *o, const ap_prepare_sources *all,
                            const ap_prepare_report *report)
{
    const char *folder = o->songs ? o->songs : o->inputs;
    if (o->strict && report->left_out)
        return ap_error(AP_FAILED,
                        "%s: %lld recording%s left out, and strict allows none; nothing is written", folder,
                        (long long)report->left_out, report->left_out == 1 ? " is" : "s are");
    if (all->count) return ap_ok();
    if (report->brief == 0) return ap_error(AP_FAILED, "%s: no usable recording is left", folder);
    return ap_error(AP_FAILED,
                    "no recording is long enough: each must have %s of %g s; try a smaller --seconds",
                    o->songs ? "two windows" : "a window", o->seconds);
}

ap_status ap_prepare_plan(const ap_prepare_options *o, ap_journal *journal, int64_t window,
                          ap_prepare_sources *all, ap_prepare_report *report)
{
    size_t kept = 0;
    AP_TRY(survey_all(o, journal, all));
    for (size_t k = 0; k < all->count; k++) {
        if (!plan_source(o, &all->at[k], window, report) || is_repeated(o, all, kept, &all->at[k], report))
            continue;
        report->remainders += all->at[k].remainder;
        ap_prepare_source moved = all->at[kept];
        all->at[kept++] = all->at[k];
        all->at[k] = moved;
    }
    ap_prepare_sources_keep(all, kept);
    report->recordings = (int64_t)kept;
    AP_TRY(check_left(o, all, report));
    number(o, all);
    return ap_ok();
}
