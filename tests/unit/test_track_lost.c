/* What happens to a record when the log is cut, the run is deleted, or MLflow was down at the end. */
#include "antiphon/track.h"

#include "base/memory.h"
#include "support/check.h"
#include "support/fake_server.h"
#include "support/folder.h"
#include "support/text.h"
#include "support/tracked.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The steps of train_loss that a run got from the server's requests, in order: "0 1 2 ". To be freed. */
static char *steps(const fake_server *server, const char *run)
{
    char *text = ap_copy_text("");
    for (int i = 0; i < server->count; i++) {
        if (!strstr(server->requests[i], "runs/log-batch ")) continue;
        cJSON *body = cJSON_Parse(strstr(server->requests[i], "\r\n\r\n") + 4);
        const cJSON *metric, *metrics = cJSON_GetObjectItem(body, "metrics");
        bool its = strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(body, "run_id")), run) == 0;
        cJSON_ArrayForEach(metric, metrics)
        {
            if (!its || strcmp(cJSON_GetObjectItem(metric, "key")->valuestring, "train_loss") != 0) continue;
            char *longer = ap_format_text("%s%d ", text, cJSON_GetObjectItem(metric, "step")->valueint);
            free(text);
            text = longer;
        }
        cJSON_Delete(body);
    }
    return text;
}

static void expect_steps(const fake_server *server, const char *run, const char *want)
{
    char *got = steps(server, run);
    assert_string_equal(got, want);
    free(got);
}

/* How many requests begin so and hold `part`. */
static int requests(const fake_server *server, const char *line, const char *part)
{
    int count = 0;
    for (int i = 0; i < server->count; i++)
        count += strncmp(server->requests[i], line, strlen(line)) == 0 && strstr(server->requests[i], part);
    return count;
}

static void expect_kept(void **state, const char *part, bool there)
{
    char *kept = text_read(folder_path(state, "mlflow.json"));
    if (!strstr(kept, part) == there) fail_msg("mlflow.json %s %s: %s", there ? "lacks" : "has", part, kept);
    free(kept);
}

/* Whether mlflow.json is there and has this part. */
static bool keeps(void **state, const char *part)
{
    if (access(folder_path(state, "mlflow.json"), F_OK) != 0) return false;
    char *kept = text_read(folder_path(state, "mlflow.json"));
    bool has = strstr(kept, part) != NULL;
    free(kept);
    return has;
}

static void wait_for(fake_server *server, const char *line, const char *part)
{
    for (bool asked = false; !asked; usleep(1000)) {
        pthread_mutex_lock(&server->mutex);
        asked = requests(server, line, part) > 0;
        pthread_mutex_unlock(&server->mutex);
    }
}

#define LOG_BATCH "POST /api/2.0/mlflow/runs/log-batch"
#define UPDATE "POST /api/2.0/mlflow/runs/update"
#define CREATE "POST /api/2.0/mlflow/runs/create"

/* ---------------------------------------------------------------- a log that is cut */

/* What stands in the log when nothing has been delivered yet is cut off: the end comes all the same, into a
 * folder as to a server, what is written afterwards arrives, and it is said. */
static void a_log_that_is_cut(void **state)
{
    fake_server server;
    fake_server_start(&server, REFUSES);
    text_listen(state);
    ap_track *track = tracked_begin(state, fake_server_uri(&server, ""), -1);
    tracked_log(track, 0, 9);
    assert_int_equal(truncate(folder_path(state, "log.jsonl"), 0), 0);
    tracked_log(track, 10, 12);
    fake_server_behaves(&server, ANSWERS);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    char *said = text_heard(state), *log = text_read(folder_path(state, "log.jsonl"));
    fake_server_stop(&server);
    expect_steps(&server, "abc", "10 11 12 ");
    assert_int_equal(text_occurrences(said, "log.jsonl was truncated during the run"), 1);
    assert_int_equal(text_occurrences(log, "\n"), 3);
    assert_int_equal(requests(&server, UPDATE, "FINISHED"), 1);
    assert_int_equal(access(folder_path(state, "mlflow_unsent.jsonl"), F_OK), -1);
    expect_kept(state, "\"ended\":\ttrue", true);
    free(said);
    free(log);
    fake_server_free(&server);
}

