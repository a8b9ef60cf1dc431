#include "track/courier.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/replace.h"
#include "base/thread.h"
#include "track/log.h"
#include "track/place.h"
#include "track/remains.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Pause in seconds between successful deliveries, so that metrics are sent in batches. */
#define PACE 1.0
/* Pauses after failures, in seconds, double from the first value to the second. */
#define BACK_OFF_FIRST 1.0
#define BACK_OFF_MOST 60.0
/* At the end, failures are tolerated for a share of the run's duration, within limits, with a pause between
 * attempts; seconds. */
#define FINISH_SHARE (1.0 / 200)
#define FINISH_LEAST 0.1
#define FINISH_MOST 5.0
#define FINISH_BACK_OFF 0.05

struct courier {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;

    /* under the mutex */
    int64_t bytes;      /* length of the log */
    int64_t cut;        /* length to which it was cut since the last check; -1: it was not */
    ap_names artifacts; /* to be delivered, in order */
    bool finishing;
    double patient_until; /* once finishing: the time at which failures are no longer tolerated; each success
                             postpones it */
    bool silent;          /* the last request got no answer */
    ap_outcome outcome;
    int64_t end_ms;

    /* used by the thread only and, after it has ended, by ap_courier_finish */
    track_sink *sink;
    track_run run;
    char *folder, *log_path, *unsent_path, *place;
    int log;            /* the log, open for reading */
    int64_t sent;       /* bytes of the log already delivered */
    ap_names refused;   /* artifacts that were refused for good */
    ap_names delivered; /* artifacts already delivered */
    bool open, closed, warned;
    bool told_cut, told_name; /* whether these warnings have been given, once each */
    char lost_id[TRACK_ID];   /* id of a lost run, until there is a new one */
    bool replaced;            /* a lost run was replaced by a new one, which happens only once */
    int64_t first_bytes,
        ended_ms; /* length of the log at the start; when an earlier program ended the run, or 0 */
    double back_off;
    double started;
};

static void remove_first(ap_names *names)
{
    free(names->at[0]);
    memmove(names->at, names->at + 1, --names->count * sizeof *names->at);
}

/* ---------------------------------------------------------------- what outlives the program */

/* `ended`: MLflow knows that the run has ended; end_ms: the time of that, 0 before. */
static void save_state(const courier *c, bool ended, int64_t end_ms)
{
    remains r = {.sent = c->sent, .ended = ended, .end_ms = end_ms};
    strcpy(r.run_id, c->run.id);
    strcpy(r.experiment_id, c->run.experiment_id);
    ap_remains_write(c->folder, c->place, &r);
}

/* Continues the run that an earlier program began in the same place, with the files it did not deliver.
 * Without such a run a new one is made. */
static void load_state(courier *c)
{
    remains r;
    if (ap_remains_read(c->folder, c->place, &r) && r.run_id[0] && r.experiment_id[0]) {
        strcpy(c->run.id, r.run_id);
        strcpy(c->run.experiment_id, r.experiment_id);
        c->sent = r.sent < c->bytes ? r.sent : c->bytes; /* the resumed log may be shorter */
        c->ended_ms = r.end_ms;
    }
    c->artifacts = ap_remains_artifacts(c->folder);
}

/* ---------------------------------------------------------------- reading the log */

static void tell_cut(courier *c)
{
    if (c->told_cut) return;
    c->told_cut = true;
    ap_track_say("warning: %s was truncated during the run: what was cut off before delivery is not "
                 "in MLflow",
                 c->log_path);
}

/* If the log was cut, goes back to its end. Called with the mutex locked. */
static void notice_cut(courier *c)
{
    if (c->cut < 0) return;
    tell_cut(c);
    if (c->sent > c->cut) c->sent = c->cut;
    c->cut = -1;
}

/* Gives up the lines up to `until`: the log ends before, and nothing can be read until it grows again. */
static void give_up_lines(courier *c, int64_t until)
{
    struct stat about;
    tell_cut(c);
    if (fstat(c->log, &about) == 0 && about.st_size < c->sent) c->sent = about.st_size;
    pthread_mutex_lock(&c->mutex);
    if (c->bytes == until) c->bytes = c->sent;
    pthread_mutex_unlock(&c->mutex);
}

