#include "antiphon/track.h"

#include "base/commit.h"
#include "base/memory.h"
#include "base/text.h"
#include "track/courier.h"
#include "track/events.h"
#include "track/log.h"
#include "track/place.h"
#include "track/remains.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct ap_track {
    char *log_path;
    int log;
    int64_t bytes;
    ap_status status; /* the first failure to write the log */
    courier *courier; /* NULL: no MLflow */
    events *events;   /* NULL: no TensorBoard */
};

static double seconds_since_1970(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---------------------------------------------------------------- the sink */

static ap_status sink_for(const char *uri, track_sink **sink)
{
    if (ap_place_is_server(uri)) return ap_server_create(uri, sink);
    char *folder;
    AP_TRY(ap_place_folder(uri, &folder));
    *sink = ap_file_store_create(folder);
    free(folder);
    if (!getenv("MLFLOW_ALLOW_FILE_STORE"))
        ap_track_say("note: MLflow 3.13 and later open a folder only with MLFLOW_ALLOW_FILE_STORE=true");
    return ap_ok();
}

/* The destination of the record, and what named it: the configuration or the environment. NULL: none. */
static const char *tracking_uri(const ap_config *config, const char **key)
{
    const char *uri = config->track.uri;
    *key = "track.uri";
    if (!uri[0]) {
        uri = getenv("MLFLOW_TRACKING_URI");
        *key = "MLFLOW_TRACKING_URI";
    }
    return uri && uri[0] ? uri : NULL;
}

/* ---------------------------------------------------------------- the run's description */

static void add_text(track_text **texts, size_t *count, const char *name, const char *value)
{
    *texts = ap_reallocate(*texts, *count + 1, sizeof **texts);
    (*texts)[(*count)++] = (track_text){ap_copy_text(name), ap_copy_text(value)};
}

/* Adds all parameters except the destination, which may contain a password and says nothing about the run.
 */
static void add_params(track_run *run, const ap_config *config)
{
    char value[AP_CONFIG_TEXT];
    for (size_t i = 0; i < ap_config_count(); i++) {
        if (strncmp(ap_config_name(i), "track.", strlen("track.")) == 0) continue;
        ap_config_value(config, i, value);
        add_text(&run->params, &run->param_count, ap_config_name(i), value);
    }
}

/* Begins the event file. With INT64_MAX no more steps will come. */
static ap_status start_events(ap_track *track, const char *folder, const ap_config *config,
                              int64_t resumed_step)
{
    track_run run = {.param_count = 0};
    if (!config->track.tensorboard || resumed_step == INT64_MAX) return ap_ok();
    add_params(&run, config);
    ap_status status = ap_events_create(folder, resumed_step, seconds_since_1970(), run.params,
                                        run.param_count, &track->events);
    ap_track_run_free(&run);
    return status;
}

static track_run describe(const char *folder, const ap_config *config)
{
    const struct passwd *who = getpwuid(geteuid());
    char *absolute = realpath(folder, NULL);
    const char *name = config->track.run_name;
    if (!name[0]) name = ap_text_file_name(absolute ? absolute : folder);
    track_run run = {.experiment = ap_copy_text(config->track.experiment),
                     .name = ap_copy_text(name),
                     .user = ap_copy_text(who ? who->pw_name : "unknown"),
                     .start_ms = (int64_t)(seconds_since_1970() * 1000)};
    add_params(&run, config);
    add_text(&run.tags, &run.tag_count, "mlflow.runName", run.name);
    add_text(&run.tags, &run.tag_count, "mlflow.user", run.user);
    add_text(&run.tags, &run.tag_count, "mlflow.source.name", "antiphon");
    add_text(&run.tags, &run.tag_count, "mlflow.source.type", "LOCAL");
    add_text(&run.tags, &run.tag_count, "antiphon.version", AP_VERSION);
    if (ap_commit()[0]) add_text(&run.tags, &run.tag_count, "mlflow.source.git.commit", ap_commit());
    if (ap_commit_modified()) add_text(&run.tags, &run.tag_count, "antiphon.modified", "true");
    if (absolute) add_text(&run.tags, &run.tag_count, "antiphon.folder", absolute);
    free(absolute);
    return run;
}

/* ---------------------------------------------------------------- the record */

static ap_status start_courier(ap_track *track, const char *folder, const ap_config *config, bool resumed)
{
    const char *key, *uri = tracking_uri(config, &key);
    if (!uri) return ap_ok();
    track_sink *sink;
    ap_server_prepare();
    char *place = ap_place_shown(uri);
    ap_status status = sink_for(uri, &sink);
    if (ap_failed(&status))
        status = ap_error(status.code, "%s = \"%s\": %s", key, place, status.message);
    else
        track->courier = ap_courier_start(folder, track->log_path, place, sink, describe(folder, config),
                                          track->bytes, resumed);
    free(place);
    return status;
}

static void track_free(ap_track *track)
{
    ap_status ignored = ap_events_finish(track->events, 0, AP_OUTCOME_INTERRUPTED);
    (void)ignored;
    if (track->log >= 0) close(track->log);
    free(track->log_path);
    free(track);
}

ap_status ap_track_create(const char *folder, const ap_config *config, int64_t resumed_step, ap_track **track)
{
    ap_track *t = ap_allocate(1, sizeof *t);
    *track = NULL;
    t->log = -1;
    t->log_path = ap_format_text("%s/" LOG_NAME, folder);
    ap_status status = ap_log_open(t->log_path, resumed_step, &t->log, &t->bytes);
    if (!ap_failed(&status)) status = start_events(t, folder, config, resumed_step);
    if (!ap_failed(&status)) status = start_courier(t, folder, config, resumed_step >= 0);
    if (ap_failed(&status))
        track_free(t);
    else
        *track = t;
    return status;
}

bool ap_track_unfinished(const char *folder, const ap_config *config)
{
    const char *key, *uri = tracking_uri(config, &key);
    if (!uri) return false;
    char *place = ap_place_shown(uri);
    bool unfinished = ap_remains_any(folder, place);
    free(place);
    return unfinished;
}

/* Prints the first failure at once, since the run continues; ap_track_finish returns it. */
static void note_failure(ap_track *track, ap_status status)
{
    if (!ap_failed(&status) || ap_failed(&track->status)) return;
    track->status = status;
    ap_track_say("warning: %s", status.message);
}

void ap_track_metrics(ap_track *track, int64_t step, int epoch, int count, const char *const *names,
                      const double *values)
{
    int64_t length = ap_log_length(track->log, track->bytes);
    if (length < track->bytes && track->courier) ap_courier_cut(track->courier, length);
    track->bytes = length;
    double now = seconds_since_1970();
    note_failure(track, ap_log_append(track->log_path, track->log, step, epoch, now, count, names, values,
                                      &track->bytes));
    if (track->events) note_failure(track, ap_events_scalars(track->events, step, now, count, names, values));
    if (track->courier) ap_courier_wake(track->courier, track->bytes);
}

void ap_track_flush(ap_track *track)
{
    note_failure(track, ap_log_flush(track->log_path, track->log));
    if (track->events) note_failure(track, ap_events_flush(track->events));
}

void ap_track_artifact(ap_track *track, const char *path)
{
    if (track->courier) ap_courier_artifact(track->courier, path);
}

void ap_track_sample(ap_track *track, int64_t step, const char *name, const char *path)
{
    if (track->events)
        note_failure(track, ap_events_audio(track->events, step, seconds_since_1970(), name, path));
    ap_track_artifact(track, path);
}

bool ap_track_delivers(const ap_track *track)
{
    return track->courier != NULL;
}

ap_status ap_track_finish(ap_track *track, ap_outcome outcome)
{
    if (!track) return ap_ok();
    ap_track_flush(track);
    note_failure(track, ap_events_finish(track->events, seconds_since_1970(), outcome));
    track->events = NULL;
    if (track->courier) ap_courier_finish(track->courier, outcome);
    ap_status status = track->status;
    track_free(track);
    return status;
}
