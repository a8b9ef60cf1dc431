/* The thread that carries the log to MLflow. The log file itself is the queue: nothing is held in memory, and
 * nothing is lost when the far end is slow, down or gone. */
#ifndef ANTIPHON_TRACK_COURIER_H
#define ANTIPHON_TRACK_COURIER_H

#include "track/sink.h"

typedef struct courier courier;

/* Starts it. Takes over `sink` and the texts of `run`. `place` is where the sink leads to, for messages and
 * to know it again; `log_bytes` is the length of the log at `log_path`. `resumed`: go on with the run that
 * mlflow.json names. */
courier *courier_start(const char *folder, const char *log_path, const char *place, track_sink *sink,
                       track_run run, int64_t log_bytes, bool resumed);

/* Says that the log is now so long. */
void courier_wake(courier *c, int64_t log_bytes);

/* Hands over a file. */
void courier_artifact(courier *c, const char *path);

/* Lets it deliver what is left, waits for it a few seconds at most when the far end does not answer, writes
 * what was not delivered to mlflow_unsent.jsonl, and frees it. */
void courier_finish(courier *c, ap_outcome outcome);

#endif
