/** @file prepare.h
 * Pair sets from recordings of one's own.
 *
 * Recordings are cut into windows of equal length without overlap. Either there are two folders, of inputs
 * and of targets, whose files belong together (by their names without extension, if any two of them agree, by
 * their sorted order otherwise), and the windows of the same time make a pair; or there is one folder of
 * songs, and two windows half a song apart make two pairs, each window being once the input and once the
 * target.
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

typedef struct ap_prepare_options {
    const char *inputs, *targets; /**< folders, or both NULL */
    const char *songs;            /**< folder, or NULL */
    const char *out;              /**< folder of the set, empty or not there yet */
    double seconds;               /**< length of a window, at least one sample */
    double validation;            /**< the share of recordings that go to val, 0 or more and below 1 */
    void (*progress)(const char *what, int64_t done,
                     int64_t total); /**< called after each recording, or NULL */
} ap_prepare_options;

typedef struct ap_prepare_report {
    int64_t recordings;           /**< songs, or inputs with their targets, that are long enough */
    int64_t training, validation; /**< pairs written */
    int64_t silent;               /**< windows (with their partners) left out as silence */
    int64_t remainders;           /**< recordings whose end was left out: it gives no whole window */
    int64_t lowered;              /**< windows that were brought down to AP_PREPARE_PEAK */
    int64_t brief;                /**< recordings too short to give any window */
    char first_brief[256];        /**< the name of one of them */
    int64_t alone;                /**< inputs and targets without a partner */
    char first_alone[256];        /**< the name of one of them */
    bool by_name;                 /**< whether inputs and targets were matched by name */
} ap_prepare_report;

/** Makes the set. What is for validation is music that training never hears: whole recordings, or, if there
 * is only one, its end. All headers are checked before anything is written; after a failure nothing
 * is left in `out`. No pair for training is a failure. */
ap_status ap_prepare(const ap_prepare_options *options, ap_prepare_report *report);

AP_API_END

#endif
