#include "train/dataset.h"

#include "antiphon/audio.h"
#include "antiphon/modulation.h"
#include "base/bounds.h"
#include "base/hash.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- pieces */

void ap_dataset_add(ap_dataset *dataset, char *name, int64_t length, ap_real *input, ap_real *target)
{
    dataset->pieces = ap_reallocate(dataset->pieces, (size_t)dataset->count + 1, sizeof *dataset->pieces);
    dataset->pieces[dataset->count++] = (ap_piece){.name = name,
                                                   .length = length,
                                                   .first = dataset->windows,
                                                   .sides = {{.samples = input}, {.samples = target}}};
    dataset->windows += length / dataset->S;
    dataset->held = true;
}

void ap_dataset_free(ap_dataset *dataset)
{
    for (int64_t i = 0; i < dataset->count; i++) {
        ap_piece *piece = &dataset->pieces[i];
        for (int side = 0; side < AP_PAIR_SIDES; side++) {
            free(piece->sides[side].samples);
            free(piece->sides[side].latents);
            free(piece->sides[side].path);
        }
        free(piece->name);
    }
    free(dataset->pieces);
    ap_latent_cache_free(dataset->cache);
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
    if (!recording->samples)
        return ap_sample_file_read(recording->path, &recording->file, place.at, dataset->S, samples);
    memcpy(samples, recording->samples + place.at, (size_t)dataset->S * sizeof *samples);
    return ap_ok();
}

static ap_real *latents_at(const ap_dataset *dataset, ap_place place, ap_pair_side side)
{
    return dataset->pieces[place.piece].sides[side].latents + place.at / dataset->S * dataset->D * dataset->T;
}

ap_status ap_dataset_latents(const ap_dataset *dataset, ap_place place, ap_pair_side side, ap_real *z)
{
    if (dataset->latents == AP_LATENTS_CACHED)
        return ap_latent_cache_read(dataset->cache,
                                    dataset->pieces[place.piece].first + place.at / dataset->S, side, z);
    memcpy(z, latents_at(dataset, place, side), (size_t)(dataset->D * dataset->T) * sizeof *z);
    return ap_ok();
}

/* Whether the maxima of either side hardly move. */
static ap_status is_still(const ap_dataset *dataset, ap_place place, int64_t M, double variation, ap_real *x,
                          ap_real *e, bool *still)
{
    *still = false;
    for (int side = 0; side < AP_PAIR_SIDES && !*still; side++) {
        AP_TRY(ap_dataset_read(dataset, place, side, x));
        ap_envelope(1, dataset->S, M, x, e, NULL);
        *still = ap_copy_r(M, e) < AP_COPY_R_LEAST || ap_variation_of(M, e) < variation;
    }
    return ap_ok();
}

ap_status ap_dataset_still(const ap_dataset *dataset, int64_t M, double variation, int64_t most,
                           int64_t *count, int64_t *looked)
{
    ap_status status = ap_ok();
    ap_real *x = ap_allocate((size_t)dataset->S, sizeof *x), *e = ap_allocate((size_t)M, sizeof *e);
    *count = 0;
    *looked = ap_least(most, dataset->windows);
    for (int64_t k = 0; k < *looked && !ap_failed(&status); k++) {
        bool still;
        int64_t window = (int64_t)((double)k / (double)*looked * (double)dataset->windows);
        status = is_still(dataset, ap_dataset_window(dataset, window), M, variation, x, e, &still);
        *count += still;
    }
    free(x);
    free(e);
    return status;
}

/* ---------------------------------------------------------------- latents */

/* Computes the latents of a window from its samples. */
static ap_status encode(const ap_dataset *dataset, ap_codec *codec, ap_tape *tape, ap_place place,
                        ap_pair_side side, ap_real *samples, ap_real *z)
{
    AP_TRY(ap_dataset_read(dataset, place, side, samples));
    ap_tape_reset(tape);
    ap_tensor x = {AP_SHAPE(1, 1, dataset->S), samples};
    ap_var *latents = ap_codec_encode(tape, codec, ap_tape_constant(tape, x));
    memcpy(z, latents->value.data, (size_t)ap_var_count(latents) * sizeof *z);
    return ap_ok();
}

/* Both sides of a window, into z [2, D, T]. */
static ap_status encode_window(const ap_dataset *dataset, ap_codec *codec, ap_tape *tape, ap_place place,
                               const volatile sig_atomic_t *stop, ap_real *samples, ap_real *z)
{
    for (int side = 0; side < AP_PAIR_SIDES; side++) {
        if (stop && *stop) return ap_error(AP_INTERRUPTED, "interrupted");
        AP_TRY(encode(dataset, codec, tape, place, side, samples, z + side * dataset->D * dataset->T));
    }
    return ap_ok();
}

/* Holds the latents of a window in memory. */
static ap_status hold_latents(ap_dataset *dataset, ap_place place, const ap_real *z)
{
    ap_piece *piece = &dataset->pieces[place.piece];
    int64_t numbers = dataset->D * dataset->T;
    for (int side = 0; side < AP_PAIR_SIDES; side++) {
        if (!piece->sides[side].latents)
            piece->sides[side].latents =
                ap_allocate((size_t)(piece->length / dataset->S * numbers), sizeof(ap_real));
        memcpy(latents_at(dataset, place, side), z + side * numbers, (size_t)numbers * sizeof *z);
    }
    return ap_ok();
}

