/* log.jsonl: one JSON object a line, written by the trainer, read by whoever passes it on. */
#ifndef ANTIPHON_TRACK_LOG_H
#define ANTIPHON_TRACK_LOG_H

#include "antiphon/status.h"

#include <stddef.h>
#include <stdint.h>

#define LOG_NAME "log.jsonl"
/* Logs beyond this are not read back. */
#define LOG_MOST ((size_t)4 << 30)

/* The keys of a line that are not metrics. */
#define LOG_STEP "step"
#define LOG_EPOCH "epoch"
#define LOG_TIME "time"

/* Opens the log at `path` for appending. `resumed_step` as in ap_track_create. *bytes: its length. */
ap_status ap_log_open(const char *path, int64_t resumed_step, int *descriptor, int64_t *bytes);

/* Appends one line in one write, and adds its length to *bytes. */
ap_status ap_log_append(const char *path, int descriptor, int64_t step, int epoch, double time, int count,
                        const char *const *names, const double *values, int64_t *bytes);

#endif
