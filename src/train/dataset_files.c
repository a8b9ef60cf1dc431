#include "train/dataset.h"

#include "antiphon/audio.h"
#include "antiphon/pairs.h"
#include "antiphon/stop.h"
#include "audio/recordings.h"
#include "base/bounds.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- many files at a time */

typedef ap_status piece_work(ap_dataset *dataset, ap_piece *piece, const void *context);

/* Does the work for every piece, with all threads. The failure is that of the first piece that fails. */
static ap_status for_all_pieces(ap_dataset *dataset, piece_work *work, const void *context)
{
    ap_status first = ap_ok();
    int64_t failed = INT64_MAX;
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t i = 0; i < dataset->count; i++) {
        bool wanted;
#pragma omp critical(ap_dataset_failure)
        wanted = i < failed;
        if (!wanted) continue;
        ap_status status = ap_stop_check();
        if (!ap_failed(&status)) status = work(dataset, &dataset->pieces[i], context);
        if (!ap_failed(&status)) continue;
#pragma omp critical(ap_dataset_failure)
        if (i < failed) {
            failed = i;
            first = status;
        }
    }
    return first;
}

/* ---------------------------------------------------------------- opening */

static ap_status check_length(const char *path, int64_t count, int64_t S)
{
    if (count >= S) return ap_ok();
    return ap_error(
        AP_FAILED,
        "%s: %" PRId64 " samples at %d Hz (%.2f s), shorter than data.seconds: %" PRId64 " samples (%.2f s): "
        "give a smaller --data.seconds, or prepare longer windows (prepare --seconds)",
        path, count, AP_SAMPLE_RATE, (double)count / AP_SAMPLE_RATE, S, (double)S / AP_SAMPLE_RATE);
}

/* Finds out how long both sides are. */
static ap_status measure(ap_dataset *dataset, ap_piece *piece, const void *context)
{
    (void)context;
    ap_recording *sides = piece->sides;
    const char *const paths[AP_PAIR_SIDES] = {sides[0].path, sides[1].path};
    int64_t lengths[AP_PAIR_SIDES];
    bool plain = true;
    for (int side = 0; side < AP_PAIR_SIDES; side++) {
        AP_TRY(ap_sample_file_look(paths[side], AP_SAMPLE_RATE, &sides[side].file, &sides[side].plain));
        plain = plain && sides[side].plain;
        lengths[side] = sides[side].file.count;
    }
    if (plain)
        piece->length = ap_least(lengths[0], lengths[1]);
    else
        AP_TRY(ap_audio_measure_all(AP_PAIR_SIDES, paths, AP_SAMPLE_RATE, lengths, &piece->length));
    for (int side = 0; side < AP_PAIR_SIDES; side++)
        if (lengths[side] > 0) AP_TRY(check_length(paths[side], lengths[side], dataset->S));
    return ap_ok();
}

static void count_windows(ap_dataset *dataset)
{
    dataset->windows = 0;
    for (int64_t i = 0; i < dataset->count; i++) {
        dataset->pieces[i].first = dataset->windows;
        dataset->windows += dataset->pieces[i].length / dataset->S;
    }
}

ap_status ap_dataset_open(const char *folder, const char *split, int64_t S, ap_dataset *dataset)
{
    *dataset = (ap_dataset){.S = S};
    ap_pairs pairs;
    AP_TRY(ap_pairs_list(folder, split, &pairs));
    dataset->lone = pairs.lone;
    dataset->count = (int64_t)pairs.count;
    dataset->pieces = ap_allocate(pairs.count, sizeof *dataset->pieces);
    for (size_t i = 0; i < pairs.count; i++) { /* the pieces take over the texts */
        ap_piece *piece = &dataset->pieces[i];
        piece->name = pairs.at[i].name;
        piece->sides[AP_PAIR_INPUT].path = pairs.at[i].input;
        piece->sides[AP_PAIR_TARGET].path = pairs.at[i].target;
    }
    pairs.count = 0;
    ap_pairs_free(&pairs);
    ap_status status = for_all_pieces(dataset, measure, NULL);
    count_windows(dataset);
    if (ap_failed(&status)) ap_dataset_free(dataset);
    return status;
}

/* ---------------------------------------------------------------- in memory */

int64_t ap_dataset_bytes(const ap_dataset *dataset)
{
    int64_t samples = 0;
    for (int64_t i = 0; i < dataset->count; i++) samples += AP_PAIR_SIDES * dataset->pieces[i].length;
    return samples * (int64_t)sizeof(ap_real);
}

static ap_status hold(ap_dataset *dataset, ap_piece *piece, const void *context)
{
    (void)context;
    ap_recording *sides = piece->sides;
    const char *const paths[AP_PAIR_SIDES] = {sides[0].path, sides[1].path};
    ap_audio audio[AP_PAIR_SIDES];
    int64_t lengths[AP_PAIR_SIDES];
    AP_TRY(ap_audio_read_shortest(AP_PAIR_SIDES, paths, AP_SAMPLE_RATE, audio, lengths));
    for (int side = 0; side < AP_PAIR_SIDES; side++) sides[side].samples = audio[side].samples;
    piece->length = audio[0].count;
    return check_length(sides[0].path, piece->length, dataset->S); /* a header may have promised more */
}

ap_status ap_dataset_hold(ap_dataset *dataset)
{
    AP_TRY(for_all_pieces(dataset, hold, NULL));
    count_windows(dataset);
    dataset->held = true;
    return ap_ok();
}

ap_status ap_dataset_load(const char *folder, const char *split, int64_t S, ap_dataset *dataset)
{
    AP_TRY(ap_dataset_open(folder, split, S, dataset));
    ap_status status = ap_dataset_hold(dataset);
    if (ap_failed(&status)) ap_dataset_free(dataset);
    return status;
}

/* ---------------------------------------------------------------- in files */

/* Makes the copies of a piece. From now on the copy stands for the recording. */
static ap_status copy(ap_dataset *dataset, ap_piece *piece, const void *context)
{
    const char *folder = context;
    int64_t length = INT64_MAX;
    for (int side = 0; side < AP_PAIR_SIDES; side++) {
        ap_recording *recording = &piece->sides[side];
        if (!recording->plain) {
            char *path = ap_format_text("%s/%s_%s.wav", folder, piece->name,
                                        side == AP_PAIR_INPUT ? "input" : "target");
            ap_status status = ap_sample_file_copy(recording->path, AP_SAMPLE_RATE, path);
            if (!ap_failed(&status))
                status = ap_sample_file_look(path, AP_SAMPLE_RATE, &recording->file, &recording->plain);
            if (!ap_failed(&status) && !recording->plain)
                status = ap_error(AP_FAILED, "%s: is not the copy that was made", path);
            free(recording->path);
            recording->path = path;
            AP_TRY(status);
        }
        length = ap_least(length, recording->file.count);
    }
    piece->length = length;
    return check_length(piece->sides[0].path, length, dataset->S);
}

ap_status ap_dataset_copy(ap_dataset *dataset, const char *folder)
{
    AP_TRY(for_all_pieces(dataset, copy, folder));
    count_windows(dataset);
    return ap_ok();
}
