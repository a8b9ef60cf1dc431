#include "audio/prepare_cut.h"

#include "antiphon/audio.h"
#include "antiphon/stop.h"
#include "base/hash.h"
#include "base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Cuts one source. */
typedef struct cutter {
    const pair_set *set;
    ap_audio input, target; /* a window each */
    int64_t next;           /* the number of the next pair */
    ap_prepare_tally tally;
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

static ap_status cut_readers(cutter *c, const ap_prepare_source *s, ap_audio_reader *input,
                             ap_audio_reader *target)
{
    int64_t got;
    for (int64_t w = 0; w < s->ahead; w++) AP_TRY(read_window(target, &c->target, &got));
    for (int64_t w = 0; w < s->windows; w++) {
        bool whole = false, validation = w >= s->validation_from;
        c->next = s->number + w * ap_prepare_pairs_a_window(s);
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

static ap_status cut(cutter *c, const ap_prepare_source *s)
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

static ap_status cut_source(const pair_set *set, const ap_prepare_options *o, int64_t window,
                            ap_prepare_source *s)
{
    cutter c = {.set = set};
    c.input = c.target =
        (ap_audio){.count = window, .rate = ap_prepare_rate(o), .channels = ap_prepare_channels(o)};
    c.input.samples = ap_allocate((size_t)(window * c.input.channels), sizeof(ap_real));
    c.target.samples = ap_allocate((size_t)(window * c.input.channels), sizeof(ap_real));
    ap_status status = cut(&c, s);
    ap_audio_free(&c.input);
    ap_audio_free(&c.target);
    s->tally = c.tally;
    return status;
}

/* A hash of all that decides which file holds what. */
static uint64_t hash_of_plan(const ap_prepare_sources *all)
{
    uint64_t hash = AP_HASH_BASIS;
    for (size_t k = 0; k < all->count; k++) {
        const ap_prepare_source *s = &all->at[k];
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
                          uint64_t plan, int64_t window, ap_prepare_source *s)
{
    uint64_t key = ap_hash_add(ap_hash_add(AP_HASH_BASIS, plan), (uint64_t)s->number);
    const char *done = ap_journal_find(journal, key);
    ap_prepare_tally *t = &s->tally;
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

ap_status ap_prepare_cut(const pair_set *set, const ap_prepare_options *o, ap_journal *journal,
                         int64_t window, ap_prepare_sources *all)
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
        if (!ap_failed(&status)) ap_prepare_tell(o, "recordings cut", &done, n);
        if (!ap_failed(&status)) continue;
#pragma omp critical(ap_prepare_failure)
        if (k < failed) {
            failed = k;
            first = status;
        }
    }
    return first;
}
