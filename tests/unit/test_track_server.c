/* The record of a run on MLflow's server, which answers, fails, is silent or is not there. */
#include "antiphon/track.h"

#include "base/clock.h"
#include "base/memory.h"
#include "support/check.h"
#include "support/fake_server.h"
#include "support/folder.h"
#include "support/text.h"
#include "support/tracked.h"
#include "track/courier.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static void a_server(void **state)
{
    fake_server server;
    fake_server_start(&server, ANSWERS);
    setenv("MLFLOW_TRACKING_USERNAME", "me", 1);
    setenv("MLFLOW_TRACKING_PASSWORD", "secret", 1);
    text_write(folder_path(state, "a sample.wav"), "RIFF");
    ap_track *track = tracked_begin(state, fake_server_uri(&server, ""), -1);
    tracked_log(track, 0, 1500);
    ap_track_artifact(track, folder_path(state, "a sample.wav"));
    tracked_finish(track, AP_OUTCOME_FAILED);
    unsetenv("MLFLOW_TRACKING_USERNAME");
    unsetenv("MLFLOW_TRACKING_PASSWORD");
    fake_server_stop(&server);
    assert_int_equal(points(&server), 1501);
    for (int i = 0; i < server.count; i++) /* me:secret */
        assert_non_null(strstr(server.requests[i], "Authorization: Basic bWU6c2VjcmV0\r\n"));
    assert_non_null(
        strstr(fake_server_request(&server, "POST /api/2.0/mlflow/runs/create"), "\"mlflow.runName\""));
    const char *put = fake_server_request(
        &server, "PUT /api/2.0/mlflow-artifacts/artifacts/7/abc/artifacts/a%20sample.wav HTTP/1.1");
    assert_string_equal(strstr(put, "\r\n\r\n"), "\r\n\r\nRIFF");
    assert_non_null(strstr(server.requests[server.count - 1], "\"FAILED\""));
    assert_non_null(strstr(server.requests[server.count - 1], "\"end_time\""));
    assert_int_equal(access(folder_path(state, "mlflow_unsent.jsonl"), F_OK), -1);
    fake_server_free(&server);
}

/* It answers "busy" first: one warning, and everything arrives. */
static void a_server_that_fails_for_a_while(void **state)
{
    fake_server server;
    fake_server_start(&server, REFUSES);
    text_listen(state);
    setenv("MLFLOW_TRACKING_URI", fake_server_uri(&server, "me:secret@"), 1);
    ap_track *track = tracked_begin(state, "", -1);
    unsetenv("MLFLOW_TRACKING_URI");
    tracked_log(track, 0, 9);
    usleep(1200000);
    fake_server_behaves(&server, ANSWERS);
    fake_server_is_asked(&server);
    tracked_log(track, 10, 19);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    char *said = text_heard(state);
    fake_server_stop(&server);
    assert_int_equal(text_occurrences(said, "warning"), 1);
    assert_non_null(strstr(said, "HTTP 503"));
    assert_null(strstr(said, "secret"));
    assert_int_equal(points(&server), 20);
    char *kept = text_read(folder_path(state, "mlflow.json"));
    assert_null(strstr(kept, "secret"));
    free(kept);
    free(said);
    fake_server_free(&server);
}

/* It takes requests and never answers: the trainer does not notice. */
static void a_silent_server(void **state)
{
    fake_server server;
    fake_server_start(&server, IS_SILENT);
    text_listen(state);
    ap_track *track = tracked_begin(state, fake_server_uri(&server, ""), -1);
    double before = ap_clock_seconds();
    tracked_log(track, 0, 2000);
    assert_true(ap_clock_seconds() - before < 2);
    fake_server_behaves(&server, ANSWERS);
    fake_server_is_asked(&server);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    free(text_heard(state));
    fake_server_stop(&server);
    assert_int_equal(points(&server), 2001);
    fake_server_free(&server);
}

/* It is silent to the end: what it did not take is kept. */
static void a_server_that_stays_silent(void **state)
{
    fake_server server;
    fake_server_start(&server, IS_SILENT);
    text_listen(state);
    ap_track *track = tracked_begin(state, fake_server_uri(&server, ""), -1);
    tracked_log(track, 0, 9);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    fake_server_stop(&server);
    char *said = text_heard(state), *unsent = text_read(folder_path(state, "mlflow_unsent.jsonl"));
    char *log = text_read(folder_path(state, "log.jsonl"));
    assert_non_null(strstr(said, "Timeout was reached (the run continues"));
    assert_int_equal(text_occurrences(said, "did not receive the whole run: the rest is in"), 1);
    assert_string_equal(unsent, log);
    free(said);
    free(unsent);
    free(log);
    fake_server_free(&server);
}

