/* An MLflow tracking server, reached by its REST interface, version 2.0, which every MLflow since 1.0
 * supports. */
#include "track/artifact_url.h"
#include "track/sink.h"

#ifndef AP_HAVE_CURL

ap_status ap_server_create(const char *uri, track_sink **sink)
{
    *sink = NULL;
    return ap_artifact_url_check(uri);
}

void ap_server_prepare(void)
{
}

#else

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "track/place.h"

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define API "/api/2.0/mlflow/"

/* The limits of one runs/log-batch. */
#define METRICS_MOST 1000
#define TEXTS_MOST 100
/* The shortest limit on a parameter's value that MLflow has had, in bytes. */
#define VALUE_MOST 500
/* MLflow up to 1.27 refuses an empty parameter, and everything sent with it. */
#define VALUE_EMPTY "\"\""
/* The parameters of a run cannot be changed. If a resumed run has other values, they go to tags with this
 * prefix. */
#define RESUMED "resumed."

/* A slower server counts as down. */
#define CONNECT_MS 2000L
#define REQUEST_MS 10000L
/* An upload may take as long as it keeps moving. */
#define UPLOAD_STALLED_S 10L
/* While waiting for an answer: how often to ask whether to go on waiting; seconds. */
#define ASK_EVERY 0.05

/* The longest answer that is read: a run's description is shorter. */
#define ANSWER_MOST ((size_t)1 << 20)
#define CODE_MOST 64

typedef struct server {
    track_sink sink;
    CURL *curl;
    CURLM *multi; /* runs `curl`, so that waiting can be broken off */
    struct curl_slist *json_headers;
    char *uri;                  /* without a trailing slash */
    const track_run *run;       /* once open */
    bool created;               /* the run exists, and this program made it */
    char *artifacts;            /* URL for uploading artifacts; NULL: the server does not accept them */
    char *artifacts_elsewhere;  /* where the server says artifacts go, for messages; NULL: unknown */
    long http_code;             /* of the last answer */
    char error_code[CODE_MOST]; /* MLflow's name for the last refusal */
} server;

typedef struct answer {
    char *text;
    size_t length;
} answer;

static size_t receive(char *data, size_t size, size_t count, void *into)
{
    answer *a = into;
    size_t more = size * count;
    if (a->length + more > ANSWER_MOST) return 0;
    a->text = ap_reallocate(a->text, a->length + more + 1, 1);
    memcpy(a->text + a->length, data, more);
    a->length += more;
    a->text[a->length] = '\0';
    return more;
}

/* ---------------------------------------------------------------- requests */

/* Whether an environment variable is true, by the rule of MLflow's client. */
static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && (strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

/* Sets the common options of a request; the caller adds the method. Credentials are taken as by MLflow's
 * client. Redirects are not followed: the credentials are for the named server only. */
static void prepare(server *s, const char *url, answer *a)
{
    const char *user = getenv("MLFLOW_TRACKING_USERNAME"), *password = getenv("MLFLOW_TRACKING_PASSWORD");
    const char *token = getenv("MLFLOW_TRACKING_TOKEN");
    CURL *curl = s->curl;
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L); /* do not wait for a silent name server */
#endif
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "antiphon/" AP_VERSION);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, a);
    if (user && password) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(curl, CURLOPT_USERNAME, user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, password);
    } else if (token) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, token);
    }
    if (is_set("MLFLOW_TRACKING_INSECURE_TLS")) {
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

/* The reason, in one line, for an answer that is not a success. */
static ap_status refusal(server *s, const answer *a)
{
    cJSON *json = a->text ? cJSON_Parse(a->text) : NULL;
    const char *code = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "error_code"));
    const char *message = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "message"));
    const char *elsewhere = NULL;
    curl_easy_getinfo(s->curl, CURLINFO_REDIRECT_URL, &elsewhere);
    snprintf(s->error_code, sizeof s->error_code, "%s", code ? code : "");
    if (elsewhere) {
        cJSON_Delete(json);
        char *shown = ap_place_shown(elsewhere);
        ap_status status =
            ap_error(AP_FAILED, "HTTP %ld: redirects to %s, which is not followed: name that server instead",
                     s->http_code, shown);
        free(shown);
        return status;
    }
    ap_status status =
        ap_error(AP_FAILED, "HTTP %ld%s%s%s%.*s", s->http_code, code ? " " : "", code ? code : "",
                 message ? ": " : "", message ? (int)strcspn(message, "\r\n") : 0, message ? message : "");
    cJSON_Delete(json);
    return status;
}

