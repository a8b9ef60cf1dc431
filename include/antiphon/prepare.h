/** @file prepare.h
 * Makes pair sets from the user's own recordings.
 *
 * Recordings, from folders and all folders inside them, are cut into windows of equal length without overlap.
 * There are two ways to form pairs. With a folder of inputs and a folder of targets, recordings that belong
 * together (ap_prepare_match) are matched, and their windows at the same time make a pair. With one folder of
 * songs, two windows half a song apart make two pairs: each window is once the input and once the target.
 *
 * Pairs keep the rate and channels that options ask for; training hears the mid of any at AP_SAMPLE_RATE.
 *
 * Every recording is read from beginning to end before anything is written. Recordings that are unreadable,
 * truncated, silent, too short, duplicate or without a partner are left out, and reported.
 *
 * Recordings are read and cut by all OpenMP threads. A run that is interrupted or killed leaves what it has
 * done in the folder `unfinished` of the set; the same call goes on from there.
 */
#ifndef ANTIPHON_PREPARE_H
#define ANTIPHON_PREPARE_H

#include "antiphon/api.h"
#include "antiphon/status.h"

#include <stdbool.h>
#include <stdint.h>

AP_API_BEGIN

/** Windows with an RMS below this (-60 dBFS) are silence and are left out. */
#define AP_PREPARE_SILENCE 1e-3
/** Windows that go beyond full scale, as floating-point recordings may, are lowered to this peak; 16-bit
 * samples would clip them. */
#define AP_PREPARE_PEAK 0.99

/** How inputs are matched to targets: the first way that finds any pair. Numbers in names are compared as
 * numbers. */
typedef enum ap_prepare_match {
    AP_PREPARE_BY_NAME, /**< the same name without the extension */
    AP_PREPARE_BY_PART, /**< the same varying part of the name: 2 in drums_2 and piano_02 */
    AP_PREPARE_BY_ORDER /**< the same place in sorted order, if both folders hold the same number */
} ap_prepare_match;

typedef struct ap_prepare_options {
    const char *inputs, *targets; /**< folders, or both NULL */
    const char *songs;            /**< folder, or NULL */
    const char *out;              /**< folder of the set, which must be empty or not exist */
    double seconds;               /**< length of a window, at least one sample */
    int sample_rate, channels;    /**< of the pairs, 16000 to 96000 and 1 or 2; 0: those that the agent hears,
                                     AP_SAMPLE_RATE and 1 */
    double validation;            /**< share of the recordings that goes to val, in [0, 1) */
    bool strict;                  /**< whether a recording that is left out is a failure */
    void (*progress)(
        const char *what, int64_t done,
        int64_t total); /**< called after each recording, by any thread but one at a time, or NULL */
    void (*left_out)(
        const char *line); /**< called with "PATH: REASON" for each recording left out, or NULL */
} ap_prepare_options;

typedef struct ap_prepare_report {
    int64_t recordings;           /**< songs, or inputs with their targets, that gave pairs */
    int64_t training, validation; /**< pairs written */
    double seconds[2],
        bytes[2];       /**< of these pairs for training and validation: music of a side, and files */
    int64_t left_out;   /**< lines for left_out */
    int64_t silent;     /**< windows (with their partners) left out as silent */
    int64_t remainders; /**< recordings whose end was left out because it gives no whole window */
    int64_t lowered;    /**< windows lowered to AP_PREPARE_PEAK */
    int64_t alone;    /**< inputs and targets left out for lack of a partner, or because theirs is left out */
    int64_t brief;    /**< recordings left out because they are shorter than a window */
    int64_t unusable; /**< recordings left out because they are unreadable or silent */
    int64_t repeated; /**< songs or pairs left out because they sound the same as others */
    bool whole; /**< an earlier run of this command was killed while it moved the finished set; the move is
                   now complete, nothing was cut, and all other fields are 0 */
    ap_prepare_match matched; /**< how inputs and targets were matched */
    char example[2][128];     /**< an input and its target */
} ap_prepare_report;

/** Makes the set. Validation pairs come from music that training never hears: from whole recordings or, if
 * there is only one, from its end. Fails if there is no pair for training, or if inputs and targets differ in
 * number and their names do not show which belong together. After a failure nothing is left in `out`; after
 * AP_INTERRUPTED, what is needed to go on. */
ap_status ap_prepare(const ap_prepare_options *options, ap_prepare_report *report);

AP_API_END

#endif
