/* A run's log, read back: a series of numbers for each metric. */
#ifndef ANTIPHON_TRACK_HISTORY_H
#define ANTIPHON_TRACK_HISTORY_H

#include "antiphon/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct series {
    char *name;
    size_t count, capacity;
    double *step, *value; /* a value that the log has as null is NaN */
} series;

typedef struct history {
    series *series;
    size_t count;
    size_t lines, torn;  /* lines that were read; lines that are no JSON object with a step */
    double began, ended; /* seconds since 1970 of the first and the last line */
    double last_step;
    double epochs;          /* completed */
    double steps_per_epoch; /* 0: no epoch has been completed */
} history;

/* Reads log.jsonl. Lines that are torn are left out and counted. A log that cannot be read is a failure and
 * leaves an empty history. */
ap_status ap_history_read(const char *path, history *h);
void ap_history_free(history *h);

/* NULL: the log has no such metric. `ap_history_find_measure` joins the two names. */
const series *ap_history_find(const history *h, const char *name);
const series *ap_history_find_measure(const history *h, const char *prefix, const char *measure);

/* The index of the lowest finite value; -1 without any. The last value; NaN without any. */
long ap_series_lowest(const series *s);
double ap_series_last(const series *s);

/* At most `most` points: where there are more, each is the mean of the finite values of a stretch of steps of
 * equal count, NaN where there are none. The caller frees step and value; the name is not set. */
series ap_series_thinned(const series *s, size_t most);

#endif