static curl_off_t bytes_moved(server *s)
{
    curl_off_t up = 0, down = 0;
    curl_easy_getinfo(s->curl, CURLINFO_SIZE_UPLOAD_T, &up);
    curl_easy_getinfo(s->curl, CURLINFO_SIZE_DOWNLOAD_T, &down);
    return up + down;
}

/* As curl_easy_perform, but only while there is patience. */
static CURLcode perform_patiently(server *s)
{
    const track_patience *patience = &s->sink.patience;
    double moved = ap_clock_seconds(), left = 0;
    curl_off_t bytes = 0;
    int running = 1, messages;
    curl_multi_add_handle(s->multi, s->curl);
    while (curl_multi_perform(s->multi, &running) == CURLM_OK && running) {
        if (bytes_moved(s) != bytes) {
            bytes = bytes_moved(s);
            moved = ap_clock_seconds();
        }
        left = patience->left(patience->context, moved);
        if (left <= 0) break;
        curl_multi_poll(s->multi, NULL, 0, (int)ceil(fmin(left, ASK_EVERY) * 1000), NULL);
    }
    const CURLMsg *message = curl_multi_info_read(s->multi, &messages);
    CURLcode code = message ? message->data.result : CURLE_OPERATION_TIMEDOUT;
    curl_multi_remove_handle(s->multi, s->curl);
    return code;
}

static ap_status perform(server *s, const answer *a)
{
    s->http_code = 0;
    s->error_code[0] = '\0';
    CURLcode code = perform_patiently(s);
    if (code != CURLE_OK)
        return ap_error(code == CURLE_OPERATION_TIMEDOUT ? TRACK_SILENT : AP_FAILED, "%s",
                        curl_easy_strerror(code));
    curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &s->http_code);
    return s->http_code >= 200 && s->http_code < 300 ? ap_ok() : refusal(s, a);
}

/* One REST call. `body` (NULL: a GET) is consumed; *result (NULL: not wanted) is to be deleted by the
 * caller. */
static ap_status call(server *s, const char *what, cJSON *body, cJSON **result)
{
    answer a = {NULL, 0};
    char *url = ap_format_text("%s" API "%s", s->uri, what),
         *text = body ? cJSON_PrintUnformatted(body) : NULL;
    if (body && !text) ap_fatal("out of memory: a request to %s", s->uri);
    prepare(s, url, &a);
    curl_easy_setopt(s->curl, CURLOPT_TIMEOUT_MS, REQUEST_MS);
    if (body) {
        curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, s->json_headers);
        curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, text);
    }
    ap_status status = perform(s, &a);
    if (!ap_failed(&status) && result) {
        *result = a.text ? cJSON_Parse(a.text) : NULL;
        if (!*result) status = ap_error(AP_FAILED, "no JSON in the answer: not an MLflow server?");
    }
    free(a.text);
    cJSON_free(text);
    cJSON_Delete(body);
    free(url);
    return status;
}

/* ---------------------------------------------------------------- bodies */

static cJSON *checked(cJSON *json)
{
    if (!json) ap_fatal("out of memory: a request to an MLflow server");
    return json;
}

static cJSON *put(cJSON *object, const char *name, cJSON *value)
{
    if (!cJSON_AddItemToObject(object, name, checked(value)))
        ap_fatal("out of memory: a request to an MLflow server");
    return value;
}

static void put_text(cJSON *object, const char *name, const char *value)
{
    put(object, name, cJSON_CreateString(value));
}

/* Numbers with more than 15 digits and those that JSON cannot express are sent in the form that MLflow
 * (Protocol Buffers' JSON) reads; cJSON's own printing would round them. */
static void put_number(cJSON *object, const char *name, double value)
{
    char text[AP_NUMBER_TEXT];
    ap_text_of_number(value, text);
    put(object, name, isfinite(value) ? cJSON_CreateRaw(text) : cJSON_CreateString("NaN"));
}

static cJSON *append(cJSON *array)
{
    cJSON *item = checked(cJSON_CreateObject());
    cJSON_AddItemToArray(array, item);
    return item;
}

/* The value in a form that MLflow accepts, to be freed: not empty, and cut to VALUE_MOST bytes between
 * characters. */
