/* The record of a run: the log, MLflow as a folder, and MLflow as a server that answers, fails, is silent or
 * is not there. */
#include "antiphon/track.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/memory.h"
#include "support/check.h"
#include "support/folder.h"
#include "track/courier.h"

#include <arpa/inet.h>
#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static char *content(const char *path)
{
    char *text = NULL;
    size_t length;
    ap_status status = ap_file_read(path, (size_t)1 << 24, &text, &length);
    assert_string_equal(status.message, "");
    return text;
}

static void write_file(const char *path, const char *text)
{
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    fputs(text, stream);
    fclose(stream);
}

/* Collects what goes to the standard error until `heard` is called, which gives it. */
static int kept_error = -1;
static void listen_to_errors(void **state)
{
    fflush(stderr);
    kept_error = dup(STDERR_FILENO);
    int file = open(folder_path(state, "stderr"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(file >= 0 && dup2(file, STDERR_FILENO) >= 0);
    close(file);
}
static char *heard(void **state)
{
    fflush(stderr);
    dup2(kept_error, STDERR_FILENO);
    close(kept_error);
    return content(folder_path(state, "stderr"));
}

static int occurrences(const char *text, const char *part)
{
    int count = 0;
    for (const char *at = text; (at = strstr(at, part)); at++) count++;
    return count;
}

static ap_track *begin(void **state, const char *uri, int64_t resumed_step)
{
    ap_config config = ap_config_default();
    ap_track *track;
    snprintf(config.track.uri, sizeof config.track.uri, "%s", uri);
    ap_status status = ap_track_create(*state, &config, resumed_step, &track);
    if (strstr(status.message, "built without libcurl")) skip();
    assert_string_equal(status.message, "");
    return track;
}

/* Logs steps first .. last, with a value a step that no other has. */
static void log_steps(ap_track *track, int first, int last)
{
    const char *const names[] = {"train_loss", "learning_rate"};
    for (int step = first; step <= last; step++)
        ap_track_metrics(track, step, step / 10, 2, names,
                         (const double[]){1.0 / (step + 3), step == 2 ? NAN : 1e-4});
}

static void finish(ap_track *track, ap_outcome outcome)
{
    ap_status status = ap_track_finish(track, outcome);
    assert_string_equal(status.message, "");
}

/* The bytes that the first lines of a text take. */
static size_t bytes_of_lines(const char *text, int lines)
{
    size_t bytes = 0;
    for (; lines > 0; lines--) bytes += strcspn(text + bytes, "\n") + 1;
    return bytes;
}

/* ---------------------------------------------------------------- the log */

static void the_log(void **state)
{
    ap_track *track = begin(state, "", -1);
    const char *const names[] = {"train_loss", "val_loss", "ratio"};
    ap_track_metrics(track, 12, 3, 3, names, (const double[]){0.1, NAN, -INFINITY});
    ap_track_metrics(track, 13, 3, 1, names, (const double[]){0.1 + 0.2});
    finish(track, AP_OUTCOME_FINISHED);
    char *text = content(folder_path(state, "log.jsonl"));
    double time_s;
    int parsed = 0;
    sscanf(text,
           "{\"step\": 12, \"epoch\": 3, \"time\": %lf, \"train_loss\": 0.1, \"val_loss\": null, \"ratio\": "
           "null}\n%n",
           &time_s, &parsed);
    assert_true(parsed > 0);
    assert_true(fabs(time_s - (double)time(NULL)) < 60);
    assert_non_null(strstr(text + parsed, "\"train_loss\": 0.30000000000000004}\n"));
    assert_int_equal(occurrences(text, "\n"), 2);
    free(text);
    track = begin(state, "", -1); /* a new run replaces it */
    finish(track, AP_OUTCOME_FINISHED);
    text = content(folder_path(state, "log.jsonl"));
    assert_string_equal(text, "");
    free(text);
}

static void a_resumed_log(void **state)
{
    const char *path = folder_path(state, "log.jsonl");
    ap_track *track = begin(state, "", -1);
    log_steps(track, 0, 4);
    finish(track, AP_OUTCOME_INTERRUPTED);
    char *whole = content(path), *third = strstr(whole, "{\"step\": 3");
    assert_non_null(third);
    FILE *stream = fopen(path, "a");
    fputs("{\"step\": 1, \"epo", stream); /* torn */
    fclose(stream);
    track = begin(state, "", 2);
    char *trimmed = content(path);
    assert_int_equal(strlen(trimmed), third - whole);
    assert_memory_equal(trimmed, whole, (size_t)(third - whole));
    log_steps(track, 3, 3);
    finish(track, AP_OUTCOME_FINISHED);
    char *again = content(path);
    assert_memory_equal(again, trimmed, strlen(trimmed));
    assert_int_equal(occurrences(again, "\n"), 4);
    assert_int_equal(occurrences(again, "{\"step\": 3"), 1);
    free(whole);
    free(trimmed);
    free(again);
    unlink(path);
    track = begin(state, "", 7); /* no log to resume: it begins here */
    log_steps(track, 8, 8);
    finish(track, AP_OUTCOME_FINISHED);
    again = content(path);
    assert_int_equal(occurrences(again, "\n"), 1);
    free(again);
}

static void a_log_that_cannot_be_written(void **state)
{
    ap_config config = ap_config_default();
    ap_track *track;
    ap_status status = ap_track_create("/nowhere/run", &config, -1, &track);
    assert_string_equal(status.message,
                        "/nowhere/run/log.jsonl: cannot be written: No such file or directory");
    assert_int_equal(symlink("/dev/full", folder_path(state, "log.jsonl")), 0);
    track = begin(state, "", -1);
    listen_to_errors(state);
    log_steps(track, 0, 2);
    char *said = heard(state);
    assert_int_equal(occurrences(said, "log.jsonl: cannot be written: No space left on device\n"), 1);
    free(said);
    status = ap_track_finish(track, AP_OUTCOME_FINISHED);
    assert_int_equal(status.code, AP_FAILED);
    assert_non_null(strstr(status.message, "log.jsonl: cannot be written: No space left on device"));
    status = ap_track_finish(NULL, AP_OUTCOME_FINISHED);
    assert_int_equal(status.code, AP_OK);
}

static void places_that_are_none(void **state)
{
    const char *const uris[] = {"sqlite:///mlflow.db", "databricks://profile", "file://elsewhere/a",
                                "s3://bucket", "file:"};
    for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
        ap_config config = ap_config_default();
        ap_track *track;
        ap_config_override(&config, "track.uri", uris[i]);
        ap_status status = ap_track_create(*state, &config, -1, &track);
        char want[200];
        snprintf(want, sizeof want, "track.uri = \"%s\": must be a folder, a file: URI or an http(s) server",
                 uris[i]);
        assert_string_equal(status.message, want);
        assert_int_equal(status.code, AP_MISUSE);
        assert_null(track);
    }
    setenv("MLFLOW_TRACKING_URI", "sqlite:///x", 1);
    ap_config config = ap_config_default();
    ap_track *track;
    ap_status status = ap_track_create(*state, &config, -1, &track);
    unsetenv("MLFLOW_TRACKING_URI");
    assert_non_null(strstr(status.message, "MLFLOW_TRACKING_URI = \"sqlite:///x\""));
}

/* ---------------------------------------------------------------- a folder */

/* The only entry of a folder that does not begin with a dot and is none of MLflow's files. */
static char *only_folder(const char *path)
{
    DIR *folder = opendir(path);
    assert_non_null(folder);
    char *found = NULL;
    for (const struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "meta.yaml") == 0) continue;
        assert_null(found);
        found = malloc(strlen(path) + strlen(entry->d_name) + 2);
        sprintf(found, "%s/%s", path, entry->d_name);
    }
    closedir(folder);
    assert_non_null(found);
    return found;
}

