#include "train/dataset.h"

#include "antiphon/audio.h"
#include "antiphon/modulation.h"
#include "antiphon/pairs.h"
#include "audio/recordings.h"
#include "base/bounds.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- loading */

void ap_dataset_add(ap_dataset *dataset, char *name, int64_t length, ap_real *input, ap_real *target)
{
    dataset->pieces = ap_reallocate(dataset->pieces, (size_t)dataset->count + 1, sizeof *dataset->pieces);
    dataset->pieces[dataset->count++] = (ap_piece){.name = name,
                                                   .length = length,
                                                   .first = dataset->windows,
                                                   .sides = {{.samples = input}, {.samples = target}}};
    dataset->windows += length / dataset->S;
}

static ap_status check_length(const char *path, int64_t count, int64_t S)
{
    if (count >= S) return ap_ok();
    return ap_error(
        AP_FAILED,
        "%s: %" PRId64 " samples at %d Hz (%.2f s), shorter than data.seconds: %" PRId64 " samples (%.2f s)",
        path, count, AP_SAMPLE_RATE, (double)count / AP_SAMPLE_RATE, S, (double)S / AP_SAMPLE_RATE);
}

static ap_status load_pair(ap_dataset *dataset, const ap_pair *pair)
{
    ap_audio sides[2];
    int64_t lengths[2];
    const char *const paths[2] = {pair->input, pair->target};
    AP_TRY(ap_audio_read_shortest(2, paths, AP_SAMPLE_RATE, sides, lengths));
    ap_status status = ap_ok();
    for (int k = 0; k < 2 && !ap_failed(&status); k++)
        if (lengths[k] > 0) status = check_length(paths[k], lengths[k], dataset->S);
    if (ap_failed(&status))
        for (int k = 0; k < 2; k++) ap_audio_free(&sides[k]);
    else
        ap_dataset_add(dataset, ap_copy_text(pair->name), sides[0].count, sides[0].samples, sides[1].samples);
    return status;
}

ap_status ap_dataset_load(const char *folder, const char *split, int64_t S, ap_dataset *dataset)
{
    *dataset = (ap_dataset){.S = S};
    ap_pairs pairs;
    AP_TRY(ap_pairs_list(folder, split, &pairs));
    dataset->lone = pairs.lone;
    ap_status status = ap_ok();
    for (size_t i = 0; i < pairs.count && !ap_failed(&status); i++) status = load_pair(dataset, &pairs.at[i]);
    ap_pairs_free(&pairs);
    if (ap_failed(&status)) ap_dataset_free(dataset);
    return status;
}

void ap_dataset_free(ap_dataset *dataset)
{
    for (int64_t i = 0; i < dataset->count; i++) {
        ap_piece *piece = &dataset->pieces[i];
        for (int side = 0; side < AP_PAIR_SIDES; side++) {
            free(piece->sides[side].samples);
            free(piece->sides[side].latents);
        }
        free(piece->name);
    }
    free(dataset->pieces);
    *dataset = (ap_dataset){0};
}

/* ---------------------------------------------------------------- windows */

ap_place ap_dataset_window(const ap_dataset *dataset, int64_t index)
{
    int64_t low = 0, high = dataset->count - 1; /* the last piece that begins at or before the window */
    while (low < high) {
        int64_t middle = (low + high + 1) / 2;
        if (dataset->pieces[middle].first <= index)
            low = middle;
        else
            high = middle - 1;
    }
    return (ap_place){low, (index - dataset->pieces[low].first) * dataset->S};
}

ap_status ap_dataset_read(const ap_dataset *dataset, ap_place place, ap_pair_side side, ap_real *samples)
{
    const ap_recording *recording = &dataset->pieces[place.piece].sides[side];
    memcpy(samples, recording->samples + place.at, (size_t)dataset->S * sizeof *samples);
    return ap_ok();
}

static ap_real *latents_at(const ap_dataset *dataset, ap_place place, ap_pair_side side)
{
    return dataset->pieces[place.piece].sides[side].latents + place.at / dataset->S * dataset->D * dataset->T;
}

void ap_dataset_latents(const ap_dataset *dataset, ap_place place, ap_pair_side side, ap_real *z)
{
    memcpy(z, latents_at(dataset, place, side), (size_t)(dataset->D * dataset->T) * sizeof *z);
}

ap_status ap_dataset_still(const ap_dataset *dataset, int64_t M, int64_t *count)
{
    *count = 0;
    ap_status status = ap_ok();
    ap_real *x = ap_allocate((size_t)dataset->S, sizeof *x), *e = ap_allocate((size_t)M, sizeof *e);
    for (int64_t w = 0; w < dataset->windows && !ap_failed(&status); w++) {
        bool still = false;
        for (int side = 0; side < AP_PAIR_SIDES && !still && !ap_failed(&status); side++) {
            status = ap_dataset_read(dataset, ap_dataset_window(dataset, w), side, x);
            if (ap_failed(&status)) break;
            ap_envelope(1, dataset->S, M, x, e, NULL);
            still = ap_copy_r(M, e) < AP_COPY_R_LEAST;
        }
        *count += still;
    }
    free(x);
    free(e);
    return status;
}

/* ---------------------------------------------------------------- latents */

static void encode(ap_dataset *dataset, ap_codec *codec, ap_tape *tape, ap_place place, ap_pair_side side)
{
    ap_real *samples = dataset->pieces[place.piece].sides[side].samples + place.at;
    ap_tape_reset(tape);
    ap_tensor x = {AP_SHAPE(1, 1, dataset->S), samples};
    ap_var *z = ap_codec_encode(tape, codec, ap_tape_constant(tape, x));
    memcpy(latents_at(dataset, place, side), z->value.data, (size_t)ap_var_count(z) * sizeof(ap_real));
}

static void make_room(const ap_dataset *dataset, ap_piece *piece)
{
    for (int side = 0; side < AP_PAIR_SIDES; side++)
        if (!piece->sides[side].latents)
            piece->sides[side].latents =
                ap_allocate((size_t)(piece->length / dataset->S * dataset->D * dataset->T), sizeof(ap_real));
}

bool ap_dataset_encode(ap_dataset *dataset, ap_codec *codec, ap_tape *tape, const volatile sig_atomic_t *stop)
{
    dataset->D = ap_codec_dim(codec);
    dataset->T = ap_codec_frames(codec, dataset->S);
    for (; dataset->encoded < dataset->windows; dataset->encoded++) {
        ap_place place = ap_dataset_window(dataset, dataset->encoded);
        make_room(dataset, &dataset->pieces[place.piece]);
        for (int side = 0; side < AP_PAIR_SIDES; side++) {
            if (stop && *stop) return false;
            encode(dataset, codec, tape, place, side);
        }
    }
    return true;
}

/* ---------------------------------------------------------------- which set it is */

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
    uint64_t hash = add_word(FNV_BASIS, (uint64_t)dataset->S);
    for (int64_t i = 0; i < dataset->count; i++) {
        const ap_piece *piece = &dataset->pieces[i];
        hash = add_word(hash, (uint64_t)piece->length);
        for (int side = 0; side < AP_PAIR_SIDES; side++)
            hash = add_samples(hash, piece->sides[side].samples, piece->length);
    }
    return hash ? hash : 1;
}