typedef struct metric_list {
    track_metric *at;
    size_t count;
} metric_list;

/* The name of a metric becomes a file name in a file store, and a server refuses a whole request because of
 * one invalid name. */
static bool is_metric(courier *c, const char *name)
{
    if (ap_place_is_metric(name)) return true;
    if (!c->told_name)
        ap_track_say("warning: %s: the metric \"%.*s\" is left out: MLflow allows only letters, digits, "
                     "spaces and _-.:",
                     c->log_path, TRACK_ID, name);
    c->told_name = true;
    return false;
}

static void add_line(courier *c, metric_list *metrics, const char *line, size_t length)
{
    cJSON *json = ap_log_parse(line, length);
    const cJSON *step = cJSON_GetObjectItemCaseSensitive(json, LOG_STEP);
    const cJSON *time_s = cJSON_GetObjectItemCaseSensitive(json, LOG_TIME), *item;
    if (cJSON_IsNumber(step) && cJSON_IsNumber(time_s)) cJSON_ArrayForEach(item, json)
        {
            if (item == step || item == time_s || strcmp(item->string, LOG_EPOCH) == 0) continue;
            if (!is_metric(c, item->string)) continue;
            metrics->at = ap_reallocate(metrics->at, metrics->count + 1, sizeof *metrics->at);
            metrics->at[metrics->count++] =
                (track_metric){.name = ap_copy_text(item->string),
                               .value = cJSON_IsNumber(item) ? item->valuedouble : NAN,
                               .time_ms = llround(time_s->valuedouble * 1000),
                               .step = (int64_t)step->valuedouble};
        }
    cJSON_Delete(json);
}

static ap_status deliver_lines(courier *c, int64_t until)
{
    int64_t length;
    char *text;
    AP_TRY(ap_log_read_lines(c->log, c->log_path, c->sent, until, &text, &length));
    if (length == 0) {
        give_up_lines(c, until);
        free(text);
        return ap_ok();
    }
    metric_list metrics = {NULL, 0};
    for (int64_t at = 0; at < length;) {
        const char *end = memchr(text + at, '\n', (size_t)(length - at));
        int64_t line = end ? end + 1 - (text + at) : length - at;
        add_line(c, &metrics, text + at, (size_t)line);
        at += line;
    }
    ap_status status = c->sink->log(c->sink, metrics.count, metrics.at);
    if (!ap_failed(&status)) {
        c->sent += length;
        save_state(c, false, 0);
    }
    for (size_t i = 0; i < metrics.count; i++) free(metrics.at[i].name);
    free(metrics.at);
    free(text);
    return status;
}

/* ---------------------------------------------------------------- the thread */

static void warn_once(courier *c, const ap_status *status)
{
    if (c->warned) return;
    c->warned = true;
    ap_track_say("warning: MLflow at %s: %s (the run continues; what is not delivered stays in %s)", c->place,
                 status->message, c->log_path);
}

/* Delivers one artifact, which stays in the list until it is accepted or refused for good. Called with the
 * mutex locked. */
static ap_status deliver_artifact(courier *c)
{
    char *path = ap_copy_text(c->artifacts.at[0]);
    pthread_mutex_unlock(&c->mutex);
    ap_status status = c->sink->artifact(c->sink, path);
    pthread_mutex_lock(&c->mutex);
    if (status.code == TRACK_NEVER) {
        warn_once(c, &status);
        ap_names_add(&c->refused, path);
        status = ap_ok();
    } else if (!ap_failed(&status))
        ap_names_add(&c->delivered, path);
    free(path);
    if (!ap_failed(&status)) remove_first(&c->artifacts);
    return status;
}

static ap_status open_sink(courier *c)
{
    bool fresh;
    char before[TRACK_ID];
    strcpy(before, c->lost_id[0] ? c->lost_id : c->run.id);
    AP_TRY(c->sink->open(c->sink, &c->run, &fresh));
    c->open = true;
    if (fresh) c->sent = 0;
    if (before[0] && strcmp(before, c->run.id) != 0)
        ap_track_say("note: MLflow at %s: run %s no longer exists: everything goes to a new one, %s",
                     c->place, before, c->run.id);
    c->lost_id[0] = '\0';
    save_state(c, false, 0);
    return ap_ok();
}