static char *run_file(const char *run, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", run, name);
    return content(path);
}

static void a_folder(void **state)
{
    setenv("MLFLOW_ALLOW_FILE_STORE", "true", 1);
    char root[4096], uri[4200];
    snprintf(root, sizeof root, "%s", folder_path(state, "a store"));
    snprintf(uri, sizeof uri, "file://%s/a%%20store", (const char *)*state);
    write_file(folder_path(state, "sample.wav"), "RIFF");
    ap_track *track = begin(state, uri, -1);
    log_steps(track, 0, 5);
    ap_track_artifact(track, folder_path(state, "sample.wav"));
    ap_track_artifact(track, folder_path(state, "sample.wav"));
    finish(track, AP_OUTCOME_INTERRUPTED);
    char *experiment = only_folder(root), *run = only_folder(experiment);
    char *meta = run_file(run, "meta.yaml"), *loss = run_file(run, "metrics/train_loss");
    assert_non_null(strstr(meta, "\nstatus: 5\n"));
    assert_non_null(strstr(meta, "a%20store/"));
    assert_null(strstr(meta, "end_time: null"));
    long long ms;
    int parsed = 0;
    sscanf(loss, "%lld 0.3333333333333333 0\n%n", &ms, &parsed);
    assert_true(parsed > 0 && llabs(ms / 1000 - (long long)time(NULL)) < 60);
    assert_int_equal(occurrences(loss, "\n"), 6);
    char *rate = run_file(run, "metrics/learning_rate");
    assert_non_null(strstr(rate, " nan 2\n"));
    char *param = run_file(run, "params/train.lr"), *sample = run_file(run, "artifacts/sample.wav");
    assert_string_equal(param, "0.0001");
    assert_string_equal(sample, "RIFF");

    /* resumed: the same run, without the step that was dropped, with its beginning and a new end */
    track = begin(state, uri, 3);
    log_steps(track, 4, 4);
    finish(track, AP_OUTCOME_FINISHED);
    char *same = only_folder(experiment), *meta_after = run_file(run, "meta.yaml"),
         *after = run_file(run, "metrics/train_loss");
    assert_string_equal(same, run);
    assert_int_equal(occurrences(after, "\n"), 5);
    assert_memory_equal(after, loss, bytes_of_lines(loss, 4)); /* steps 0 to 3 */
    assert_non_null(strstr(meta_after, "\nstatus: 3\n"));
    const char *start = strstr(meta, "start_time:");
    assert_memory_equal(strstr(meta_after, "start_time:"), start, strcspn(start, "\n"));
    free(experiment);
    free(run);
    free(meta);
    free(loss);
    free(rate);
    free(param);
    free(sample);
    free(same);
    free(meta_after);
    free(after);
}