static ap_status encode_all(ap_dataset *dataset, ap_codec *codec, ap_tape *tape,
                            const volatile sig_atomic_t *stop)
{
    ap_status status = ap_ok();
    ap_real *samples = ap_allocate((size_t)dataset->S, sizeof *samples);
    ap_real *z = ap_allocate((size_t)(AP_PAIR_SIDES * dataset->D * dataset->T), sizeof *z);
    while (dataset->encoded < dataset->windows && !ap_failed(&status)) {
        ap_place place = ap_dataset_window(dataset, dataset->encoded);
        status = encode_window(dataset, codec, tape, place, stop, samples, z);
        if (ap_failed(&status)) break;
        status = dataset->cache ? ap_latent_cache_append(dataset->cache, z) : hold_latents(dataset, place, z);
        dataset->encoded += !ap_failed(&status);
    }
    free(samples);
    free(z);
    return status;
}

static void shape_latents(ap_dataset *dataset, ap_latents latents, const ap_codec *codec)
{
    dataset->latents = latents;
    dataset->D = ap_codec_dim(codec);
    dataset->T = ap_codec_frames(codec, dataset->S);
}

ap_status ap_dataset_encode(ap_dataset *dataset, ap_codec *codec, ap_tape *tape,
                            const volatile sig_atomic_t *stop)
{
    shape_latents(dataset, AP_LATENTS_HELD, codec);
    return encode_all(dataset, codec, tape, stop);
}

static ap_status key_of(const ap_dataset *dataset, uint64_t weights, ap_latent_key *key);

ap_status ap_dataset_encode_cached(ap_dataset *dataset, ap_codec *codec, ap_tape *tape, const char *path,
                                   uint64_t weights, const volatile sig_atomic_t *stop)
{
    ap_latent_key key;
    shape_latents(dataset, AP_LATENTS_CACHED, codec);
    AP_TRY(key_of(dataset, weights, &key));
    AP_TRY(ap_latent_cache_open(path, &key, stop, &dataset->cache, &dataset->encoded));
    ap_status status = encode_all(dataset, codec, tape, stop);
    if (!ap_failed(&status)) return ap_latent_cache_seal(dataset->cache);
    ap_latent_cache_free(dataset->cache);
    dataset->cache = NULL;
    return status;
}

void ap_dataset_encode_later(ap_dataset *dataset, ap_codec *codec, ap_tape *tape)
{
    shape_latents(dataset, AP_LATENTS_COMPUTED, codec);
    dataset->codec = codec;
    dataset->tape = tape;
}

/* ---------------------------------------------------------------- which set it is */

/* In a set of fewer recordings than this, several places of each are looked at, so many in all. */
#define SPOTS 8192
/* Samples of a place. */
#define SPOT 64

/* A hash of one recording: `spots` places of it, spread evenly from its beginning. */
static ap_status add_recording(const ap_piece *piece, ap_pair_side side, int64_t spots, uint64_t *hash)
{
    const ap_recording *recording = &piece->sides[side];
    int64_t count = ap_least(SPOT, piece->length);
    for (int64_t k = 0; k < spots; k++) {
        ap_real samples[SPOT];
        int64_t at = (int64_t)((double)k / (double)spots * (double)(piece->length - count));
        if (recording->samples)
            memcpy(samples, recording->samples + at, (size_t)count * sizeof *samples);
        else
            AP_TRY(ap_sample_file_read(recording->path, &recording->file, at, count, samples));
        *hash = ap_hash_add_samples(*hash, samples, count);
    }
    return ap_ok();
}

ap_status ap_dataset_fingerprint(const ap_dataset *dataset, uint64_t *hash)
{
    int64_t spots = ap_most(1, SPOTS / ap_most(1, AP_PAIR_SIDES * dataset->count));
    *hash = ap_hash_add(AP_HASH_BASIS, (uint64_t)dataset->S);
    for (int64_t i = 0; i < dataset->count; i++) {
        *hash = ap_hash_add(*hash, (uint64_t)dataset->pieces[i].length);
        for (int side = 0; side < AP_PAIR_SIDES; side++)
            AP_TRY(add_recording(&dataset->pieces[i], side, spots, hash));
    }
    if (*hash == 0) *hash = 1;
    return ap_ok();
}

/* Latents are of these very files: a change of one that leaves the fingerprint as it is shows in its time. */
static ap_status key_of(const ap_dataset *dataset, uint64_t weights, ap_latent_key *key)
{
    uint64_t set;
    AP_TRY(ap_dataset_fingerprint(dataset, &set));
    for (int64_t i = 0; i < dataset->count; i++)
        for (int side = 0; side < AP_PAIR_SIDES; side++) {
            const ap_sample_file *file = &dataset->pieces[i].sides[side].file;
            set = ap_hash_add(set, (uint64_t)file->bytes);
            set = ap_hash_add(set, (uint64_t)file->changed.tv_sec);
            set = ap_hash_add(set, (uint64_t)file->changed.tv_nsec);
        }
    *key = (ap_latent_key){
        .weights = weights, .set = set, .windows = dataset->windows, .numbers = dataset->D * dataset->T};
    return ap_ok();
}