/* Replaces a deleted run by a new one; only once, so that a server that refuses everything does not get more
 * and more runs. Returns whether it did. Called with the mutex locked. */
static bool notice_loss(courier *c)
{
    if (!c->sink->lost || c->replaced) return false;
    c->sink->lost = false;
    c->replaced = true;
    c->open = false;
    strcpy(c->lost_id, c->run.id);
    c->run.id[0] = '\0';
    for (size_t i = 0; i < c->delivered.count; i++) ap_names_add(&c->artifacts, c->delivered.at[i]);
    ap_names_free(&c->delivered);
    return true;
}

/* Delivers the next item, if there is one (otherwise sets *idle). Called with the mutex locked, which it
 * releases meanwhile. */
static ap_status deliver_next(courier *c, bool *idle)
{
    notice_cut(c);
    int64_t bytes = c->bytes, end_ms = c->end_ms;
    ap_outcome outcome = c->outcome;
    bool lines = c->open && c->sent < bytes, artifacts = c->open && !lines && c->artifacts.count > 0;
    bool close = c->open && !lines && !artifacts && c->finishing && !c->closed;
    *idle = c->open && !lines && !artifacts && !close;
    if (*idle) return ap_ok();
    if (artifacts) return deliver_artifact(c);
    pthread_mutex_unlock(&c->mutex);
    ap_status status = !c->open ? open_sink(c)
                       : lines  ? deliver_lines(c, bytes)
                                : c->sink->close(c->sink, outcome, end_ms);
    pthread_mutex_lock(&c->mutex);
    c->closed = close && !ap_failed(&status);
    return ap_failed(&status) && notice_loss(c) ? ap_ok() : status;
}

/* Waits until something changes, at most `seconds` (if >= 0), or until the end of the run. */
static void pause_for(courier *c, double seconds)
{
    if (seconds < 0) {
        pthread_cond_wait(&c->changed, &c->mutex);
        return;
    }
    double until = ap_clock_seconds() + seconds;
    struct timespec at = {.tv_sec = (time_t)until, .tv_nsec = (long)((until - floor(until)) * 1e9)};
    bool was_finishing = c->finishing;
    while (c->finishing == was_finishing && ap_clock_seconds() < until)
        pthread_cond_timedwait(&c->changed, &c->mutex, &at);
}

double ap_courier_patience(double run_seconds)
{
    return fmin(fmax(FINISH_SHARE * run_seconds, FINISH_LEAST), FINISH_MOST);
}

static void be_patient_anew(courier *c)
{
    double now = ap_clock_seconds();
    c->patient_until = now + ap_courier_patience(now - c->started);
}

/* The sink's track_patience. During the run only the sink's own limits apply. At the end, a sink that has
 * answered, even negatively, gets the longest patience; a silent one only the time for which failures are
 * tolerated. */
static double patience_left(void *context, double moved)
{
    courier *c = context;
    pthread_mutex_lock(&c->mutex);
    double until = !c->finishing ? INFINITY : c->silent ? c->patient_until : moved + FINISH_MOST;
    pthread_mutex_unlock(&c->mutex);
    return until - ap_clock_seconds();
}

static void *run_courier(void *argument)
{
    courier *c = argument;
    pthread_mutex_lock(&c->mutex);
    while (!c->closed) {
        bool idle, opened = c->open, last_chance = c->finishing;
        ap_status status = deliver_next(c, &idle);
        c->silent = status.code == TRACK_SILENT;
        if (!ap_failed(&status)) {
            c->back_off = BACK_OFF_FIRST;
            if (c->finishing) be_patient_anew(c);
            if (idle)
                pause_for(c, -1);
            else if (opened && !c->finishing)
                pause_for(c, PACE);
            continue;
        }
        warn_once(c, &status);
        if (last_chance && ap_clock_seconds() + FINISH_BACK_OFF > c->patient_until) break;
        pause_for(c, c->finishing ? FINISH_BACK_OFF : c->back_off);
        c->back_off = fmin(2 * c->back_off, BACK_OFF_MOST);
    }
    pthread_mutex_unlock(&c->mutex);
    return NULL;
}

static void start_thread(courier *c)
{
    int failed = ap_thread_start(&c->thread, run_courier, c);
    if (failed) ap_fatal("cannot start the MLflow thread: %s", strerror(failed));
}