/* Cut in the middle of a line, and nothing is written afterwards. */
static void a_log_that_stays_cut(void **state)
{
    fake_server server;
    fake_server_start(&server, REFUSES);
    text_listen(state);
    ap_track *track = tracked_begin(state, fake_server_uri(&server, ""), -1);
    tracked_log(track, 0, 9);
    char *log = text_read(folder_path(state, "log.jsonl"));
    long fourth = strstr(log, "{\"step\": 3") - log;
    assert_int_equal(truncate(folder_path(state, "log.jsonl"), fourth + 20), 0);
    fake_server_behaves(&server, ANSWERS);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    char *said = text_heard(state);
    fake_server_stop(&server);
    expect_steps(&server, "abc", "0 1 2 ");
    assert_int_equal(text_occurrences(said, "log.jsonl was truncated during the run"), 1);
    assert_int_equal(requests(&server, UPDATE, "FINISHED"), 1);
    free(said);
    free(log);
    fake_server_free(&server);
}

/* Rotated as logrotate's copytruncate does, after all of it was delivered, in the middle of a line: what
 * follows is delivered, and a line by itself. */
static void a_log_that_is_rotated(void **state)
{
    char store[500];
    fake_server server;
    fake_server_start(&server, ANSWERS);
    text_listen(state);
    ap_track *track = tracked_begin(state, fake_server_uri(&server, ""), -1);
    tracked_log(track, 0, 3);
    wait_for(&server, LOG_BATCH, "\"step\":3");
    assert_int_equal(truncate(folder_path(state, "log.jsonl"), 7), 0);
    tracked_log(track, 4, 40);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    free(text_heard(state));
    fake_server_stop(&server);
    char *got = steps(&server, "abc");
    assert_memory_equal(got, "0 1 2 3 4 5 6 ", strlen("0 1 2 3 4 5 6 "));
    assert_non_null(strstr(got, " 39 40 "));
    free(got);
    fake_server_free(&server);
    snprintf(store, sizeof store, "%s/store",
             (const char *)*state); /* the next run: nothing of this is left */
    track = tracked_begin(state, store, 3);
    tracked_finish(track, AP_OUTCOME_FINISHED);
}

/* A folder takes what is there at once; cut without pause, the end still comes. */
static void a_folders_log_that_is_cut(void **state)
{
    char store[500];
    snprintf(store, sizeof store, "%s/store", (const char *)*state);
    text_listen(state);
    for (int again = 0; again < 5; again++) {
        ap_track *track = tracked_begin(state, store, -1);
        for (int round = 0; round < 20; round++) {
            tracked_log(track, round, round);
            assert_int_equal(truncate(folder_path(state, "log.jsonl"), 0), 0);
        }
        tracked_finish(track, AP_OUTCOME_FINISHED);
        expect_kept(state, "\"ended\":\ttrue", true);
    }
    free(text_heard(state));
}

/* ---------------------------------------------------------------- MLflow was down at the end */

/* It has the run and its first lines, and is gone when the run ends; the next program delivers the rest,
 * files included, and the end with the time at which it was. */
static void an_end_that_was_not_delivered(void **state)
{
    fake_server server;
    fake_server_start(&server, ANSWERS);
    ap_config config = ap_config_default();
    snprintf(config.track.uri, sizeof config.track.uri, "%s", fake_server_uri(&server, ""));
    text_write(folder_path(state, "sample.wav"), "RIFF");
    text_listen(state);
    assert_false(ap_track_unfinished(*state, &config));
    ap_track *track = tracked_begin(state, config.track.uri, -1);
    tracked_log(track, 0, 3);
    wait_for(&server, LOG_BATCH, "\"step\":3");
    fake_server_behaves(&server, REFUSES);
    tracked_log(track, 4, 5);
    ap_track_artifact(track, folder_path(state, "sample.wav"));
    tracked_finish(track, AP_OUTCOME_FINISHED);
    expect_kept(state, "\"ended\":\tfalse", true);
    char *kept = text_read(folder_path(state, "mlflow.json")), end[40];
    assert_int_equal(sscanf(strstr(kept, "\"end_time\""), "\"end_time\":%39s", end), 1);
    assert_true(ap_track_unfinished(*state, &config));

    fake_server_behaves(&server, ANSWERS);
    usleep(20000);
    track = tracked_begin(state, config.track.uri, 5);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    free(text_heard(state));
    fake_server_stop(&server);
    expect_steps(&server, "abc", "0 1 2 3 4 5 ");
    assert_int_equal(requests(&server, CREATE, ""), 1);
    assert_int_equal(requests(&server, UPDATE, "FINISHED"), 1);
    assert_int_equal(requests(&server, UPDATE, strtok(end, "}")), 1);
    assert_int_equal(requests(&server, "PUT ", "sample.wav"), 1);
    assert_false(ap_track_unfinished(*state, &config));
    assert_int_equal(access(folder_path(state, "mlflow_unsent.jsonl"), F_OK), -1);
    free(kept);
    fake_server_free(&server);
}

