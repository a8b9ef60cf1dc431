/** @file track.h
 * The record of a run: log.jsonl in the run's folder, and, when asked for, MLflow.
 *
 * log.jsonl holds one JSON object a line: {"step": 12, "epoch": 1, "time": 1700000000.123, "train_loss": 0.5,
 * ...}, time in seconds since 1970; a value that is NaN or infinite is null. MLflow is reached as a folder
 * (its file store) or as a tracking server. A thread of its own reads the log from where it has got to and
 * passes it on, so that a server that is slow or down neither holds up training nor costs memory, and nothing
 * is lost: what was not delivered by the end stands in mlflow_unsent.jsonl, and a resumed run goes on with
 * the same MLflow run from there (mlflow.json remembers both).
 *
 * Credentials come from MLFLOW_TRACKING_USERNAME and _PASSWORD, or MLFLOW_TRACKING_TOKEN, as for MLflow's own
 * client.
 */
#ifndef ANTIPHON_TRACK_H
#define ANTIPHON_TRACK_H

#include "antiphon/api.h"
#include "antiphon/config.h"
#include "antiphon/status.h"

#include <stdbool.h>
#include <stdint.h>

AP_API_BEGIN

typedef struct ap_track ap_track;

typedef enum ap_outcome { AP_OUTCOME_FINISHED, AP_OUTCOME_FAILED, AP_OUTCOME_INTERRUPTED } ap_outcome;

/** Begins the record of the run in `folder`, which exists. The configuration's track section says where to;
 * with track.uri empty MLFLOW_TRACKING_URI does, and without it there is no MLflow. The other sections become
 * the run's parameters. `resumed_step` is -1 for a new run (an earlier log in the folder is replaced), else
 * the last step whose lines of the log are to stay: later ones and a torn last line are dropped. On success
 * *track is to be finished. AP_MISUSE: a URI of a kind that is not known; AP_FAILED: the log cannot be
 * written. */
ap_status ap_track_create(const char *folder, const ap_config *config, int64_t resumed_step,
                          ap_track **track);

/** Whether MLflow lacks something of the run in `folder`, which an earlier program could not deliver: lines
 * of the log, files, or the run's end. ap_track_create with the last step (or any later one) and
 * ap_track_finish then deliver it. Nothing is asked of a server. */
bool ap_track_unfinished(const char *folder, const ap_config *config);

/** Adds a line to the log. Never waits for a network. The first failure to write is printed as a warning and
 * returned by ap_track_finish. */
void ap_track_metrics(ap_track *track, int64_t step, int epoch, int count, const char *const *names,
                      const double *values);

/** Hands a file to MLflow's artifacts, under the last part of its name. It is read some time before
 * ap_track_finish returns, and stays where it is. */
void ap_track_artifact(ap_track *track, const char *path);

/** Sees to it that the lines so far are on the disk: before a checkpoint is, so that a loss of power does not
 * leave a checkpoint without the record of how it came about. A failure is one to write the log. */
void ap_track_flush(ap_track *track);

/** Ends the record and frees it. A server that takes what is left is waited for until it has all of it; one
 * that fails or is silent, for a two-hundredth of the time the run took (at least a tenth of a second, at
 * most five), and five seconds when it falls silent only now. The status is a failure only when the log could
 * not be written. NULL is allowed. */
ap_status ap_track_finish(ap_track *track, ap_outcome outcome);

AP_API_END

#endif