static char *acceptable(const char *value)
{
    size_t length = strlen(value);
    if (length == 0) return ap_copy_text(VALUE_EMPTY);
    if (length > VALUE_MOST)
        for (length = VALUE_MOST; ((unsigned char)value[length] & 0xC0) == 0x80;) length--;
    return ap_format_text("%.*s", (int)length, value);
}

static void put_texts(cJSON *object, const char *name, size_t count, const track_text *texts)
{
    cJSON *array = put(object, name, cJSON_CreateArray());
    for (size_t i = 0; i < count; i++) {
        cJSON *item = append(array);
        char *value = acceptable(texts[i].value);
        put_text(item, "key", texts[i].name);
        put_text(item, "value", value);
        free(value);
    }
}

/* ---------------------------------------------------------------- experiment and run */

static ap_status copy_id(const cJSON *object, const char *name, char *id)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    if (!text || !ap_place_is_id(text)) return ap_error(AP_FAILED, "no %s in the server's answer", name);
    strcpy(id, text);
    return ap_ok();
}

static ap_status find_experiment(server *s, track_run *run)
{
    cJSON *result = NULL;
    char *escaped = curl_easy_escape(s->curl, run->experiment, 0);
    if (!escaped) ap_fatal("out of memory: the name of an experiment");
    char *what = ap_format_text("experiments/get-by-name?experiment_name=%s", escaped);
    ap_status status = call(s, what, NULL, &result);
    const cJSON *experiment = cJSON_GetObjectItemCaseSensitive(result, "experiment");
    if (!ap_failed(&status)) status = copy_id(experiment, "experiment_id", run->experiment_id);
    const char *stage = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(experiment, "lifecycle_stage"));
    if (!ap_failed(&status) && stage && strcmp(stage, "deleted") == 0)
        status = ap_error(
            AP_FAILED,
            "the experiment \"%s\" is deleted there: restore it, or choose another (track.experiment)",
            run->experiment);
    cJSON_Delete(result);
    free(what);
    curl_free(escaped);
    return status;
}

static ap_status find_or_create_experiment(server *s, track_run *run)
{
    ap_status status = find_experiment(s, run);
    if (!ap_failed(&status) || strcmp(s->error_code, "RESOURCE_DOES_NOT_EXIST") != 0) return status;
    cJSON *body = checked(cJSON_CreateObject()), *result = NULL;
    put_text(body, "name", run->experiment);
    status = call(s, "experiments/create", body, &result);
    if (!ap_failed(&status)) status = copy_id(result, "experiment_id", run->experiment_id);
    cJSON_Delete(result);
    /* another run may have created it first */
    if (strcmp(s->error_code, "RESOURCE_ALREADY_EXISTS") == 0) return find_experiment(s, run);
    return status;
}

/* Where artifacts go, from the run's artifact_uri: to the server itself, or nowhere. */
static void remember_artifacts(server *s, const cJSON *info)
{
    const char *uri = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(info, "artifact_uri"));
    free(s->artifacts);
    free(s->artifacts_elsewhere);
    s->artifacts = uri ? ap_artifact_url(s->uri, uri) : NULL;
    s->artifacts_elsewhere = uri ? ap_place_shown(uri) : ap_copy_text("an unknown place");
}

static ap_status create_run(server *s, track_run *run)
{
    cJSON *body = checked(cJSON_CreateObject()), *result = NULL;
    put_text(body, "experiment_id", run->experiment_id);
    put_text(body, "run_name", run->name);
    put_text(body, "user_id", run->user);
    put_number(body, "start_time", (double)run->start_ms);
    put_texts(body, "tags", run->tag_count, run->tags);
    ap_status status = call(s, "runs/create", body, &result);
    const cJSON *info =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(result, "run"), "info");
    if (!ap_failed(&status)) status = copy_id(info, "run_id", run->id);
    if (!ap_failed(&status)) remember_artifacts(s, info);
    cJSON_Delete(result);
    return status;
}

static ap_status update_run(server *s, const char *run_status, int64_t end_ms)
{
    cJSON *body = checked(cJSON_CreateObject()), *result = NULL;
    put_text(body, "run_id", s->run->id);
    put_text(body, "status", run_status);
    if (end_ms >= 0) put_number(body, "end_time", (double)end_ms);
    ap_status status = call(s, "runs/update", body, &result);
    if (!ap_failed(&status)) remember_artifacts(s, cJSON_GetObjectItemCaseSensitive(result, "run_info"));
    cJSON_Delete(result);
    return status;
}