/* Nothing was ever delivered, not even the run; and nothing is asked of a place that the run has no part in.
 */
static void a_run_that_was_not_delivered(void **state)
{
    fake_server server;
    fake_server_start(&server, REFUSES);
    ap_config config = ap_config_default();
    snprintf(config.track.uri, sizeof config.track.uri, "%s", fake_server_uri(&server, ""));
    text_listen(state);
    ap_track *track = tracked_begin(state, config.track.uri, -1);
    tracked_log(track, 0, 3);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    assert_true(ap_track_unfinished(*state, &config));
    fake_server_behaves(&server, ANSWERS);
    track = tracked_begin(state, config.track.uri, 3);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    free(text_heard(state));
    assert_false(ap_track_unfinished(*state, &config));
    strcpy(config.track.uri, "http://elsewhere");
    assert_false(ap_track_unfinished(*state, &config));
    config.track.uri[0] = '\0';
    assert_false(ap_track_unfinished(*state, &config));
    fake_server_stop(&server);
    expect_steps(&server, "abc", "0 1 2 3 ");
    fake_server_free(&server);
}

/* ---------------------------------------------------------------- a run that is deleted */

static void deleted_before_it_is_resumed(void **state)
{
    fake_server server;
    fake_server_start(&server, ANSWERS);
    ap_track *track = tracked_begin(state, fake_server_uri(&server, ""), -1);
    tracked_log(track, 0, 3);
    tracked_finish(track, AP_OUTCOME_INTERRUPTED);
    fake_server_deletes(&server, "abc", "def");
    text_listen(state);
    track = tracked_begin(state, fake_server_uri(&server, ""), 3);
    tracked_log(track, 4, 5);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    char *said = text_heard(state);
    fake_server_stop(&server);
    assert_int_equal(text_occurrences(said, "run abc no longer exists: everything goes to a new one, def\n"),
                     1);
    assert_int_equal(text_occurrences(said, "\n"), 1);
    expect_steps(&server, "def", "0 1 2 3 4 5 ");
    assert_int_equal(requests(&server, CREATE, ""), 2);
    assert_int_equal(requests(&server, LOG_BATCH, "\"train.lr\""), 2);
    assert_int_equal(requests(&server, UPDATE, "FINISHED"), 1);
    expect_kept(state, "\"def\"", true);
    free(said);
    fake_server_free(&server);
}

/* While it runs: what it had got goes to the new one, too. */
static void deleted_while_it_runs(void **state)
{
    fake_server server;
    fake_server_start(&server, ANSWERS);
    text_write(folder_path(state, "sample.wav"), "RIFF");
    text_listen(state);
    ap_track *track = tracked_begin(state, fake_server_uri(&server, ""), -1);
    tracked_log(track, 0, 3);
    ap_track_artifact(track, folder_path(state, "sample.wav"));
    wait_for(&server, "PUT ", "sample.wav");
    fake_server_deletes(&server, "abc", "def");
    tracked_log(track, 4, 5);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    char *said = text_heard(state);
    fake_server_stop(&server);
    assert_int_equal(text_occurrences(said, "run abc no longer exists: everything goes to a new one, def\n"),
                     1);
    expect_steps(&server, "def", "0 1 2 3 4 5 ");
    assert_int_equal(requests(&server, "PUT ", "sample.wav"), 2);
    assert_int_equal(requests(&server, UPDATE, "FINISHED"), 1);
    free(said);
    fake_server_free(&server);
}