/* Experiments that MLflow itself has made, as its YAML writer quotes their names. */
static void an_experiment_that_is_there(void **state)
{
    const struct {
        const char *written, *name;
    } cases[] = {{"antiphon", "antiphon"},
                 {"'it''s: one'", "it's: one"},
                 {"\"tab\\tand \\\"quotes\\\"\"", "tab\tand \"quotes\""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char root[500], experiment[600], path[700];
        snprintf(root, sizeof root, "%s/store%zu", (const char *)*state, i);
        snprintf(experiment, sizeof experiment, "%s/123", root);
        snprintf(path, sizeof path, "%s/meta.yaml", experiment);
        mkdir(root, 0700);
        mkdir(experiment, 0700);
        char meta[300];
        snprintf(meta, sizeof meta, "artifact_location: file:///x\nexperiment_id: '123'\nname: %s\n",
                 cases[i].written);
        write_file(path, meta);
        ap_config config = ap_config_default();
        ap_track *track;
        snprintf(config.track.uri, sizeof config.track.uri, "%s", root);
        snprintf(config.track.experiment, sizeof config.track.experiment, "%s", cases[i].name);
        assert_int_equal(ap_track_create(*state, &config, -1, &track).code, AP_OK);
        finish(track, AP_OUTCOME_FINISHED);
        char *found = only_folder(root), *run = only_folder(experiment);
        assert_string_equal(found, experiment);
        free(found);
        free(run);
    }
}

static void hint(void **state)
{
    unsetenv("MLFLOW_ALLOW_FILE_STORE");
    listen_to_errors(state);
    ap_track *track = begin(state, folder_path(state, "store"), -1);
    finish(track, AP_OUTCOME_FINISHED);
    char *said = heard(state);
    assert_non_null(strstr(said, "MLFLOW_ALLOW_FILE_STORE=true"));
    free(said);
}

/* ---------------------------------------------------------------- a server */

enum { REQUESTS_MOST = 200 };

/* What the server in the test does with a request. */
typedef enum manner { ANSWERS, REFUSES, IS_SILENT } manner;

typedef struct fake_server {
    int socket, port;
    pthread_t thread;
    pthread_mutex_t mutex;
    manner manner;
    int held[REQUESTS_MOST], held_count; /* connections that wait for an answer in vain */
    char *requests[REQUESTS_MOST];       /* header and body */
    int count;
} fake_server;

/* Reads a request: its header, and as much body as the header says. */
static char *receive(int connection)
{
    size_t length = 0, capacity = 1 << 20;
    char *text = calloc(capacity + 1, 1);
    for (;;) {
        ssize_t got = read(connection, text + length, capacity - length);
        if (got <= 0) break;
        length += (size_t)got;
        const char *end = strstr(text, "\r\n\r\n"), *size = strcasestr(text, "content-length:");
        if (end &&
            length >= (size_t)(end + 4 - text) + (size && size < end ? strtoul(size + 15, NULL, 10) : 0))
            break;
    }
    return text;
}

static void answer(int connection, const char *request, manner how)
{
    const char *code = "200 OK", *body = "{}";
    if (how == REFUSES) {
        code = "503 Service Unavailable";
        body = "<html>busy</html>";
    } else if (strstr(request, "experiments/get-by-name?experiment_name=antiphon ")) {
        code = "404 Not Found";
        body = "{\"error_code\": \"RESOURCE_DOES_NOT_EXIST\", \"message\": \"no\"}";
    } else if (strstr(request, "experiments/create "))
        body = "{\"experiment_id\": \"7\"}";
    else if (strstr(request, "runs/create "))
        body = "{\"run\": {\"info\": {\"run_id\": \"abc\", \"artifact_uri\": "
               "\"mlflow-artifacts:/7/abc/artifacts\"}}}";
    else if (strstr(request, "runs/update "))
        body =
            "{\"run_info\": {\"run_id\": \"abc\", \"artifact_uri\": \"mlflow-artifacts:/7/abc/artifacts\"}}";
    dprintf(connection, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", code,
            strlen(body), body);
}

static void *serve(void *argument)
{
    fake_server *server = argument;
    for (int connection; (connection = accept(server->socket, NULL, NULL)) >= 0;) {
        char *request = receive(connection);
        pthread_mutex_lock(&server->mutex);
        manner how = server->manner;
        if (how == ANSWERS && server->count < REQUESTS_MOST)
            server->requests[server->count++] = request;
        else
            free(request), request = NULL;
        if (how == IS_SILENT && server->held_count < REQUESTS_MOST)
            server->held[server->held_count++] = connection;
        pthread_mutex_unlock(&server->mutex);
        if (how == IS_SILENT) continue;
        answer(connection, request ? request : "", how);
        close(connection);
    }
    return NULL;
}

static void server_start(fake_server *server, manner how)
{
    *server = (fake_server){.manner = how, .socket = socket(AF_INET, SOCK_STREAM, 0)};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    assert_int_equal(bind(server->socket, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(server->socket, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(listen(server->socket, 16), 0);
    server->port = ntohs(address.sin_port);
    pthread_mutex_init(&server->mutex, NULL);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void server_behaves(fake_server *server, manner how)
{
    pthread_mutex_lock(&server->mutex);
    server->manner = how;
    while (server->held_count > 0) close(server->held[--server->held_count]);
    pthread_mutex_unlock(&server->mutex);
}

static int server_requests(fake_server *server)
{
    pthread_mutex_lock(&server->mutex);
    int count = server->count;
    pthread_mutex_unlock(&server->mutex);
    return count;
}

/* Returns when it has answered a request. */
static void server_is_asked(fake_server *server)
{
    while (server_requests(server) == 0) usleep(10000);
}

static void server_stop(fake_server *server)
{
    server_behaves(server, ANSWERS);
    shutdown(server->socket, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->socket);
}

static void server_free(fake_server *server)
{
    for (int i = 0; i < server->count; i++) free(server->requests[i]);
}

static const char *uri_of(const fake_server *server, const char *credentials)
{
    static char uri[100];
    snprintf(uri, sizeof uri, "http://%s127.0.0.1:%d/", credentials, server->port);
    return uri;
}

/* How many points of train_loss the server got; each step once, and no request with more than 1000. */
static int points(const fake_server *server)
{
    int count = 0, next = 0;
    for (int i = 0; i < server->count; i++) {
        if (!strstr(server->requests[i], "runs/log-batch ")) continue;
        cJSON *body = cJSON_Parse(strstr(server->requests[i], "\r\n\r\n") + 4);
        assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(body, "run_id")), "abc");
        const cJSON *metric, *metrics = cJSON_GetObjectItem(body, "metrics");
        assert_true(cJSON_GetArraySize(metrics) <= 1000);
        assert_true(cJSON_GetArraySize(cJSON_GetObjectItem(body, "params")) <= 100);
        cJSON_ArrayForEach(metric, metrics)
        {
            int step = cJSON_GetObjectItem(metric, "step")->valueint;
            if (strcmp(cJSON_GetObjectItem(metric, "key")->valuestring, "train_loss") == 0) {
                assert_int_equal(step, next++);
                assert_true(cJSON_GetObjectItem(metric, "value")->valuedouble == 1.0 / (step + 3));
                count++;
            } else if (step == 2)
                assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(metric, "value")), "NaN");
        }
        cJSON_Delete(body);
    }
    return count;
}

static const char *request_with(const fake_server *server, const char *line)
{
    for (int i = 0; i < server->count; i++)
        if (strncmp(server->requests[i], line, strlen(line)) == 0) return server->requests[i];
    fail_msg("no request %s", line);
    return "";
}

static void a_server(void **state)
{
    fake_server server;
    server_start(&server, ANSWERS);
    setenv("MLFLOW_TRACKING_USERNAME", "me", 1);
    setenv("MLFLOW_TRACKING_PASSWORD", "secret", 1);
    write_file(folder_path(state, "a sample.wav"), "RIFF");
    ap_track *track = begin(state, uri_of(&server, ""), -1);
    log_steps(track, 0, 1500);
    ap_track_artifact(track, folder_path(state, "a sample.wav"));
    finish(track, AP_OUTCOME_FAILED);
    unsetenv("MLFLOW_TRACKING_USERNAME");
    unsetenv("MLFLOW_TRACKING_PASSWORD");
    server_stop(&server);
    assert_int_equal(points(&server), 1501);
    for (int i = 0; i < server.count; i++) /* me:secret */
        assert_non_null(strstr(server.requests[i], "Authorization: Basic bWU6c2VjcmV0\r\n"));
    assert_non_null(strstr(request_with(&server, "POST /api/2.0/mlflow/runs/create"), "\"mlflow.runName\""));
    const char *put = request_with(
        &server, "PUT /api/2.0/mlflow-artifacts/artifacts/7/abc/artifacts/a%20sample.wav HTTP/1.1");
    assert_string_equal(strstr(put, "\r\n\r\n"), "\r\n\r\nRIFF");
    assert_non_null(strstr(server.requests[server.count - 1], "\"FAILED\""));
    assert_non_null(strstr(server.requests[server.count - 1], "\"end_time\""));
    assert_int_equal(access(folder_path(state, "mlflow_unsent.jsonl"), F_OK), -1);
    server_free(&server);
}

/* It answers "busy" first: one warning, and everything arrives. */
static void a_server_that_fails_for_a_while(void **state)
{
    fake_server server;
    server_start(&server, REFUSES);
    listen_to_errors(state);
    setenv("MLFLOW_TRACKING_URI", uri_of(&server, "me:secret@"), 1);
    ap_track *track = begin(state, "", -1);
    unsetenv("MLFLOW_TRACKING_URI");
    log_steps(track, 0, 9);
    usleep(1200000);
    server_behaves(&server, ANSWERS);
    server_is_asked(&server);
    log_steps(track, 10, 19);
    finish(track, AP_OUTCOME_FINISHED);
    char *said = heard(state);
    server_stop(&server);
    assert_int_equal(occurrences(said, "warning"), 1);
    assert_non_null(strstr(said, "HTTP 503"));
    assert_null(strstr(said, "secret"));
    assert_int_equal(points(&server), 20);
    char *kept = content(folder_path(state, "mlflow.json"));
    assert_null(strstr(kept, "secret"));
    free(kept);
    free(said);
    server_free(&server);
}

/* It takes requests and never answers: the trainer does not notice. */
static void a_silent_server(void **state)
{
    fake_server server;
    server_start(&server, IS_SILENT);
    listen_to_errors(state);
    ap_track *track = begin(state, uri_of(&server, ""), -1);
    double before = seconds();
    log_steps(track, 0, 2000);
    assert_true(seconds() - before < 2);
    server_behaves(&server, ANSWERS);
    server_is_asked(&server);
    finish(track, AP_OUTCOME_FINISHED);
    free(heard(state));
    server_stop(&server);
    assert_int_equal(points(&server), 2001);
    server_free(&server);
}

/* It is silent to the end: what it did not take is kept. */
static void a_server_that_stays_silent(void **state)
{
    fake_server server;
    server_start(&server, IS_SILENT);
    listen_to_errors(state);
    ap_track *track = begin(state, uri_of(&server, ""), -1);
    log_steps(track, 0, 9);
    finish(track, AP_OUTCOME_FINISHED);
    server_stop(&server);
    char *said = heard(state), *unsent = content(folder_path(state, "mlflow_unsent.jsonl"));
    char *log = content(folder_path(state, "log.jsonl"));
    assert_non_null(strstr(said, "Timeout was reached (the run goes on"));
    assert_int_equal(occurrences(said, "did not get all of the run: the rest is in"), 1);
    assert_string_equal(unsent, log);
    free(said);
    free(unsent);
    free(log);
    server_free(&server);
}

/* It is gone: the end is not held up for long, what was not delivered is kept, and a resumed run delivers it.
 */
static void a_server_that_is_gone(void **state)
{
    fake_server server;
    server_start(&server, ANSWERS);
    int port = server.port;
    server_stop(&server);
    server_free(&server);
    listen_to_errors(state);
    char uri[100];
    snprintf(uri, sizeof uri, "http://127.0.0.1:%d", port);
    ap_track *track = begin(state, uri, -1);
    log_steps(track, 0, 9);
    ap_track_artifact(track, "absent.wav");
    double before = seconds();
    finish(track, AP_OUTCOME_FINISHED);
    assert_true(seconds() - before < 15);
    char *said = heard(state), *unsent = content(folder_path(state, "mlflow_unsent.jsonl"));
    char *log = content(folder_path(state, "log.jsonl"));
    assert_int_equal(occurrences(said, "the run goes on"), 1);
    assert_int_equal(occurrences(said, "did not get all of the run"), 1);
    assert_memory_equal(unsent, log, strlen(log));
    assert_string_equal(unsent + strlen(log), "{\"artifact\":\"absent.wav\"}\n");
    free(said);
    free(unsent);
    free(log);

    server_start(&server, ANSWERS);
    track = begin(state, uri_of(&server, ""), 9);
    log_steps(track, 10, 12);
    finish(track, AP_OUTCOME_FINISHED);
    server_stop(&server);
    assert_int_equal(points(&server), 13);
    assert_int_equal(access(folder_path(state, "mlflow_unsent.jsonl"), F_OK), -1);
    server_free(&server);
}

/* A run that is resumed with the same server goes on there, and only what is new is sent. */
static void a_resumed_run_goes_on(void **state)
{
    fake_server server;
    server_start(&server, ANSWERS);
    ap_track *track = begin(state, uri_of(&server, ""), -1);
    log_steps(track, 0, 9);
    finish(track, AP_OUTCOME_INTERRUPTED);
    int before = server_requests(&server);
    track = begin(state, uri_of(&server, ""), 9);
    log_steps(track, 10, 14);
    finish(track, AP_OUTCOME_FINISHED);
    server_stop(&server);
    assert_int_equal(points(&server), 15);
    for (int i = before; i < server.count; i++) assert_null(strstr(server.requests[i], "runs/create "));
    assert_non_null(strstr(server.requests[before], "\"RUNNING\""));
    server_free(&server);
}

/* ---------------------------------------------------------------- the end of a run */

static void the_patience(void **state)
{
    (void)state;
    const double minute = 60, hour = 3600, day = 24 * hour;
    assert_true(courier_patience(minute) == minute / 200);
    assert_true(courier_patience(hour) == 5 && courier_patience(day) == 5);
    assert_true(courier_patience(0) == 0.1);
    for (double took = 10; took < day; took *= 1.5) assert_true(courier_patience(took) <= 0.01 * took);
}

/* What a sink that is never answered was told when it asked how long to wait on. */
typedef struct hanging_sink {
    track_sink sink;
    pthread_mutex_t mutex;
    int attempts;
    bool told_to_wait;      /* before the end, with silence of an hour */
    double left_when_fresh; /* in the last attempt, at the end, as if a byte had just moved */
} hanging_sink;

/* Each attempt but the last hangs until it is told to give up; it makes itself out to have done so for an
 * hour. */
static ap_status hang(track_sink *sink, track_run *run, bool *fresh)
{
    (void)run;
    hanging_sink *h = (hanging_sink *)sink;
    const double hour = 3600;
    *fresh = true;
    pthread_mutex_lock(&h->mutex);
    h->attempts++;
    pthread_mutex_unlock(&h->mutex);
    void *context = sink->patience.context;
    while (sink->patience.left(context, ap_clock_seconds() - hour) > 0) {
        pthread_mutex_lock(&h->mutex);
        h->told_to_wait = true;
        pthread_mutex_unlock(&h->mutex);
        usleep(1000);
        if (h->attempts > 1) h->left_when_fresh = sink->patience.left(context, ap_clock_seconds());
    }
    return ap_error(TRACK_SILENT, "no answer");
}

static void keep(track_sink *sink)
{
    (void)sink;
}

/* A request that hangs when the end comes is broken off; the attempt that follows has a share of the run's
 * time and no more, however lively the connection seems; there is no third. */
static void an_end_without_an_answer(void **state)
{
    hanging_sink h = {.sink = {.open = hang, .free = keep}, .mutex = PTHREAD_MUTEX_INITIALIZER};
    write_file(folder_path(state, "log.jsonl"), "{}\n");
    char *log = ap_copy_text(folder_path(state, "log.jsonl"));
    listen_to_errors(state);
    courier *c = courier_start(*state, log, "nowhere", &h.sink, (track_run){.experiment = NULL}, 3, false);
    for (bool waits = false; !waits; usleep(1000)) {
        pthread_mutex_lock(&h.mutex);
        waits = h.told_to_wait;
        pthread_mutex_unlock(&h.mutex);
    }
    courier_finish(c, AP_OUTCOME_FINISHED);
    free(heard(state));
    assert_int_equal(h.attempts, 2);
    assert_true(h.left_when_fresh <= 0.1);
    char *unsent = content(folder_path(state, "mlflow_unsent.jsonl"));
    assert_string_equal(unsent, "{}\n");
    free(unsent);
    free(log);
}

static int enter(void **state)
{
    unsetenv("MLFLOW_TRACKING_URI");
    setenv("MLFLOW_ALLOW_FILE_STORE", "true", 1);
    return folder_create(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_log),
        TEST(a_resumed_log),
        TEST(a_log_that_cannot_be_written),
        TEST(places_that_are_none),
        TEST(a_folder),
        TEST(an_experiment_that_is_there),
        TEST(hint),
        TEST(a_server),
        TEST(a_server_that_fails_for_a_while),
        TEST(a_silent_server),
        TEST(a_server_that_stays_silent),
        TEST(a_server_that_is_gone),
        TEST(a_resumed_run_goes_on),
        TEST(the_patience),
        TEST(an_end_without_an_answer),
    };
    return cmocka_run_group_tests_name("track", tests, NULL, NULL);
}
