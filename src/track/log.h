/* log.jsonl: one JSON object per line, written by the trainer and read by the courier. */
#ifndef ANTIPHON_TRACK_LOG_H
#define ANTIPHON_TRACK_LOG_H

#include "antiphon/status.h"

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_NAME "log.jsonl"
/* Larger logs are not read back. */
#define LOG_MOST ((size_t)4 << 30)

/* Nor are longer lines: a line has some thousand bytes, and JSON may take forty times as many in memory. */
#define LOG_LINE_MOST ((size_t)1 << 16)

/* The keys of a line that are not metrics. */
#define LOG_STEP "step"
#define LOG_EPOCH "epoch"
#define LOG_TIME "time"

/* Opens the log at `path` for appending. `resumed_step` is as in ap_track_create; *bytes receives the
 * length. A symbolic link is replaced by a file, never followed. */
ap_status ap_log_open(const char *path, int64_t resumed_step, int *descriptor, int64_t *bytes);

/* What a line holds, for cJSON_Delete; NULL where it is no JSON, or too long to be a line of ours. */
cJSON *ap_log_parse(const char *line, size_t length);

/* Reads complete lines of the log from byte `from` on, up to byte `until` at most, a portion at a time.
 * *length is their length; 0 if the log is shorter, because it was cut. The caller frees *text, which is
 * NULL after a failure. */
ap_status ap_log_read_lines(int descriptor, const char *path, int64_t from, int64_t until, char **text,
                            int64_t *length);

/* The length of the log: `known`, unless somebody else has cut or written it; then an incomplete line is
 * ended first. */
int64_t ap_log_length(int descriptor, int64_t known);

/* Appends one line in one write, and adds its length to *bytes. */
ap_status ap_log_append(const char *path, int descriptor, int64_t step, int epoch, double time, int count,
                        const char *const *names, const double *values, int64_t *bytes);

/* Flushes what was appended to the disk. */
ap_status ap_log_flush(const char *path, int descriptor);

#endif
