#include "track/courier.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/replace.h"
#include "evaluate/json.h"
#include "track/log.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STATE_NAME "mlflow.json"
#define STATE_MOST ((size_t)1 << 16)
#define UNSENT_NAME "mlflow_unsent.jsonl"

/* So much of the log is delivered at a time; more when a single line is longer. */
#define PORTION ((int64_t)1 << 16)

/* Pause between deliveries that succeed, so that metrics go in batches; seconds. */
#define PACE 1.0
/* Pauses after failures double from the one to the other. */
#define BACK_OFF_FIRST 1.0
#define BACK_OFF_MOST 60.0
/* At the end failures are borne for a share of the time that the run took, within limits, with a pause
 * between attempts; seconds. */
#define FINISH_SHARE (1.0 / 200)
#define FINISH_LEAST 0.1
#define FINISH_MOST 5.0
#define FINISH_BACK_OFF 0.05

typedef struct text_list {
    char **at;
    size_t count;
} text_list;

struct courier {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;

    /* under the mutex */
    int64_t bytes;       /* length of the log */
    text_list artifacts; /* to be delivered, the first one next */
    bool finishing;
    double patient_until; /* once finishing: when failures become too many; put off by each success */
    bool silent;          /* the last request had no answer at all */
    ap_outcome outcome;
    int64_t end_ms;

    /* the thread's own, and after it has ended ap_courier_finish's */
    track_sink *sink;
    track_run run;
    char *log_path, *state_path, *unsent_path, *place;
    int log;           /* the log, open for reading */
    int64_t sent;      /* bytes of the log that are delivered */
    text_list refused; /* artifacts that will never be taken */
    bool open, closed, warned;
    double back_off;
    double started;
};

static void list_append(text_list *list, char *text)
{
    list->at = ap_reallocate(list->at, list->count + 1, sizeof *list->at);
    list->at[list->count++] = text;
}

static char *list_take_first(text_list *list)
{
    char *first = list->at[0];
    memmove(list->at, list->at + 1, --list->count * sizeof *list->at);
    return first;
}

static void list_free(text_list *list)
{
    for (size_t i = 0; i < list->count; i++) free(list->at[i]);
    free(list->at);
}

/* ---------------------------------------------------------------- the state that outlives the program */

static void save_state(const courier *c)
{
    char sent[TRACK_ID];
    snprintf(sent, sizeof sent, "%" PRId64, c->sent);
    cJSON *state = cJSON_CreateObject();
    cJSON_AddStringToObject(state, "uri", c->place);
    cJSON_AddStringToObject(state, "experiment_id", c->run.experiment_id);
    cJSON_AddStringToObject(state, "run_id", c->run.id);
    cJSON_AddRawToObject(state, "sent", sent);
    char *text = cJSON_Print(state);
    if (!text) ap_fatal("out of memory: %s", c->state_path);
    ap_status status = ap_replace_file(c->state_path, text, strlen(text));
    if (ap_failed(&status)) ap_track_say("warning: %s", status.message);
    cJSON_free(text);
    cJSON_Delete(state);
}

static const char *state_text(const cJSON *state, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(state, name));
    return text ? text : "";
}

/* Takes up the run that an earlier program began in the same place. Anything amiss: a new one. */
static void load_state(courier *c)
{
    char *text;
    size_t length;
    ap_status status = ap_file_read(c->state_path, STATE_MOST, &text, &length);
    if (ap_failed(&status)) return;
    cJSON *state = cJSON_Parse(text);
    const char *id = state_text(state, "run_id"), *experiment = state_text(state, "experiment_id");
    const cJSON *sent = cJSON_GetObjectItemCaseSensitive(state, "sent");
    if (strcmp(state_text(state, "uri"), c->place) == 0 && strlen(id) < TRACK_ID &&
        strlen(experiment) < TRACK_ID) {
        strcpy(c->run.id, id);
        strcpy(c->run.experiment_id, experiment);
        double most = (double)c->bytes; /* the resumed log may be shorter than what was sent of it */
        if (cJSON_IsNumber(sent) && sent->valuedouble > 0) c->sent = (int64_t)fmin(sent->valuedouble, most);
    }
    cJSON_Delete(state);
    free(text);
}

/* ---------------------------------------------------------------- reading the log */

/* Whole lines of the log from `sent` on, of `until` bytes in all; *length of them. The caller frees. */
static char *read_lines(const courier *c, int64_t until, int64_t *length)
{
    for (int64_t portion = PORTION;; portion *= 2) {
        int64_t wanted = until - c->sent < portion ? until - c->sent : portion, got = 0;
        char *text = ap_allocate((size_t)wanted + 1, 1);
        while (got < wanted) {
            ssize_t more = pread(c->log, text + got, (size_t)(wanted - got), c->sent + got);
            if (more < 0 && errno == EINTR) continue;
            if (more <= 0) break;
            got += more;
        }
        const char *last = memrchr(text, '\n', (size_t)got);
        if (last || got < portion) {
            *length = last ? last + 1 - text : got;
            return text;
        }
        free(text);
    }
}

typedef struct metric_list {
    track_metric *at;
    size_t count;
} metric_list;