/* Whether the last answer, to update_run, says that the run is deleted (which makes its id an invalid
 * parameter) or unknown. Nothing else can be wrong with that request. */
static bool says_gone(const server *s)
{
    return strcmp(s->error_code, "RESOURCE_DOES_NOT_EXIST") == 0 ||
           strcmp(s->error_code, "INVALID_PARAMETER_VALUE") == 0 ||
           strcmp(s->error_code, "INVALID_STATE") == 0;
}

/* After a refused request about the run: finds out whether the run is gone. */
static void notice_loss(server *s)
{
    if (!says_gone(s)) return;
    ap_status status = update_run(s, "RUNNING", -1);
    s->sink.lost = ap_failed(&status) && says_gone(s);
    s->created = s->created && !s->sink.lost;
}

/* ---------------------------------------------------------------- parameters */

/* Logs parameters or tags (`kind`). What is refused for its content is reported and left out, so that it
 * does not hold up metrics and files. */
static ap_status log_texts(server *s, const char *kind, size_t text_count, const track_text *texts)
{
    for (size_t at = 0; at < text_count; at += TEXTS_MOST) {
        size_t count = text_count - at < TEXTS_MOST ? text_count - at : TEXTS_MOST;
        cJSON *body = checked(cJSON_CreateObject());
        put_text(body, "run_id", s->run->id);
        put_texts(body, kind, count, texts + at);
        ap_status status = call(s, "runs/log-batch", body, NULL);
        if (ap_failed(&status) && strcmp(s->error_code, "INVALID_PARAMETER_VALUE") != 0) return status;
        if (ap_failed(&status))
            ap_track_say("warning: MLflow refuses some of the run's %s: %s", kind, status.message);
    }
    return ap_ok();
}

/* The value of a key among the server's parameters or tags, or NULL. */
static const char *value_of(const cJSON *texts, const char *key)
{
    const cJSON *text;
    cJSON_ArrayForEach(text, texts)
    {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(text, "key"));
        if (name && strcmp(name, key) == 0)
            return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(text, "value"));
    }
    return NULL;
}

/* Updates the server's parameters, given in `data`: logs those that are missing, and adds a tag with the
 * current value for those that have changed. */
static ap_status log_changes(server *s, const track_run *run, const cJSON *data)
{
    const cJSON *params = cJSON_GetObjectItemCaseSensitive(data, "params");
    const cJSON *tags = cJSON_GetObjectItemCaseSensitive(data, "tags");
    track_text *missing = ap_allocate(run->param_count, sizeof *missing);
    track_text *changed = ap_allocate(run->param_count, sizeof *changed);
    size_t missing_count = 0, changed_count = 0;
    for (size_t i = 0; i < run->param_count; i++) {
        char *tag = ap_format_text(RESUMED "%s", run->params[i].name),
             *value = acceptable(run->params[i].value);
        const char *first = value_of(params, run->params[i].name), *last = value_of(tags, tag);
        const char *told = last ? last : first;
        if (!told)
            missing[missing_count++] = run->params[i];
        else if (strcmp(*told ? told : VALUE_EMPTY, value) != 0)
            changed[changed_count++] = (track_text){ap_copy_text(tag), ap_copy_text(value)};
        free(tag);
        free(value);
    }
    ap_status status = log_texts(s, "params", missing_count, missing);
    if (!ap_failed(&status)) status = log_texts(s, "tags", changed_count, changed);
    for (size_t i = 0; i < changed_count; i++) {
        free(changed[i].name);
        free(changed[i].value);
    }
    free(missing);
    free(changed);
    return status;
}

static ap_status update_params(server *s, const track_run *run)
{
    cJSON *result = NULL;
    char *what = ap_format_text("runs/get?run_id=%s", run->id);
    ap_status status = call(s, what, NULL, &result);
    const cJSON *there = cJSON_GetObjectItemCaseSensitive(result, "run");
    if (!ap_failed(&status) && there)
        status = log_changes(s, run, cJSON_GetObjectItemCaseSensitive(there, "data"));
    cJSON_Delete(result);
    free(what);
    return status;
}

static ap_status server_open(track_sink *sink, track_run *run, bool *fresh)
{
    server *s = (server *)sink;
    s->run = run;
    *fresh = false;
    if (run->id[0] && !s->created) {
        ap_status status = update_run(s, "RUNNING", -1);
        if (!ap_failed(&status)) return update_params(s, run);
        if (!says_gone(s)) return status; /* otherwise a new run takes its place */
    }
    *fresh = true;
    if (!s->created) {
        AP_TRY(find_or_create_experiment(s, run));
        AP_TRY(create_run(s, run));
        s->created = true;
    }
    return log_texts(s, "params", run->param_count, run->params);
}

