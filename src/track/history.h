/* Reads a run's log back: a series of numbers for each metric. */
#ifndef ANTIPHON_TRACK_HISTORY_H
#define ANTIPHON_TRACK_HISTORY_H

#include "antiphon/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct series {
    char *name;
    size_t count, capacity;
    double *step, *value; /* null in the log becomes NaN */
} series;

typedef struct history {
    series *series;
    size_t count;
    size_t lines, torn;  /* lines read; lines that are not JSON objects with a step */
    double began, ended; /* time of the first and the last line, in seconds since 1970 */
    double last_step;
    double epochs;          /* completed */
    double steps_per_epoch; /* 0: no completed epoch */
} history;

/* Reads log.jsonl. Damaged lines are left out and counted. A log that cannot be read is a failure and gives
 * an empty history. */
ap_status ap_history_read(const char *path, history *h);
void ap_history_free(history *h);

/* The series of a metric, or NULL. `ap_history_find_measure` joins the two parts of its name. */
const series *ap_history_find(const history *h, const char *name);
const series *ap_history_find_measure(const history *h, const char *prefix, const char *measure);

/* The index of the lowest finite value; -1 without any. The last value; NaN without any. */
long ap_series_lowest(const series *s);
double ap_series_last(const series *s);

/* The series without the steps at which `part` (NULL: none) is all of it, which means that both have the same
 * value there. The caller frees step and value; the name is not set. */
series ap_series_without(const series *s, const series *part);

/* The series reduced to at most `most` points. If it has more, each point is the mean of the finite values
 * of a stretch with an equal count of steps, or NaN if it has none. The caller frees step and value; the
 * name is not set. */
series ap_series_thinned(const series *s, size_t most);

#endif
