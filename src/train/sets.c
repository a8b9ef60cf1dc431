#include "train/sets.h"

#include "antiphon/audio.h"
#include "antiphon/codec.h"
#include "antiphon/modulation.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/processors.h"
#include "base/replace.h"
#include "base/text.h"
#include "train/notes.h"
#include "train/step.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GIB 1073741824.0
/* Of a set that is not in memory, so many windows are looked at. */
#define LOOKED_MOST 64

static int64_t looked_at(const ap_dataset *set)
{
    return set->held ? set->windows : LOOKED_MOST;
}

/* Warns of windows for validation that have no events: what is said of every epoch means little there. */
static ap_status note_steady(const ap_observer *observer, const ap_dataset *set)
{
    int64_t still = 0, looked;
    if (set->S >= AP_MODULATION_SEGMENTS)
        AP_TRY(ap_dataset_still(set, AP_MODULATION_SEGMENTS, AP_STILL_MOST, looked_at(set), &still, &looked));
    if (still)
        ap_observer_note(observer,
                         "in %" PRId64 " of %" PRId64
                         " windows for validation a source is silent or steady: its correlation says nothing",
                         still, looked);
    return ap_ok();
}

/* Warns of windows whose maxima hardly move, where the correlation cost does not work. */
static ap_status note_still(const ap_config *c, const ap_observer *observer, const ap_dataset *set)
{
    int64_t still, looked;
    if (c->loss.corr_weight <= 0 || c->loss.corr_envelope != AP_ENVELOPE_MAX ||
        set->S < c->loss.corr_segments)
        return ap_ok();
    AP_TRY(ap_dataset_still(set, c->loss.corr_segments, 0, looked_at(set), &still, &looked));
    if (still)
        ap_observer_note(observer,
                         "in %" PRId64 " of %" PRId64
                         " windows a source's maxima hardly move (full scale throughout, or very quiet): "
                         "copying its "
                         "loudness costs nothing there; loss.corr_envelope \"rms\" tells more",
                         still, looked);
    return ap_ok();
}

/* ---------------------------------------------------------------- memory or files */

static double budget_of(const ap_config *c)
{
    return c->data.memory > 0 ? c->data.memory * GIB : ap_memory_granted("") / 4;
}

/* The bytes of a set in memory, with its latents if they are kept there. */
static double bytes_of(const ap_config *c, const ap_dataset *set)
{
    double hop = c->codec.hop, windows = AP_PAIR_SIDES * (double)set->windows;
    if (c->codec.type == AP_CODEC_SEANET) {
        hop = 1;
        for (int i = 0; i < c->codec.ratios.count; i++) hop *= c->codec.ratios.at[i];
    }
    double numbers = c->codec.dim * (ceil((double)set->S / hop) + 1) * ap_step_keeps_latents(c);
    return (double)ap_dataset_bytes(set) + windows * numbers * sizeof(ap_real);
}

static char *cache_of(const ap_config *c)
{
    return c->data.cache[0] ? ap_copy_text(c->data.cache) : ap_format_text("%s/cache", c->data.path);
}

static int64_t unreadable_in_place(const ap_dataset *set)
{
    int64_t count = 0;
    for (int64_t i = 0; i < set->count; i++)
        for (int side = 0; side < AP_PAIR_SIDES; side++) count += !set->pieces[i].sides[side].plain;
    return count;
}

/* Makes the windows of a set readable where they are. */
static ap_status stream(const ap_config *c, const ap_observer *observer, const char *split, ap_dataset *set)
{
    int64_t count = unreadable_in_place(set);
    if (count == 0) return ap_ok();
    char *cache = cache_of(c), *folder = ap_format_text("%s/%s", cache, split);
    free(cache);
    ap_observer_note(observer, "%s: copies at %d Hz of %" PRId64 " recording%s, made once", folder,
                     AP_SAMPLE_RATE, count, ap_plural(count));
    ap_status status = ap_make_folder(folder);
    if (!ap_failed(&status)) status = ap_dataset_copy(set, folder);
    free(folder);
    return status;
}

static ap_status hold_or_stream(const ap_config *c, const ap_observer *observer, ap_dataset *train,
                                ap_dataset *validation)
{
    double budget = budget_of(c), of_train = bytes_of(c, train), of_validation = bytes_of(c, validation);
    if (of_train + of_validation <= budget) {
        AP_TRY(ap_dataset_hold(train));
        return ap_dataset_hold(validation);
    }
    ap_observer_note(
        observer,
        "the set needs %.2f GiB of memory, more than the %.2f of data.memory: it is read as it is needed",
        (of_train + of_validation) / GIB, budget / GIB);
    AP_TRY(stream(c, observer, "train", train));
    return of_validation <= budget / 2 ? ap_dataset_hold(validation) : stream(c, observer, "val", validation);
}

