/* The record of a run in a folder, and with a server, that somebody else has prepared: nothing outside is
 * written, removed or handed out. */
#include "antiphon/track.h"

#include "support/check.h"
#include "support/fake_server.h"
#include "support/folder.h"
#include "support/text.h"
#include "support/tracked.h"
#include "track/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files of somebody else's, in a folder beside the run's. */
static void make_victim(void **state)
{
    assert_int_equal(mkdir(folder_path(state, "victim"), 0700), 0);
    assert_int_equal(mkdir(folder_path(state, "victim/metrics"), 0700), 0);
    text_write(folder_path(state, "victim/file"), "precious");
    text_write(folder_path(state, "victim/metrics/file"), "precious");
}

static void is_untouched(void **state, const char *name)
{
    char *text = text_read(folder_path(state, name));
    assert_string_equal(text, "precious");
    free(text);
}

static bool is_link(const char *path)
{
    struct stat about;
    return lstat(path, &about) == 0 && S_ISLNK(about.st_mode);
}

/* ---------------------------------------------------------------- names */

static void ids(void **state)
{
    (void)state;
    const char *const good[] = {"0", "abc", "A-b_9", "0123456789abcdef0123456789abcdef"};
    const char *const bad[] = {"",   ".",   "..",  "../x", "/x",   "a/b",      "a.b",  "-a",
                               "_a", "a b", "a\n", "a%2f", "a\\b", "\xC3\xA4", "a\x01"};
    for (size_t k = 0; k < sizeof good / sizeof *good; k++) assert_true(ap_place_is_id(good[k]));
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) assert_false(ap_place_is_id(bad[k]));
    char name[200];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_false(ap_place_is_id(name));
    assert_true(ap_place_is_metric("train loss: 1.5_a-b"));
    const char *const metrics[] = {"", ".", "..", "../x", "/x", "a/b", "a\n", "a\"", "\xC2\x9B"};
    for (size_t k = 0; k < sizeof metrics / sizeof *metrics; k++)
        assert_false(ap_place_is_metric(metrics[k]));
}

/* A run_id, or experiment_id, that leads out of the store: a new run is made, and nothing is touched outside.
 */
static void a_state_that_leads_elsewhere(void **state)
{
    const char *const ids[][2] = {
        {"../../victim", "123"}, {"abc", "../victim"}, {".", "123"}, {"/tmp", "123"}};
    make_victim(state);
    char store[500], text[1000];
    snprintf(store, sizeof store, "%s/store", (const char *)*state);
    for (size_t k = 0; k < sizeof ids / sizeof *ids; k++) {
        snprintf(text, sizeof text,
                 "{\"uri\": \"%s\", \"experiment_id\": \"%s\", \"run_id\": \"%s\", \"sent\": 0}", store,
                 ids[k][1], ids[k][0]);
        text_write(folder_path(state, "mlflow.json"), text);
        text_listen(state);
        ap_track *track = tracked_begin(state, store, 0);
        tracked_log(track, 1, 3);
        tracked_finish(track, AP_OUTCOME_FINISHED);
        char *said = text_heard(state);
        assert_int_equal(text_occurrences(said, "is not an MLflow id: a new run is made\n"), 1);
        free(said);
        is_untouched(state, "victim/metrics/file");
        assert_int_not_equal(access(folder_path(state, "victim/meta.yaml"), F_OK), 0);
        assert_int_not_equal(access(folder_path(state, "victim/params"), F_OK), 0);
    }
}

/* An id that is one, but of no run in the store, or of a folder that is no run. */
static void an_id_of_no_run(void **state)
{
    char store[500], text[1000];
    snprintf(store, sizeof store, "%s/store", (const char *)*state);
    ap_track *track = tracked_begin(state, store, -1);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    snprintf(text, sizeof text,
             "{\"uri\": \"%s\", \"experiment_id\": \"1\", \"run_id\": \"victim\", \"sent\": 0}", store);
    text_write(folder_path(state, "mlflow.json"), text);
    text_listen(state);
    track = tracked_begin(state, store, 0);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    char *said = text_heard(state), *kept = text_read(folder_path(state, "mlflow.json"));
    assert_non_null(strstr(said, "run victim no longer exists: everything goes to a new one"));
    assert_null(strstr(kept, "victim"));
    free(said);
    free(kept);
}

/* A line of the log whose metric would be a path. */
static void a_metric_that_is_a_path(void **state)
{
    make_victim(state);
    char store[500];
    snprintf(store, sizeof store, "%s/store", (const char *)*state);
    text_write(folder_path(state, "log.jsonl"),
               "{\"step\": 1, \"epoch\": 1, \"time\": 1.0, \"../../../../victim/file\": 1, \"good\": 2}\n");
    text_listen(state);
    ap_track *track = tracked_begin(state, store, 5);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    char *said = text_heard(state);
    assert_int_equal(text_occurrences(said, "the metric \"../../../../victim/file\" is left out"), 1);
    free(said);
    is_untouched(state, "victim/file");
    assert_int_equal(access(folder_path(state, "mlflow_unsent.jsonl"), F_OK), -1);
}

