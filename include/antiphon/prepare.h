/** @file prepare.h
 * Pair sets from recordings of one's own.
 *
 * Recordings, in folders and the folders within them, are cut into windows of equal length without overlap.
 * Either there are two folders, of inputs and of targets, whose recordings belong together (ap_prepare_match), and
 * the windows of the same time make a pair; or there is one folder of songs, and two windows half a song apart
 * make two pairs, each window being once the input and once the target.
 *
 * Every recording is read from beginning to end before anything is written. What cannot be read, is cut short,
 * silent or too short, what has no partner, and what is there twice, is left out and told of.
 */
#ifndef ANTIPHON_PREPARE_H
#define ANTIPHON_PREPARE_H

#include "antiphon/api.h"
#include "antiphon/status.h"

#include <stdbool.h>
#include <stdint.h>

AP_API_BEGIN

/** Windows whose RMS is below this are silence (-60 dBFS) and are left out. */
#define AP_PREPARE_SILENCE 1e-3
/** A window that goes beyond full scale, as recordings in floating point may, is brought down to this peak:
 * sixteen bits would cut it off. */
#define AP_PREPARE_PEAK 0.99

/** How inputs and targets were found to belong together: the first way that finds any pair. Numbers in names are
 * compared as numbers. */
typedef enum ap_prepare_match {
    AP_PREPARE_BY_NAME, /**< the same name but for the extension */
    AP_PREPARE_BY_PART, /**< the same in what the names of each side differ in: drums_2 and piano_02 */
    AP_PREPARE_BY_ORDER /**< the order of both; as many on either side */
} ap_prepare_match;

typedef struct ap_prepare_options {
    const char *inputs, *targets; /**< folders, or both NULL */
    const char *songs;            /**< folder, or NULL */
    const char *out;              /**< folder of the set, empty or not there yet */
    double seconds;               /**< length of a window, at least one sample */
    double validation;            /**< the share of recordings that go to val, 0 or more and below 1 */
    void (*progress)(const char *what, int64_t done,
                     int64_t total);   /**< called after each recording, or NULL */
    void (*left_out)(const char *line); /**< called with "PATH: REASON" for each recording left out, or NULL */
} ap_prepare_options;

typedef struct ap_prepare_report {
    int64_t recordings;           /**< songs, or inputs with their targets, that pairs were cut from */
    int64_t training, validation; /**< pairs written */
    int64_t silent;               /**< windows (with their partners) left out as silence */
    int64_t remainders;           /**< recordings whose end was left out: it gives no whole window */
    int64_t lowered;              /**< windows that were brought down to AP_PREPARE_PEAK */
    int64_t alone;                /**< inputs and targets left out as they have no partner */
    int64_t brief;                /**< songs or pairs left out as too short to give any window */
    int64_t unusable;             /**< those of which a recording cannot be read or is silent throughout */
    int64_t repeated;             /**< those whose sound is that of others */
    ap_prepare_match matched;     /**< with inputs and targets: how */
    char example[2][128];         /**< an input and its target */
} ap_prepare_report;

/** Makes the set. What is for validation is music that training never hears: whole recordings, or, if there
 * is only one, its end. After a failure nothing is left in `out`. No pair for training is a failure, and so are
 * different numbers of inputs and targets whose names do not say which belong together. */
ap_status ap_prepare(const ap_prepare_options *options, ap_prepare_report *report);

AP_API_END

#endif