ap_status ap_sets_load(const ap_config *c, const ap_observer *observer, ap_dataset *train,
                       ap_dataset *validation)
{
    int64_t S = llround(c->data.seconds * AP_SAMPLE_RATE);
    bool there;
    AP_TRY(ap_file_is_there(c->data.path, &there));
    if (!there)
        return ap_error(AP_FAILED,
                        "%s: no such pair set (data.path); make one with antiphon synth or antiphon prepare",
                        c->data.path);
    AP_TRY(ap_dataset_open(c->data.path, "train", S, train));
    AP_TRY(ap_dataset_open(c->data.path, "val", S, validation));
    AP_TRY(hold_or_stream(c, observer, train, validation));
    size_t lone = train->lone + validation->lone;
    if (lone)
        ap_observer_note(observer, "%s: left out: %zu recording%s without a partner", c->data.path, lone,
                         ap_plural((int64_t)lone));
    ap_observer_note(observer,
                     "%" PRId64 " pair%s in %" PRId64 " window%s of %.1f s to train on, %" PRId64
                     " in %" PRId64 " to validate",
                     train->count, ap_plural(train->count), train->windows, ap_plural(train->windows),
                     c->data.seconds, validation->count, validation->windows);
    AP_TRY(note_steady(observer, validation));
    return note_still(c, observer, train);
}

/* ---------------------------------------------------------------- latents */

/* A hash of the codec: of its weights, by name, of its shape, and of whatever else its latents depend on. */
static uint64_t hash_of_codec(const ap_config *c, ap_model *model)
{
    const ap_params *params = ap_model_params(model);
    ap_codec *codec = ap_model_codec(model);
    const ap_real gain = (ap_real)c->codec.gain;
    uint64_t hash = ap_hash_add(AP_HASH_BASIS, (uint64_t)ap_codec_dim(codec));
    hash = ap_hash_add(hash, (uint64_t)ap_codec_hop(codec));
    hash = ap_hash_add(hash, (uint64_t)c->codec.bands);
    hash = ap_hash_add(hash, c->codec.causal);
    hash = ap_hash_add_samples(hash, &gain, 1);
    for (size_t i = 0; i < ap_params_count(params); i++) {
        const ap_param *param = ap_params_at(params, i);
        if (!ap_codec_owns(param->name)) continue;
        for (const char *at = param->name; *at; at++) hash = ap_hash_add(hash, (unsigned char)*at);
        hash = ap_hash_add_samples(hash, param->value.data, ap_shape_count(param->value.shape));
    }
    return hash;
}

static ap_status encode_cached(const ap_config *c, ap_model *model, ap_tape *tape,
                               const volatile sig_atomic_t *stop, const char *split, ap_dataset *set)
{
    uint64_t weights = hash_of_codec(c, model);
    char *cache = cache_of(c);
    char *path = ap_format_text("%s/latents-%s-%" PRId64 "-%016" PRIx64, cache, split, set->S, weights);
    ap_status status = ap_make_folder(cache);
    if (!ap_failed(&status))
        status = ap_dataset_encode_cached(set, ap_model_codec(model), tape, path, weights, stop);
    free(cache);
    free(path);
    return status;
}

static ap_status encode(const ap_config *c, ap_model *model, ap_tape *tape, const volatile sig_atomic_t *stop,
                        const char *split, ap_dataset *set)
{
    ap_codec *codec = ap_model_codec(model);
    bool keeps = ap_step_keeps_latents(c);
    if (keeps && set->held) return ap_dataset_encode(set, codec, tape, stop);
    if (c->codec.type == AP_CODEC_MDCT)
        ap_dataset_encode_later(set, codec, tape);
    else if (keeps)
        return encode_cached(c, model, tape, stop, split, set);
    return ap_ok();
}

ap_status ap_sets_encode(const ap_config *c, const ap_observer *observer, ap_model *model, ap_tape *tape,
                         const volatile sig_atomic_t *stop, ap_dataset *train, ap_dataset *validation)
{
    bool later = c->codec.type == AP_CODEC_MDCT;
    int64_t count =
        train->windows * (train->held || !later) + validation->windows * (validation->held || !later);
    if (ap_step_keeps_latents(c) && count) ap_observer_note(observer, "encoding %" PRId64 " windows", count);
    AP_TRY(encode(c, model, tape, stop, "train", train));
    return encode(c, model, tape, stop, "val", validation);
}