/* A server that calls every run deleted does not get ever more of them. */
static void deleted_again_and_again(void **state)
{
    fake_server server;
    fake_server_start(&server, ANSWERS);
    fake_server_deletes(&server, "run_id", "abc"); /* which all that is about a run has in it */
    text_listen(state);
    ap_track *track = tracked_begin(state, fake_server_uri(&server, ""), -1);
    tracked_log(track, 0, 3);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    char *said = text_heard(state);
    fake_server_stop(&server);
    assert_true(requests(&server, CREATE, "") <= 2);
    assert_int_equal(text_occurrences(said, "did not receive the whole run: the rest is in"), 1);
    free(said);
    fake_server_free(&server);
}

/* Of a folder: removed, or marked as MLflow does, before the run is resumed or while it runs. */
static void deleted_in_a_folder(void **state)
{
    char command[2000], store[500];
    snprintf(store, sizeof store, "%s/store", (const char *)*state);
    const char *const ways[] = {
        "rm -r %1$s/*/*/ 2>/dev/null || rm -r %1$s/*/*/",
        "sed -i 's/^lifecycle_stage: active/lifecycle_stage: deleted/' %s/*/*/meta.yaml"};
    for (size_t k = 0; k < sizeof ways / sizeof *ways; k++)
        for (int running = 0; running < 2; running++) {
            text_listen(state);
            ap_track *track = tracked_begin(state, store, -1);
            tracked_log(track, 0, 3);
            if (!running) tracked_finish(track, AP_OUTCOME_FINISHED);
            while (running && !keeps(state, "\"ended\"")) usleep(1000);
            while (running && keeps(state, "\"sent\":\t0")) usleep(1000);
            snprintf(command, sizeof command, ways[k], store);
            assert_int_equal(system(command), 0);
            if (!running) track = tracked_begin(state, store, 3);
            tracked_log(track, 4, 5);
            tracked_finish(track, AP_OUTCOME_FINISHED);
            char *said = text_heard(state);
            assert_int_equal(text_occurrences(said, "no longer exists: everything goes to a new one"), 1);
            free(said);
            snprintf(command, sizeof command,
                     "run=$(sed -n 's/.*\"run_id\":.*\"\\(.*\\)\".*/\\1/p' %s/mlflow.json) && "
                     "[ $(cat %s/*/$run/metrics/train_loss | wc -l) -eq 6 ] && grep -q '^status: 3' "
                     "%s/*/$run/meta.yaml",
                     (const char *)*state, store, store);
            assert_int_equal(system(command), 0);
            snprintf(command, sizeof command, "rm -r %s %s/mlflow.json", store, (const char *)*state);
            assert_int_equal(system(command), 0);
        }
}

/* Runs a command of the shell in the test's folder, which must succeed. */
static void shell(void **state, const char *command)
{
    char *whole = ap_format_text("cd '%s' && %s", (const char *)*state, command);
    if (system(whole) != 0) fail_msg("%s", whole);
    free(whole);
}

/* What cannot be read is not lost: there is one run and one experiment, and what is missing comes once both
 * can be read again. */
static void a_folder_that_cannot_be_read(void **state)
{
    char store[500];
    snprintf(store, sizeof store, "%s/store", (const char *)*state);
    const char *const metas[] = {"store/*/*/meta.yaml", "store/*/meta.yaml"};
    for (size_t k = 0; k < sizeof metas / sizeof *metas; k++) {
        char *hide = ap_format_text("meta=$(echo %s) && mv $meta kept && mkdir $meta", metas[k]);
        char *show = ap_format_text("meta=$(echo %s) && rmdir $meta && mv kept $meta", metas[k]);
        text_listen(state);
        ap_track *track = tracked_begin(state, store, -1);
        tracked_log(track, 0, 3);
        if (k == 1) tracked_finish(track, AP_OUTCOME_INTERRUPTED);
        /* until the run is there and some of it has been delivered */
        while (k == 0 && (!keeps(state, "\"sent\":") || keeps(state, "\"sent\":\t0"))) usleep(1000);
        shell(state, hide);
        if (k == 1) track = tracked_begin(state, store, 3);
        tracked_log(track, 4, 5);
        tracked_finish(track, AP_OUTCOME_FINISHED);
        shell(state, show);
        tracked_finish(tracked_begin(state, store, 5), AP_OUTCOME_FINISHED);
        char *said = text_heard(state);
        assert_int_equal(text_occurrences(said, "no longer exists"), 0);
        assert_int_equal(text_occurrences(said, "meta.yaml"), 1);
        free(said);
        shell(state, "[ $(ls -d store/*/*/ | wc -l) -eq 1 ] && grep -q '^status: 3' store/*/*/meta.yaml && "
                     "[ $(cat store/*/*/metrics/train_loss | wc -l) -eq 6 ] && rm -r store mlflow.json");
        free(hide);
        free(show);
    }
}