courier *ap_courier_start(const char *folder, const char *log_path, const char *place, track_sink *sink,
                          track_run run, int64_t log_bytes, bool resumed)
{
    courier *c = ap_allocate(1, sizeof *c);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&c->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&c->mutex, NULL);
    c->sink = sink;
    c->sink->patience = (track_patience){.left = patience_left, .context = c};
    c->run = run;
    c->started = ap_clock_seconds();
    c->bytes = c->first_bytes = log_bytes;
    c->cut = -1;
    c->back_off = BACK_OFF_FIRST;
    c->log_path = ap_copy_text(log_path);
    c->place = ap_copy_text(place);
    c->folder = ap_copy_text(folder);
    c->unsent_path = ap_remains_unsent_path(folder);
    c->log = open(log_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (resumed) load_state(c);
    start_thread(c);
    return c;
}

void ap_courier_wake(courier *c, int64_t log_bytes)
{
    pthread_mutex_lock(&c->mutex);
    c->bytes = log_bytes;
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->mutex);
}

void ap_courier_cut(courier *c, int64_t log_bytes)
{
    pthread_mutex_lock(&c->mutex);
    c->cut = c->cut < 0 || log_bytes < c->cut ? log_bytes : c->cut;
    c->bytes = log_bytes;
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->mutex);
}

void ap_courier_artifact(courier *c, const char *path)
{
    pthread_mutex_lock(&c->mutex);
    bool waiting = false;
    for (size_t i = 0; i < c->artifacts.count; i++)
        waiting = waiting || strcmp(c->artifacts.at[i], path) == 0;
    if (!waiting) ap_names_add(&c->artifacts, path);
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->mutex);
}

/* ---------------------------------------------------------------- the end */

static ap_status write_rest(courier *c, ap_replacement *file)
{
    for (int64_t length; c->sent < c->bytes; c->sent += length) {
        char *text;
        AP_TRY(ap_log_read_lines(c->log, c->log_path, c->sent, c->bytes, &text, &length));
        ap_status status = length ? ap_replace_write(file, text, (size_t)length) : ap_ok();
        free(text);
        AP_TRY(status);
        if (length == 0) { /* the log was cut and ends here */
            tell_cut(c);
            break;
        }
    }
    AP_TRY(ap_remains_write_artifacts(file, &c->refused));
    return ap_remains_write_artifacts(file, &c->artifacts);
}

/* Writes the undelivered lines and artifacts to mlflow_unsent.jsonl, or removes that file if everything was
 * delivered. */
static ap_status write_unsent(courier *c)
{
    if (c->sent >= c->bytes && c->artifacts.count == 0 && c->refused.count == 0) {
        unlink(c->unsent_path);
        return ap_ok();
    }
    ap_replacement file;
    AP_TRY(ap_replace_begin(c->unsent_path, &file));
    ap_status status = write_rest(c, &file);
    if (!ap_failed(&status)) return ap_replace_commit(&file);
    ap_replace_abandon(&file);
    return status;
}

static void courier_free(courier *c)
{
    c->sink->free(c->sink);
    if (c->log >= 0) close(c->log);
    ap_names_free(&c->artifacts);
    ap_names_free(&c->refused);
    ap_names_free(&c->delivered);
    ap_track_run_free(&c->run);
    free(c->log_path);
    free(c->folder);
    free(c->unsent_path);
    free(c->place);
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->mutex);
    free(c);
}

void ap_courier_finish(courier *c, ap_outcome outcome)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    pthread_mutex_lock(&c->mutex);
    c->finishing = true;
    be_patient_anew(c);
    c->outcome = outcome;
    bool went_on = !c->ended_ms || c->bytes != c->first_bytes;
    c->end_ms = went_on ? (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 : c->ended_ms;
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->mutex);
    pthread_join(c->thread, NULL);
    if (!c->closed)
        ap_track_say("warning: MLflow at %s did not receive the whole run: the rest is in %s", c->place,
                     c->unsent_path);
    notice_cut(c);
    if (c->run.id[0]) save_state(c, c->closed, c->end_ms);
    ap_status status = write_unsent(c);
    if (ap_failed(&status)) ap_track_say("warning: %s", status.message);
    courier_free(c);
}