/* It is gone: the end is not held up for long, what was not delivered is kept, and a resumed run delivers it.
 */
static void a_server_that_is_gone(void **state)
{
    fake_server server;
    fake_server_start(&server, ANSWERS);
    int port = server.port;
    fake_server_stop(&server);
    fake_server_free(&server);
    text_listen(state);
    char uri[100];
    snprintf(uri, sizeof uri, "http://127.0.0.1:%d", port);
    ap_track *track = tracked_begin(state, uri, -1);
    tracked_log(track, 0, 9);
    ap_track_artifact(track, "absent.wav");
    double before = ap_clock_seconds();
    tracked_finish(track, AP_OUTCOME_FINISHED);
    assert_true(ap_clock_seconds() - before < 15);
    char *said = text_heard(state), *unsent = text_read(folder_path(state, "mlflow_unsent.jsonl"));
    char *log = text_read(folder_path(state, "log.jsonl"));
    assert_int_equal(text_occurrences(said, "the run continues"), 1);
    assert_int_equal(text_occurrences(said, "did not receive the whole run"), 1);
    assert_memory_equal(unsent, log, strlen(log));
    assert_string_equal(unsent + strlen(log), "{\"artifact\":\"absent.wav\"}\n");
    free(said);
    free(unsent);
    free(log);

    fake_server_start(&server, ANSWERS);
    track = tracked_begin(state, fake_server_uri(&server, ""), 9);
    tracked_log(track, 10, 12);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    fake_server_stop(&server);
    assert_int_equal(points(&server), 13);
    assert_int_equal(access(folder_path(state, "mlflow_unsent.jsonl"), F_OK), -1);
    fake_server_free(&server);
}

/* A run that is resumed with the same server goes on there, and only what is new is sent. */
static void a_resumed_run_goes_on(void **state)
{
    fake_server server;
    fake_server_start(&server, ANSWERS);
    ap_track *track = tracked_begin(state, fake_server_uri(&server, ""), -1);
    tracked_log(track, 0, 9);
    tracked_finish(track, AP_OUTCOME_INTERRUPTED);
    int before = fake_server_requests(&server);
    track = tracked_begin(state, fake_server_uri(&server, ""), 9);
    tracked_log(track, 10, 14);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    fake_server_stop(&server);
    assert_int_equal(points(&server), 15);
    for (int i = before; i < server.count; i++) assert_null(strstr(server.requests[i], "runs/create "));
    assert_non_null(strstr(server.requests[before], "\"RUNNING\""));
    fake_server_free(&server);
}

/* ---------------------------------------------------------------- the end of a run */

static void the_patience(void **state)
{
    (void)state;
    const double minute = 60, hour = 3600, day = 24 * hour;
    assert_true(ap_courier_patience(minute) == minute / 200);
    assert_true(ap_courier_patience(hour) == 5 && ap_courier_patience(day) == 5);
    assert_true(ap_courier_patience(0) == 0.1);
    for (double took = 10; took < day; took *= 1.5) assert_true(ap_courier_patience(took) <= 0.01 * took);
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
    text_write(folder_path(state, "log.jsonl"), "{}\n");
    char *log = ap_copy_text(folder_path(state, "log.jsonl"));
    text_listen(state);
    courier *c = ap_courier_start(*state, log, "nowhere", &h.sink, (track_run){.experiment = NULL}, 3, false);
    for (bool waits = false; !waits; usleep(1000)) {
        pthread_mutex_lock(&h.mutex);
        waits = h.told_to_wait;
        pthread_mutex_unlock(&h.mutex);
    }
    ap_courier_finish(c, AP_OUTCOME_FINISHED);
    free(text_heard(state));
    assert_int_equal(h.attempts, 2);
    assert_true(h.left_when_fresh <= 0.1);
    char *unsent = text_read(folder_path(state, "mlflow_unsent.jsonl"));
    assert_string_equal(unsent, "{}\n");
    free(unsent);
    free(log);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tracked_enter, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_server),
        TEST(a_server_that_fails_for_a_while),
        TEST(a_silent_server),
        TEST(a_server_that_stays_silent),
        TEST(a_server_that_is_gone),
        TEST(a_resumed_run_goes_on),
        TEST(the_patience),
        TEST(an_end_without_an_answer),
    };
    return cmocka_run_group_tests_name("track_server", tests, NULL, NULL);
}
