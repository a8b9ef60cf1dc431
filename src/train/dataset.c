#include "train/dataset.h"

#include "antiphon/audio.h"
#include "antiphon/modulation.h"
#include "antiphon/pairs.h"
#include "audio/recordings.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static ap_real *copy(const ap_real *x, int64_t count)
{
    ap_real *y = ap_allocate((size_t)count, sizeof *y);
    return memcpy(y, x, (size_t)count * sizeof *y);
}

/* Cuts two recordings of the same length into windows. */
static void cut(ap_dataset *dataset, size_t piece, const ap_audio *input, const ap_audio *target)
{
    int64_t length = input->count, S = dataset->S;
    for (int64_t at = 0; at + S <= length; at += S) {
        dataset->items = ap_reallocate(dataset->items, dataset->count + 1, sizeof *dataset->items);
        dataset->items[dataset->count++] = (ap_item){
            .piece = piece, .input = copy(input->samples + at, S), .target = copy(target->samples + at, S)};
    }
}

static ap_status check_length(const char *path, int64_t count, int64_t S)
{
    if (count >= S) return ap_ok();
    return ap_error(
        AP_FAILED,
        "%s: %" PRId64 " samples at %d Hz (%.2f s), shorter than data.seconds: %" PRId64 " samples (%.2f s)",
        path, count, AP_SAMPLE_RATE, (double)count / AP_SAMPLE_RATE, S, (double)S / AP_SAMPLE_RATE);
}

static ap_status load_pair(ap_dataset *dataset, size_t piece, const ap_pair *pair)
{
    ap_audio sides[2];
    int64_t lengths[2];
    const char *const paths[2] = {pair->input, pair->target};
    AP_TRY(ap_audio_read_shortest(2, paths, AP_SAMPLE_RATE, sides, lengths));
    ap_status status = ap_ok();
    for (int k = 0; k < 2 && !ap_failed(&status); k++)
        if (lengths[k] > 0) status = check_length(paths[k], lengths[k], dataset->S);
    if (!ap_failed(&status)) cut(dataset, piece, &sides[0], &sides[1]);
    for (int k = 0; k < 2; k++) ap_audio_free(&sides[k]);
    return status;
}

ap_status ap_dataset_load(const char *folder, const char *split, int64_t S, ap_dataset *dataset)
{
    *dataset = (ap_dataset){.S = S};
    ap_pairs pairs;
    AP_TRY(ap_pairs_list(folder, split, &pairs));
    dataset->pieces = pairs.count;
    dataset->lone = pairs.lone;
    dataset->names = ap_allocate(pairs.count, sizeof *dataset->names);
    for (size_t i = 0; i < pairs.count; i++) dataset->names[i] = ap_copy_text(pairs.at[i].name);
    ap_status status = ap_ok();
    for (size_t i = 0; i < pairs.count && !ap_failed(&status); i++)
        status = load_pair(dataset, i, &pairs.at[i]);
    ap_pairs_free(&pairs);
    if (ap_failed(&status)) ap_dataset_free(dataset);
    return status;
}

void ap_dataset_free(ap_dataset *dataset)
{
    for (size_t i = 0; i < dataset->count; i++) {
        ap_item *item = &dataset->items[i];
        free(item->input);
        free(item->target);
        free(item->zi);
        free(item->zt);
    }
    for (size_t i = 0; dataset->names && i < dataset->pieces; i++) free(dataset->names[i]);
    free(dataset->names);
    free(dataset->items);
    *dataset = (ap_dataset){0};
}

static bool is_still(int64_t S, int64_t M, const ap_real *x, ap_real *e)
{
    ap_envelope(1, S, M, x, e, NULL);
    return ap_copy_r(M, e) < AP_COPY_R_LEAST;
}

size_t ap_dataset_still(const ap_dataset *dataset, int64_t M)
{
    size_t count = 0;
    ap_real *e = ap_allocate((size_t)M, sizeof *e);
    for (size_t i = 0; i < dataset->count; i++) {
        const ap_item *item = &dataset->items[i];
        count += is_still(dataset->S, M, item->input, e) || is_still(dataset->S, M, item->target, e);
    }
    free(e);
    return count;
}

static ap_real *encode(const ap_dataset *dataset, ap_codec *codec, ap_tape *tape, ap_real *audio)
{
    ap_tape_reset(tape);
    ap_tensor x = {AP_SHAPE(1, 1, dataset->S), audio};
    ap_var *z = ap_codec_encode(tape, codec, ap_tape_constant(tape, x));
    return copy(z->value.data, ap_var_count(z));
}

bool ap_dataset_encode(ap_dataset *dataset, ap_codec *codec, ap_tape *tape, const volatile sig_atomic_t *stop)
{
    dataset->D = ap_codec_dim(codec);
    dataset->T = ap_codec_frames(codec, dataset->S);
    for (size_t i = 0; i < dataset->count; i++) {
        ap_item *item = &dataset->items[i];
        if (stop && *stop) return false;
        if (!item->zi) item->zi = encode(dataset, codec, tape, item->input);
        if (stop && *stop) return false;
        if (!item->zt) item->zt = encode(dataset, codec, tape, item->target);
    }
    return true;
}

/* FNV-1a (Fowler, Noll, Vo) over words instead of bytes. */
#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static uint64_t add_word(uint64_t hash, uint64_t word)
{
    return (hash ^ word) * FNV_PRIME;
}

/* As float, so that it is the same in every build. */
static uint64_t add_samples(uint64_t hash, const ap_real *samples, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        float sample = (float)samples[i];
        uint32_t bits;
        memcpy(&bits, &sample, sizeof bits);
        hash = add_word(hash, bits);
    }
    return hash;
}

uint64_t ap_dataset_fingerprint(const ap_dataset *dataset)
{
    uint64_t hash = FNV_BASIS;
    for (size_t i = 0; i < dataset->count; i++) {
        const ap_item *item = &dataset->items[i];
        hash = add_word(hash, item->piece);
        hash = add_samples(hash, item->input, dataset->S);
        hash = add_samples(hash, item->target, dataset->S);
    }
    return hash ? hash : 1;
}