/* ---------------------------------------------------------------- links */

static void a_log_that_is_a_link(void **state)
{
    make_victim(state);
    char *log = strdup(folder_path(state, "log.jsonl"));
    for (int resumed = -1; resumed <= 5; resumed += 6) {
        assert_int_equal(symlink(folder_path(state, "victim/file"), log), 0);
        ap_track *track = tracked_begin(state, "", resumed);
        tracked_log(track, 6, 8);
        tracked_finish(track, AP_OUTCOME_FINISHED);
        is_untouched(state, "victim/file");
        char *text = text_read(log);
        assert_false(is_link(log));
        assert_int_equal(text_occurrences(text, "\n"), 3);
        free(text);
        assert_int_equal(unlink(log), 0);
    }
    /* one that leads to a log, all of which stays */
    const char *line = "{\"step\": 1, \"epoch\": 1, \"time\": 1.0}\n";
    text_write(folder_path(state, "victim/log"), line);
    assert_int_equal(symlink(folder_path(state, "victim/log"), log), 0);
    ap_track *resumed = tracked_begin(state, "", 5);
    tracked_log(resumed, 6, 8);
    tracked_finish(resumed, AP_OUTCOME_FINISHED);
    char *there = text_read(folder_path(state, "victim/log")), *own = text_read(log);
    assert_string_equal(there, line);
    assert_int_equal(text_occurrences(own, "\n"), 4);
    assert_int_equal(unlink(log), 0);
    free(there);
    free(own);
    /* one that leads nowhere makes nothing there */
    assert_int_equal(symlink(folder_path(state, "victim/new"), log), 0);
    ap_track *track = tracked_begin(state, "", 5);
    tracked_log(track, 6, 8);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    assert_int_equal(access(folder_path(state, "victim/new"), F_OK), -1);
    assert_false(is_link(log));
    free(log);
}

/* Links in the run of a store: its metrics, a parameter, and the folder of its metrics. */
static void a_store_with_links(void **state)
{
    make_victim(state);
    char store[500], *kept, id[100], experiment[100], run[800], path[2000];
    snprintf(store, sizeof store, "%s/store", (const char *)*state);
    ap_track *track = tracked_begin(state, store, -1);
    tracked_log(track, 0, 2);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    kept = text_read(folder_path(state, "mlflow.json"));
    assert_int_equal(sscanf(strstr(kept, "\"experiment_id\""), "\"experiment_id\": \"%99[^\"]", experiment),
                     1);
    assert_int_equal(sscanf(strstr(kept, "\"run_id\""), "\"run_id\": \"%99[^\"]", id), 1);
    free(kept);
    snprintf(run, sizeof run, "%s/%s/%s", store, experiment, id);
    snprintf(path, sizeof path, "%s/params/train.lr", run);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(folder_path(state, "victim/file"), path), 0);
    text_listen(state);
    track = tracked_begin(state, store, 2);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    char *said = text_heard(state);
    assert_non_null(strstr(said, "params/train.lr: Too many levels of symbolic links"));
    free(said);
    is_untouched(state, "victim/file");
    unlink(path);

    snprintf(path, sizeof path, "rm -r '%s/metrics' && ln -s '%s' '%s/metrics'", run,
             folder_path(state, "victim/metrics"), run);
    assert_int_equal(system(path), 0);
    text_listen(state);
    track = tracked_begin(state, store, 2);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    free(text_heard(state));
    is_untouched(state, "victim/metrics/file");
}

/* What the list of files that were not delivered names, and a link in the run's folder. */
static void files_that_are_not_the_runs(void **state)
{
    fake_server server;
    fake_server_start(&server, ANSWERS);
    make_victim(state);
    assert_int_equal(mkdir(folder_path(state, "run"), 0700), 0);
    char *run = strdup(folder_path(state, "run")), text[2000];
    text_write(folder_path(state, "run/own.wav"), "own");
    assert_int_equal(symlink(folder_path(state, "victim/file"), folder_path(state, "run/link.wav")), 0);
    snprintf(text, sizeof text,
             "{\"artifact\":\"%s/victim/file\"}\n{\"artifact\":\"%s/../victim/file\"}\n{\"artifact\":\"%s/"
             "link.wav\"}\n"
             "{\"artifact\":\"%s/own.wav\"}\n{\"artifact\":\"/etc/passwd\"}\n",
             (const char *)*state, run, run, run);
    text_write(folder_path(state, "run/mlflow_unsent.jsonl"), text);
    void *place = run;
    text_listen(state);
    ap_track *track = tracked_begin(&place, fake_server_uri(&server, ""), 0);
    ap_track_artifact(track, folder_path(state, "run/link.wav"));
    tracked_finish(track, AP_OUTCOME_FINISHED);
    free(text_heard(state));
    fake_server_stop(&server);
    int puts = 0;
    for (int i = 0; i < server.count; i++) {
        puts += strncmp(server.requests[i], "PUT ", 4) == 0;
        assert_null(strstr(server.requests[i], "precious"));
        assert_null(strstr(server.requests[i], "root:"));
    }
    assert_int_equal(puts, 1);
    assert_non_null(strstr(
        fake_server_request(&server, "PUT /api/2.0/mlflow-artifacts/artifacts/7/abc/artifacts/own.wav"),
        "own"));
    fake_server_free(&server);
    free(run);
}

