/** @file study.h
 * An ablation study: what the evaluations of several runs come to, against criteria.
 *
 * A study is a folder (scripts/study.sh makes it) with
 *
 *     arms.txt                    a line an arm, "NAME = what it changes", in the order of the table
 *     NAME-SEED/evaluation.json   for each of its runs that has ended: ap_evaluation_write, the run's system
 * first baselines.json              the same with the baselines behind the first system, over the same items
 *
 * Means are over items and seeds alike. Their intervals say what other pieces would do: for each item the
 * mean over the seeds, of these the percentile bootstrap (ap_bootstrap). What other seeds would do is shown
 * beside them, by the lowest and the highest of the seeds' own means. A criterion is held when the mean is
 * within its bound.
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

/** What is measured of each piece; those with a bound are criteria. */
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
    AP_STUDY_LOUDNESS,     /**< |AP_METRIC_LOUDNESS|: at most 3 */
    AP_STUDY_VARIATION,    /**< of the mean of the sources': at least 0.6 */
    AP_STUDY_CLICKS,       /**< no criterion, nor what follows */
    AP_STUDY_FLUTTER,
    AP_STUDY_RINGING,
    AP_STUDY_MEASURES
} ap_study_measure;

typedef enum ap_side { AP_SIDE_NONE, AP_SIDE_MOST, AP_SIDE_LEAST } ap_side;

/** What a measure is called, what it says in one line, and on which side of its bound it should be. */
typedef struct ap_study_text {
    const char *name, *meaning;
    ap_side side;
    const char *bound; /**< where the bound comes from, "" for a plain number */
} ap_study_text;
ap_study_text ap_study_describe(ap_study_measure measure);

typedef struct ap_study_cell {
    ap_summary summary;
    double least, most; /**< the lowest and the highest of the seeds' means */
    bool held;          /**< whether the mean is within the bound; false where there is no mean or no bound */
} ap_study_cell;

/** An arm, or a baseline. */
typedef struct ap_study_row {
    char *name, *settings; /**< settings: what the arm changes, "" for a baseline */
    bool baseline;
    int seeds;
    ap_study_cell cells[AP_STUDY_MEASURES];
    int held; /**< how many criteria */
    bool all; /**< whether all of them */
} ap_study_row;

typedef struct ap_study {
    int64_t items;
    int criteria;
    double bounds[AP_STUDY_MEASURES]; /**< NaN without */
    ap_study_row *rows;               /**< arms that have ended runs, then baselines; owned */
    int row_count;
} ap_study;

/** Whether a folder is one of a study: whether it holds arms.txt. */
bool ap_study_is(const char *folder);

/** Reads a study. Fails when a file is missing or broken, no run has ended, or runs were measured over other
 * items than the baselines. */
ap_status ap_study_read(const char *folder, ap_study *study);
void ap_study_free(ap_study *study);

/** Aligned text: a table for each question, arms above baselines, each criterion marked; the last column says
 * whether all are held. Then the seeds' ranges. */
void ap_study_print(const ap_study *study, FILE *stream);

/** Everything as JSON: {"items", "bootstrap", "criteria": [{"name", "meaning", "side", "bound", "from"}],
 * "rows":
 * [{"name", "settings", "baseline", "seeds", "held", "all", "cells": {name: {"mean", "low", "high", "count",
 * "least", "most", "held"}}}]}; NaN is null, and so is "held" without a bound. The file appears whole or not
 * at all. */
ap_status ap_study_write(const ap_study *study, const char *path);

/** Measures that together answer one question, ended by AP_STUDY_MEASURES. */
#define AP_STUDY_GROUP_MOST 6
typedef struct ap_study_group {
    const char *question;
    ap_study_measure columns[AP_STUDY_GROUP_MOST + 1];
} ap_study_group;
size_t ap_study_groups(const ap_study_group **first);

AP_API_END

#endif
