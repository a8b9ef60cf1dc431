/* The thread that delivers the log to MLflow. The log file itself is the queue: nothing is held in memory,
 * and nothing is lost if the other side is slow, down or gone. */
#ifndef ANTIPHON_TRACK_COURIER_H
#define ANTIPHON_TRACK_COURIER_H

#include "track/sink.h"

typedef struct courier courier;

/* Starts the thread. Takes ownership of `sink` and of the texts of `run`. `place` is the destination, for
 * messages and to recognise it again; `log_bytes` is the length of the log at `log_path`. `resumed`:
 * continue the run named in mlflow.json. */
courier *ap_courier_start(const char *folder, const char *log_path, const char *place, track_sink *sink,
                          track_run run, int64_t log_bytes, bool resumed);

/* Tells the current length of the log. */
void ap_courier_wake(courier *c, int64_t log_bytes);

/* Tells that somebody else has cut the log to this length: what comes after is new. */
void ap_courier_cut(courier *c, int64_t log_bytes);

/* Adds a file to be delivered. */
void ap_courier_artifact(courier *c, const char *path);

/* How many seconds failures are tolerated at the end of a run of this duration: a two-hundredth of it, at
 * least 0.1 and at most 5 seconds. */
double ap_courier_patience(double run_seconds);

/* Delivers the rest for as long as deliveries succeed, then ends the thread and frees the courier. Failures
 * are tolerated for ap_courier_patience; at least one attempt is made. An answer is awaited for up to five
 * seconds, but once one has failed to come, only while failures are tolerated. What was not delivered goes
 * to mlflow_unsent.jsonl. */
void ap_courier_finish(courier *c, ap_outcome outcome);

#endif