/* ---------------------------------------------------------------- parameters */

/* MLflow 1.27 refuses a value without characters. */
static void an_old_server(void **state)
{
    fake_server server;
    fake_server_start(&server, ANSWERS);
    server.is_old = true;
    text_listen(state);
    ap_track *track = tracked_begin(state, fake_server_uri(&server, ""), -1);
    tracked_log(track, 0, 3);
    wait_for(&server, LOG_BATCH, "");
    tracked_finish(track, AP_OUTCOME_FINISHED);
    char *said = text_heard(state);
    fake_server_stop(&server);
    assert_string_equal(said, "");
    expect_steps(&server, "abc", "0 1 2 3 ");
    assert_int_equal(requests(&server, LOG_BATCH, "{\"key\":\"codec.weights\",\"value\":\"\\\"\\\"\"}"), 1);
    free(said);
    fake_server_free(&server);
}

/* A server keeps a run's parameters; what a resumed run has otherwise goes into tags, and only that. */
static void changed_parameters(void **state)
{
    fake_server server;
    fake_server_start(&server, ANSWERS);
    ap_track *track = tracked_begin(state, fake_server_uri(&server, ""), -1);
    tracked_finish(track, AP_OUTCOME_INTERRUPTED);
    /* of what the server has, one is as it is, two are other; of one of these a tag has the present value
     * already, one has been changed back; what was empty is so; the rest it lacks */
    server.data =
        "{\"params\": [{\"key\": \"train.lr\", \"value\": \"0.0001\"}, {\"key\": \"train.epochs\", "
        "\"value\": "
        "\"7\"}, {\"key\": \"train.seed\", \"value\": \"9\"}, {\"key\": \"train.clip\", \"value\": \"10\"}, "
        "{\"key\": \"codec.weights\", \"value\": \"\"}], \"tags\": [{\"key\": \"resumed.train.seed\", "
        "\"value\": \"0\"}, {\"key\": \"resumed.train.clip\", \"value\": \"3\"}]}";
    int before = fake_server_requests(&server);
    track = tracked_begin(state, fake_server_uri(&server, ""), 0);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    fake_server_stop(&server);
    const char *tags = NULL, *params = NULL;
    for (int i = before; i < server.count; i++) {
        if (strstr(server.requests[i], "\"tags\"")) tags = strstr(server.requests[i], "\r\n\r\n") + 4;
        if (strstr(server.requests[i], "\"params\"")) params = server.requests[i];
    }
    assert_non_null(tags);
    assert_string_equal(tags,
                        "{\"run_id\":\"abc\",\"tags\":[{\"key\":\"resumed.train.epochs\",\"value\":\"20\"},"
                        "{\"key\":\"resumed.train.clip\",\"value\":\"10\"}]}");
    assert_non_null(params);
    assert_non_null(strstr(params, "\"data.path\""));
    assert_null(strstr(params, "\"train.lr\""));
    assert_null(strstr(params, "\"train.epochs\""));
    assert_null(strstr(params, "\"codec.weights\""));
    fake_server_free(&server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tracked_enter, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_log_that_is_cut),
        TEST(a_log_that_stays_cut),
        TEST(a_log_that_is_rotated),
        TEST(a_folders_log_that_is_cut),
        TEST(an_end_that_was_not_delivered),
        TEST(a_run_that_was_not_delivered),
        TEST(deleted_before_it_is_resumed),
        TEST(deleted_while_it_runs),
        TEST(deleted_again_and_again),
        TEST(deleted_in_a_folder),
        TEST(a_folder_that_cannot_be_read),
        TEST(an_old_server),
        TEST(changed_parameters),
    };
    return cmocka_run_group_tests_name("track_lost", tests, NULL, NULL);
}
