#include "antiphon/prepare.h"

#include "audio/journal.h"
#include "audio/pair_set.h"
#include "audio/prepare_cut.h"
#include "audio/prepare_plan.h"
#include "audio/prepare_sources.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* Bytes of the header of a file that is written. */
#define WAV_HEAD 44

static ap_status sum_up(const ap_prepare_options *o, const ap_prepare_sources *all, int64_t window,
                        ap_prepare_report *report)
{
    for (size_t k = 0; k < all->count; k++) {
        const ap_prepare_tally *t = &all->at[k].tally;
        report->training += t->training;
        report->validation += t->validation;
        report->silent += t->silent;
        report->lowered += t->lowered;
    }
    const int64_t pairs[2] = {report->training, report->validation};
    const double file = (double)window * ap_prepare_channels(o) * 2 + WAV_HEAD;
    for (int k = 0; k < 2; k++) {
        report->seconds[k] = (double)pairs[k] * (double)window / ap_prepare_rate(o);
        report->bytes[k] = (double)pairs[k] * 2 * file;
    }
    if (report->training) return ap_ok();
    return ap_error(AP_FAILED, "no pair for training: %lld window%s silent", (long long)report->silent,
                    report->silent == 1 ? " is" : "s are");
}

static char *note_of(const ap_prepare_options *o)
{
    char *from = o->songs ? ap_format_text("--songs %s", o->songs)
                          : ap_format_text("--inputs %s --targets %s", o->inputs, o->targets);
    char *note =
        ap_format_text("antiphon prepare %s --seconds %.9g --val-share %.9g --sample_rate %d --channels %d",
                       from, o->seconds, o->validation, ap_prepare_rate(o), ap_prepare_channels(o));
    free(from);
    return note;
}

static ap_status make(const pair_set *set, const ap_prepare_options *o, ap_prepare_sources *all,
                      int64_t window, ap_prepare_report *report)
{
    char *path = ap_pair_set_journal(set);
    ap_journal *journal = ap_journal_open(path);
    free(path);
    ap_status status = ap_prepare_plan(o, journal, window, all, report);
    if (!ap_failed(&status)) status = ap_prepare_cut(set, o, journal, window, all);
    if (!ap_failed(&status)) status = sum_up(o, all, window, report);
    ap_journal_close(journal);
    return status;
}

static ap_status prepare(const ap_prepare_options *o, ap_prepare_sources *all, ap_prepare_report *report)
{
    int64_t window = llround(o->seconds * ap_prepare_rate(o));
    AP_TRY(ap_prepare_find(o, all, report));
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
    ap_prepare_sources all = {NULL, 0};
    bool two_folders = options->inputs && options->targets && !options->songs;
    bool one_folder = options->songs && !options->inputs && !options->targets;
    if (two_folders == one_folder) ap_fatal("ap_prepare: either inputs and targets, or songs");
    if (options->channels < 0 || options->channels > 2 || options->sample_rate < 0)
        ap_fatal("ap_prepare: %d channels at %d Hz", options->channels, options->sample_rate);
    if (!(options->seconds * ap_prepare_rate(options) >= 1))
        ap_fatal("ap_prepare: windows of %g s", options->seconds);
    if (!(options->validation >= 0 && options->validation < 1))
        ap_fatal("ap_prepare: a share of %g for validation", options->validation);
    *report = (ap_prepare_report){.recordings = 0};
    ap_status status = prepare(options, &all, report);
    ap_prepare_sources_free(&all);
    return status;
}
