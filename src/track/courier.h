/* The thread that carries the log to MLflow. The log file itself is the queue: nothing is held in memory, and
 * nothing is lost when the far end is slow, down or gone. */
#ifndef ANTIPHON_TRACK_COURIER_H
#define ANTIPHON_TRACK_COURIER_H

#include "track/sink.h"

typedef struct courier courier;

/* Starts it. Takes over `sink` and the texts of `run`. `place` is where the sink leads to, for messages and
 * to know it again; `log_bytes` is the length of the log at `log_path`. `resumed`: go on with the run that
 * mlflow.json names. */
courier *ap_courier_start(const char *folder, const char *log_path, const char *place, track_sink *sink,
                          track_run run, int64_t log_bytes, bool resumed);

/* Says that the log is now so long. */
void ap_courier_wake(courier *c, int64_t log_bytes);

/* Says that somebody else has cut the log to so many bytes: what is written behind them is new. */
void ap_courier_cut(courier *c, int64_t log_bytes);

/* Hands over a file. */
void ap_courier_artifact(courier *c, const char *path);

/* For how long failures are borne at the end of a run that took so long: a two-hundredth of it, at least a
 * tenth of a second and at most five; seconds. */
double ap_courier_patience(double run_seconds);

/* Lets it deliver what is left, for as long as deliveries succeed; failures are borne for
 * ap_courier_patience. At least one attempt is made. An answer is waited for up to five seconds, but after
 * one that never came only as long as failures are borne. What was not delivered is written to
 * mlflow_unsent.jsonl. Frees it. */
void ap_courier_finish(courier *c, ap_outcome outcome);

#endif
