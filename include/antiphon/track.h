/** @file track.h
 * The record of a run: log.jsonl in the run's folder and, on request, TensorBoard's event files and MLflow.
 *
 * log.jsonl holds one JSON object per line, with the time in seconds since 1970. NaN and infinite values
 * become null.
 *
 *     {"step": 12, "epoch": 1, "time": 1700000000.123, "train_loss": 0.5, ...}
 *
 * With track.tensorboard the folder gets an event file, too: every line of the log as scalars of the same
 * names, the configuration as text and as hyperparameters, and samples to be heard. A new run replaces the
 * folder's event files. A resumed one begins another, in which TensorBoard is told to drop what is later than
 * the step it goes on from.
 *
 * MLflow is reached as a folder (its file store) or as a tracking server. A separate thread reads the log and
 * passes it on, so a slow or unreachable server neither holds up training nor uses memory. Nothing is lost:
 * what was not delivered by the end is in mlflow_unsent.jsonl, and a resumed run continues the same MLflow
 * run from there (mlflow.json stores both the run and the position).
 *
 * Credentials come from MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or from MLFLOW_TRACKING_TOKEN,
 * as for MLflow's own client.
 */
#ifndef ANTIPHON_TRACK_H
#define ANTIPHON_TRACK_H

#include "antiphon/api.h"
#include "antiphon/config.h"
#include "antiphon/status.h"

#include <stdbool.h>
#include <stdint.h>

AP_API_BEGIN

/** The record of a run in progress. */
typedef struct ap_track ap_track;

/** How a run ended. */
typedef enum ap_outcome { AP_OUTCOME_FINISHED, AP_OUTCOME_FAILED, AP_OUTCOME_INTERRUPTED } ap_outcome;

/** Begins the record of the run in `folder`, which must exist. track.uri names the MLflow folder or server;
 * if it is empty, MLFLOW_TRACKING_URI does; if that is not set, there is no MLflow. The other sections of the
 * configuration become the run's parameters. `resumed_step` is -1 for a new run, which replaces an earlier
 * log in the folder. Otherwise it is the last step whose lines stay in the log; later lines and an incomplete
 * last line are dropped. On success the caller ends *track by ap_track_finish. AP_MISUSE: an unknown kind of
 * URI. AP_FAILED: the log cannot be written. */
ap_status ap_track_create(const char *folder, const ap_config *config, int64_t resumed_step,
                          ap_track **track);

/** Whether MLflow still lacks something of the run in `folder` that an earlier program could not deliver:
 * lines of the log, files, or the end of the run. If so, ap_track_create with the last step (or any later
 * one) and ap_track_finish deliver it. Contacts no server. */
bool ap_track_unfinished(const char *folder, const ap_config *config);

/** Adds a line to the log: `count` names and values. Never waits for a network. The first failure to write is
 * printed as a warning, and ap_track_finish returns it. */
void ap_track_metrics(ap_track *track, int64_t step, int epoch, int count, const char *const *names,
                      const double *values);

/** Adds a file to MLflow's artifacts, under its base name. The file is read before ap_track_finish returns,
 * and is not changed. */
void ap_track_artifact(ap_track *track, const char *path);

/** The same for a WAV file of the model's output at a step, which TensorBoard plays under `name`. */
void ap_track_sample(ap_track *track, int64_t step, const char *name, const char *path);

/** Whether the record goes to MLflow. */
bool ap_track_delivers(const ap_track *track);

/** Flushes the log to the disk. Call it before writing a checkpoint, so that a loss of power does not leave a
 * checkpoint without its record. A failure counts as a failure to write the log. */
void ap_track_flush(ap_track *track);

/** Ends the record and frees it. A server that responds is waited for until it has everything. One that fails
 * or does not respond gets a two-hundredth of the run's duration (at least 0.1 s, at most 5 s), or five
 * seconds if it stops responding only now. The status is a failure only if the log could not be written. NULL
 * is allowed. */
ap_status ap_track_finish(ap_track *track, ap_outcome outcome);

AP_API_END

#endif
