/** @file study.h
 * An ablation study: compares the evaluations of several runs with criteria.
 *
 * A study is a folder (scripts/study.sh makes it) with
 *
 *     arms.txt                    one line per arm, "NAME = what it changes", in the order of the table
 *     NAME-SEED/evaluation.json   for each run that has ended, by ap_evaluation_write: the run is the
 *                                 first system
 *     baselines.json              the same over the same items, with the baselines after the first system
 *
 * Means are over items and seeds. Their intervals show how much other pieces would change them: values are
 * averaged over seeds for each item, then bootstrapped over items (ap_bootstrap). How much other seeds would
 * change them is shown by the lowest and the highest mean of any single seed. A criterion is met if the mean
 * is within its bound.
 */
#ifndef ANTIPHON_STUDY_H
#define ANTIPHON_STUDY_H

#include "antiphon/api.h"
#include "antiphon/evaluate.h"
#include "antiphon/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

AP_API_BEGIN

/** What is measured of each piece. Measures with a bound are criteria. */
typedef enum ap_study_measure {
    AP_STUDY_R_INPUT,      /**< |AP_METRIC_R0_INPUT|: at most 0.2 */
    AP_STUDY_R_TARGET,     /**< |AP_METRIC_R0_TARGET|: at most 0.2 */
    AP_STUDY_RMAX_INPUT,   /**< at most ap_evaluation_unrelated */
    AP_STUDY_RMAX_TARGET,  /**< the same */
    AP_STUDY_MIX_SHARE,    /**< at most 0.35 */
    AP_STUDY_OTHERS,       /**< AP_METRIC_OTHERS: at most 0.1 */
    AP_STUDY_ONSET_GAIN,   /**< at least 0.8 of the mix's */
    AP_STUDY_CHROMA_GAIN,  /**< at least 0.9 of the target copy's */
    AP_STUDY_TIMBRE_RATIO, /**< at most 0.35 */
    AP_STUDY_LOUDNESS,     /**< |AP_METRIC_LOUDNESS|: at most 1.5 */
    AP_STUDY_VARIATION,    /**< over the mean of the sources': at least 0.6 */
    AP_STUDY_CHROMA_INPUT, /**< AP_METRIC_CHROMA_INPUT minus AP_METRIC_CHROMA_SOURCES: at most 0.05 */
    AP_STUDY_CREST,        /**< AP_METRIC_CREST, how far it is beyond the sources': at most 3 dB */
    AP_STUDY_FIZZ,         /**< AP_METRIC_FIZZ over the target's: at most 1.1 */
    AP_STUDY_CLICKS,       /**< this and the following have no bound */
    AP_STUDY_FLUTTER,
    AP_STUDY_RINGING,
    AP_STUDY_MEASURES
} ap_study_measure;

/** On which side of a bound a measure should be: there is none; at most; at least. */
typedef enum ap_side { AP_SIDE_NONE, AP_SIDE_MOST, AP_SIDE_LEAST } ap_side;

/** A measure's name, its meaning in one line, and its bound. */
typedef struct ap_study_text {
    const char *name, *meaning;
    ap_side side;
    const char *bound; /**< where the bound comes from, "" for a plain number */
} ap_study_text;

/** The texts of a measure, string constants. */
ap_study_text ap_study_describe(ap_study_measure measure);

/** One measure of one arm. */
typedef struct ap_study_cell {
    ap_summary summary;
    double least, most; /**< the lowest and the highest of the seeds' means */
    bool held;          /**< whether the mean is within the bound; false if either is missing */
} ap_study_cell;

/** A row of the table: an arm, or a baseline. */
typedef struct ap_study_row {
    char *name, *settings; /**< settings: what the arm changes, "" for a baseline */
    bool baseline;
    int seeds;
    ap_study_cell cells[AP_STUDY_MEASURES];
    int held; /**< how many criteria are met */
    bool all; /**< whether all are met */
} ap_study_row;

/** A study. Freed by ap_study_free. */
typedef struct ap_study {
    int64_t items;
    int criteria;
    double bounds[AP_STUDY_MEASURES]; /**< NaN: no bound */
    ap_study_row *rows;               /**< arms with completed runs, then baselines; owned */
    int row_count;
} ap_study;

/** Whether the folder is a study, which means that it holds arms.txt. */
bool ap_study_is(const char *folder);

/** Reads a study. Fails if a file is missing or broken, if no run has ended, or if runs were measured over
 * other items than the baselines. */
ap_status ap_study_read(const char *folder, ap_study *study);

/** Frees what the study owns. */
void ap_study_free(ap_study *study);

/** Prints aligned text: one table per question, arms above baselines, with a mark at each criterion; the last
 * column says whether all are met. The ranges over seeds follow. */
void ap_study_print(const ap_study *study, FILE *stream);

/** Writes everything as JSON: {"items", "bootstrap", "criteria": [{"name", "meaning", "side", "bound",
 * "from"}], "rows": [{"name", "settings", "baseline", "seeds", "held", "all", "cells": {name: {"mean", "low",
 * "high", "count", "least", "most", "held"}}}]}. NaN becomes null; without a bound, so does "held". The file
 * appears whole or not at all.
 */
ap_status ap_study_write(const ap_study *study, const char *path);

/** The most measures in a group. */
#define AP_STUDY_GROUP_MOST 7
/** Measures that together answer one question, ended by AP_STUDY_MEASURES. */
typedef struct ap_study_group {
    const char *question;
    ap_study_measure columns[AP_STUDY_GROUP_MOST + 1];
} ap_study_group;
/** The groups, in the order in which they are shown, as *first; returns their number. */
size_t ap_study_groups(const ap_study_group **first);

AP_API_END

#endif