/* ---------------------------------------------------------------- servers */

/* Two servers: the one that is named, and the one that it tries to send everything to. The other gets
 * nothing. What was said, to be freed. */
static char *check_other_gets_nothing(void **state, fake_server *server, fake_server *other)
{
    setenv("MLFLOW_TRACKING_TOKEN", "secret", 1);
    text_write(folder_path(state, "config.json"), "{}");
    text_listen(state);
    ap_track *track = tracked_begin(state, fake_server_uri(server, ""), -1);
    tracked_log(track, 0, 3);
    ap_track_artifact(track, folder_path(state, "config.json"));
    tracked_finish(track, AP_OUTCOME_FINISHED);
    char *said = text_heard(state);
    unsetenv("MLFLOW_TRACKING_TOKEN");
    fake_server_stop(server);
    fake_server_stop(other);
    assert_int_equal(other->count, 0);
    assert_true(server->count > 0);
    for (int i = 0; i < server->count; i++)
        assert_non_null(strstr(server->requests[i], "Authorization: Bearer secret\r\n"));
    fake_server_free(server);
    fake_server_free(other);
    return said;
}

static void artifacts_elsewhere(void **state)
{
    for (int k = 0; k < 3; k++) {
        fake_server server, other;
        char uri[200];
        fake_server_start(&server, ANSWERS);
        fake_server_start(&other, ANSWERS);
        if (k == 0) snprintf(uri, sizeof uri, "http://127.0.0.1:%d/7/abc", other.port);
        if (k == 1) snprintf(uri, sizeof uri, "http://127.0.0.1:%d@127.0.0.1:%d/7", server.port, other.port);
        if (k == 2) snprintf(uri, sizeof uri, "mlflow-artifacts://127.0.0.1:%d/7", other.port);
        server.artifact_uri = uri;
        char *said = check_other_gets_nothing(state, &server, &other),
             *unsent = text_read(folder_path(state, "mlflow_unsent.jsonl"));
        assert_int_equal(
            text_occurrences(said, "the server does not take artifacts itself, but keeps them at "), 1);
        assert_non_null(strstr(unsent, "config.json"));
        free(said);
        free(unsent);
    }
}

static void a_redirection(void **state)
{
    fake_server server, other;
    char uri[200];
    fake_server_start(&server, ANSWERS);
    fake_server_start(&other, ANSWERS);
    snprintf(uri, sizeof uri, "http://x:y@127.0.0.1:%d/there?token=z", other.port);
    server.sends_to = uri;
    char *said = check_other_gets_nothing(state, &server, &other), want[200];
    snprintf(want, sizeof want, "HTTP 307: redirects to http://127.0.0.1:%d/there, which is not followed",
             other.port);
    assert_int_equal(text_occurrences(said, want), 1);
    free(said);
}

/* Ids that a server makes up: they would end up in paths and URLs. */
static void ids_of_a_server(void **state)
{
    fake_server server;
    fake_server_start(&server, ANSWERS);
    server.run_id = "../../x";
    text_listen(state);
    ap_track *track = tracked_begin(state, fake_server_uri(&server, ""), -1);
    tracked_log(track, 0, 3);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    char *said = text_heard(state);
    assert_non_null(strstr(said, "no run_id in the server's answer"));
    free(said);
    fake_server_stop(&server);
    assert_int_equal(access(folder_path(state, "mlflow.json"), F_OK), -1);
    fake_server_free(&server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tracked_enter, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids),
        TEST(a_state_that_leads_elsewhere),
        TEST(an_id_of_no_run),
        TEST(a_metric_that_is_a_path),
        TEST(a_log_that_is_a_link),
        TEST(a_store_with_links),
        TEST(files_that_are_not_the_runs),
        TEST(artifacts_elsewhere),
        TEST(a_redirection),
        TEST(ids_of_a_server),
    };
    return cmocka_run_group_tests_name("track_hostile", tests, NULL, NULL);
}