/* ---------------------------------------------------------------- metrics and artifacts */

static ap_status server_log(track_sink *sink, size_t count, const track_metric *metrics)
{
    server *s = (server *)sink;
    for (size_t at = 0; at < count; at += METRICS_MOST) {
        cJSON *body = checked(cJSON_CreateObject());
        put_text(body, "run_id", s->run->id);
        cJSON *array = put(body, "metrics", cJSON_CreateArray());
        for (size_t i = at; i < count && i < at + METRICS_MOST; i++) {
            cJSON *item = append(array);
            put_text(item, "key", metrics[i].name);
            put_number(item, "value", metrics[i].value);
            put_number(item, "timestamp", (double)metrics[i].time_ms);
            put_number(item, "step", (double)metrics[i].step);
        }
        ap_status status = call(s, "runs/log-batch", body, NULL);
        if (ap_failed(&status)) notice_loss(s);
        AP_TRY(status);
    }
    return ap_ok();
}

static ap_status upload(server *s, FILE *stream, const char *name)
{
    char *escaped = curl_easy_escape(s->curl, name, 0);
    if (!escaped) ap_fatal("out of memory: the name of an artifact");
    char *url = ap_format_text("%s/%s", s->artifacts, escaped);
    answer a = {NULL, 0};
    fseeko(stream, 0, SEEK_END);
    curl_off_t size = ftello(stream);
    rewind(stream);
    prepare(s, url, &a);
    curl_easy_setopt(s->curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(s->curl, CURLOPT_READDATA, stream);
    curl_easy_setopt(s->curl, CURLOPT_INFILESIZE_LARGE, size);
    curl_easy_setopt(s->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(s->curl, CURLOPT_LOW_SPEED_TIME, UPLOAD_STALLED_S);
    ap_status status = perform(s, &a);
    free(a.text);
    free(url);
    curl_free(escaped);
    return status;
}

static ap_status server_artifact(track_sink *sink, const char *path)
{
    server *s = (server *)sink;
    if (!s->artifacts)
        return ap_error(TRACK_NEVER, "%s: the server does not take artifacts itself, but keeps them at %s",
                        path, s->artifacts_elsewhere ? s->artifacts_elsewhere : "an unknown place");
    FILE *stream;
    AP_TRY(ap_track_open_artifact(path, &stream));
    ap_status status = upload(s, stream, ap_text_file_name(path));
    fclose(stream);
    return status;
}

static ap_status server_close(track_sink *sink, ap_outcome outcome, int64_t end_ms)
{
    static const char *const statuses[] = {[AP_OUTCOME_FINISHED] = "FINISHED",
                                           [AP_OUTCOME_FAILED] = "FAILED",
                                           [AP_OUTCOME_INTERRUPTED] = "KILLED"};
    server *s = (server *)sink;
    ap_status status = update_run(s, statuses[outcome], end_ms);
    if (ap_failed(&status)) notice_loss(s);
    return status;
}

static void server_free(track_sink *sink)
{
    server *s = (server *)sink;
    curl_slist_free_all(s->json_headers);
    curl_easy_cleanup(s->curl);
    curl_multi_cleanup(s->multi);
    free(s->artifacts);
    free(s->artifacts_elsewhere);
    free(s->uri);
    free(s);
}

void ap_server_prepare(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

ap_status ap_server_create(const char *uri, track_sink **sink)
{
    *sink = NULL;
    AP_TRY(ap_artifact_url_check(uri));
    server *s = ap_allocate(1, sizeof *s);
    s->sink = (track_sink){.open = server_open,
                           .log = server_log,
                           .artifact = server_artifact,
                           .close = server_close,
                           .free = server_free};
    s->uri = ap_copy_text(uri);
    for (size_t length = strlen(s->uri); length > 0 && s->uri[length - 1] == '/';) s->uri[--length] = '\0';
    s->curl = curl_easy_init();
    s->multi = curl_multi_init();
    s->json_headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (!s->curl || !s->multi || !s->json_headers) ap_fatal("out of memory: a connection to %s", uri);
    *sink = &s->sink;
    return ap_ok();
}

#endif