static void add_line(metric_list *metrics, const char *line, size_t length)
{
    cJSON *json = ap_json_parse(line, length);
    const cJSON *step = cJSON_GetObjectItemCaseSensitive(json, LOG_STEP);
    const cJSON *time_s = cJSON_GetObjectItemCaseSensitive(json, LOG_TIME), *item;
    if (cJSON_IsNumber(step) && cJSON_IsNumber(time_s)) cJSON_ArrayForEach(item, json)
        {
            if (item == step || item == time_s || strcmp(item->string, LOG_EPOCH) == 0) continue;
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
    char *text = read_lines(c, until, &length);
    metric_list metrics = {NULL, 0};
    for (int64_t at = 0; at < length;) {
        const char *end = memchr(text + at, '\n', (size_t)(length - at));
        int64_t line = end ? end + 1 - (text + at) : length - at;
        add_line(&metrics, text + at, (size_t)line);
        at += line;
    }
    ap_status status = c->sink->log(c->sink, metrics.count, metrics.at);
    if (!ap_failed(&status)) {
        c->sent += length;
        save_state(c);
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
    ap_track_say("warning: MLflow at %s: %s (the run goes on; what is not delivered stays in %s)", c->place,
                 status->message, c->log_path);
}

/* Delivers one artifact; the list keeps it until it is accepted or refused for good. Called with the mutex
 * locked. */
static ap_status deliver_artifact(courier *c)
{
    char *path = ap_copy_text(c->artifacts.at[0]);
    pthread_mutex_unlock(&c->mutex);
    ap_status status = c->sink->artifact(c->sink, path);
    pthread_mutex_lock(&c->mutex);
    if (status.code == TRACK_NEVER) {
        warn_once(c, &status);
        list_append(&c->refused, path);
        status = ap_ok();
    } else
        free(path);
    if (!ap_failed(&status)) free(list_take_first(&c->artifacts));
    return status;
}

static ap_status open_sink(courier *c)
{
    bool fresh;
    AP_TRY(c->sink->open(c->sink, &c->run, &fresh));
    c->open = true;
    if (fresh) c->sent = 0;
    save_state(c);
    return ap_ok();
}

/* The next thing to be done, if any (*idle: none). Called with the mutex locked, which it lets go meanwhile.
 */
static ap_status deliver_next(courier *c, bool *idle)
{
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
    return status;
}

/* Waits until something changes (seconds < 0), or until `seconds` have passed or the end has come. */
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

/* The sink's track_patience. Before the end the sink's own limits do. At the end one that has answered, or
 * said no, is waited for as long as the longest patience; one that was silent, no longer than failures are
 * borne. */
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

/* Signals are for the thread that trains. */
static void start_thread(courier *c)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&c->thread, NULL, run_courier, c);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) ap_fatal("no thread for MLflow: %s", strerror(failed));
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
    c->bytes = log_bytes;
    c->back_off = BACK_OFF_FIRST;
    c->log_path = ap_copy_text(log_path);
    c->place = ap_copy_text(place);
    c->state_path = ap_format_text("%s/" STATE_NAME, folder);
    c->unsent_path = ap_format_text("%s/" UNSENT_NAME, folder);
    c->log = open(log_path, O_RDONLY | O_CLOEXEC);
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

void ap_courier_artifact(courier *c, const char *path)
{
    pthread_mutex_lock(&c->mutex);
    bool waiting = false;
    for (size_t i = 0; i < c->artifacts.count; i++)
        waiting = waiting || strcmp(c->artifacts.at[i], path) == 0;
    if (!waiting) list_append(&c->artifacts, ap_copy_text(path));
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->mutex);
}

/* ---------------------------------------------------------------- the end */

static ap_status write_list(ap_replacement *file, const text_list *artifacts)
{
    for (size_t i = 0; i < artifacts->count; i++) {
        cJSON *line = cJSON_CreateObject();
        cJSON_AddStringToObject(line, "artifact", artifacts->at[i]);
        char *text = cJSON_PrintUnformatted(line);
        if (!text) ap_fatal("out of memory: a line of " UNSENT_NAME);
        ap_status status = ap_replace_write(file, text, strlen(text));
        if (!ap_failed(&status)) status = ap_replace_write(file, "\n", 1);
        cJSON_free(text);
        cJSON_Delete(line);
        if (ap_failed(&status)) return status;
    }
    return ap_ok();
}

static ap_status write_rest(courier *c, ap_replacement *file)
{
    for (int64_t length; c->sent < c->bytes; c->sent += length) {
        char *text = read_lines(c, c->bytes, &length);
        ap_status status = length ? ap_replace_write(file, text, (size_t)length)
                                  : ap_error(AP_FAILED, "%s: shorter than it was", c->log_path);
        free(text);
        if (ap_failed(&status)) return status;
    }
    AP_TRY(write_list(file, &c->refused));
    return write_list(file, &c->artifacts);
}

/* Leaves mlflow_unsent.jsonl with the lines of the log and the artifacts that were not delivered; without
 * any, no such file. */
static ap_status write_unsent(courier *c)
{
    if (c->sent == c->bytes && c->artifacts.count == 0 && c->refused.count == 0) {
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

static void free_texts(track_text *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(texts[i].name);
        free(texts[i].value);
    }
    free(texts);
}

static void courier_free(courier *c)
{
    c->sink->free(c->sink);
    if (c->log >= 0) close(c->log);
    list_free(&c->artifacts);
    list_free(&c->refused);
    free_texts(c->run.params, c->run.param_count);
    free_texts(c->run.tags, c->run.tag_count);
    free(c->run.experiment);
    free(c->run.name);
    free(c->run.user);
    free(c->log_path);
    free(c->state_path);
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
    c->end_ms = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->mutex);
    pthread_join(c->thread, NULL);
    if (!c->closed)
        ap_track_say("warning: MLflow at %s did not get all of the run: the rest is in %s", c->place,
                     c->unsent_path);
    ap_status status = write_unsent(c);
    if (ap_failed(&status)) ap_track_say("warning: %s", status.message);
    courier_free(c);
}
