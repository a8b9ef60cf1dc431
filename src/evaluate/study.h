/* The parts of a study. */
#ifndef ANTIPHON_EVALUATE_STUDY_H
#define ANTIPHON_EVALUATE_STUDY_H

#include "antiphon/study.h"

/* The measures of one system's outputs, from an evaluation: values [items, AP_METRIC_COUNT]. */
typedef struct ap_sheet {
    double *values;
} ap_sheet;

/* Fills a row's cells from the sheets of its seeds. */
void ap_study_measure_row(ap_study_row *row, int64_t items, int seeds, const ap_sheet *sheets);

/* ap_evaluation_unrelated of both metrics. */
typedef struct ap_unrelated {
    double r_max_input, r_max_target;
} ap_unrelated;

/* Takes the bounds from the baselines' rows (by name) and from the limits for unrelated music, and judges
 * all rows. Fails if a baseline that a bound needs is missing; `path` is the file it should be in. */
ap_status ap_study_judge(ap_study *study, const char *path, ap_unrelated unrelated);

#endif
