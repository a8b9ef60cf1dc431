/* The record of a run: the log, and MLflow as a folder. */
#include "antiphon/track.h"

#include "support/check.h"
#include "support/folder.h"
#include "support/text.h"
#include "support/tracked.h"

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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
    ap_track *track = tracked_begin(state, "", -1);
    const char *const names[] = {"train_loss", "val_loss", "ratio"};
    ap_track_metrics(track, 12, 3, 3, names, (const double[]){0.1, NAN, -INFINITY});
    ap_track_metrics(track, 13, 3, 1, names, (const double[]){0.1 + 0.2});
    tracked_finish(track, AP_OUTCOME_FINISHED);
    char *text = text_read(folder_path(state, "log.jsonl"));
    double time_s;
    int parsed = 0;
    sscanf(text,
           "{\"step\": 12, \"epoch\": 3, \"time\": %lf, \"train_loss\": 0.1, \"val_loss\": null, \"ratio\": "
           "null}\n%n",
           &time_s, &parsed);
    assert_true(parsed > 0);
    assert_true(fabs(time_s - (double)time(NULL)) < 60);
    assert_non_null(strstr(text + parsed, "\"train_loss\": 0.30000000000000004}\n"));
    assert_int_equal(text_occurrences(text, "\n"), 2);
    free(text);
    track = tracked_begin(state, "", -1); /* a new run replaces it */
    tracked_finish(track, AP_OUTCOME_FINISHED);
    text = text_read(folder_path(state, "log.jsonl"));
    assert_string_equal(text, "");
    free(text);
}

static void a_resumed_log(void **state)
{
    const char *path = folder_path(state, "log.jsonl");
    ap_track *track = tracked_begin(state, "", -1);
    tracked_log(track, 0, 4);
    tracked_finish(track, AP_OUTCOME_INTERRUPTED);
    char *whole = text_read(path), *third = strstr(whole, "{\"step\": 3");
    assert_non_null(third);
    FILE *stream = fopen(path, "a");
    fprintf(stream, "{\"step\": 1%*s}\n", 1 << 16, ""); /* longer than any line of ours */
    fputs("{\"step\": 1, \"epo", stream);               /* torn */
    fclose(stream);
    track = tracked_begin(state, "", 2);
    char *trimmed = text_read(path);
    assert_int_equal(strlen(trimmed), third - whole);
    assert_memory_equal(trimmed, whole, (size_t)(third - whole));
    tracked_log(track, 3, 3);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    char *again = text_read(path);
    assert_memory_equal(again, trimmed, strlen(trimmed));
    assert_int_equal(text_occurrences(again, "\n"), 4);
    assert_int_equal(text_occurrences(again, "{\"step\": 3"), 1);
    free(whole);
    free(trimmed);
    free(again);
    unlink(path);
    track = tracked_begin(state, "", 7); /* no log to resume: it begins here */
    tracked_log(track, 8, 8);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    again = text_read(path);
    assert_int_equal(text_occurrences(again, "\n"), 1);
    free(again);
}

static void a_log_that_cannot_be_written(void **state)
{
    ap_config config = ap_config_default();
    ap_track *track;
    ap_status status = ap_track_create("/nowhere/run", &config, -1, &track);
    assert_string_equal(status.message,
                        "/nowhere/run/log.jsonl: cannot be written: No such file or directory");
    track = tracked_begin(state, "", -1);
    text_listen(state);
    struct rlimit before, small;
    getrlimit(RLIMIT_FSIZE, &before);
    small = (struct rlimit){.rlim_cur = 2000, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    tracked_log(track, 0, 99);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    char *said = text_heard(state);
    assert_int_equal(text_occurrences(said, "log.jsonl: cannot be written: the disk is full\n"), 1);
    free(said);
    char *log = text_read(folder_path(state, "log.jsonl"));
    assert_int_equal(log[strlen(log) - 1], '\n'); /* no torn line */
    free(log);
    status = ap_track_finish(track, AP_OUTCOME_FINISHED);
    assert_int_equal(status.code, AP_FAILED);
    assert_non_null(strstr(status.message, "log.jsonl: cannot be written: the disk is full"));
    status = ap_track_finish(NULL, AP_OUTCOME_FINISHED);
    assert_int_equal(status.code, AP_OK);
}

static void places_that_are_none(void **state)
{
    static const char database[] = "for a database, start `mlflow server --backend-store-uri URI`";
    static const char databricks[] = "for Databricks, use the address of the workspace (https://...)";
    static const char colon[] = "write a folder with a colon in its name as ./NAME";
    static const char file[] = "a file: URI needs a path on this machine, file:///PATH";
    const struct {
        const char *uri, *advice;
    } uris[] = {
        {"sqlite:///mlflow.db", database},
        {"SQLite:x.db", database},
        {"postgresql://host/db", database},
        {"mysql+pymysql://host/db", database},
        {"mssql+pyodbc:x", database},
        {"databricks", databricks},
        {"Databricks", databricks},
        {"databricks://profile", databricks},
        {"databricks-uc", databricks},
        {"uc:x", databricks},
        {"s3://bucket", colon},
        {"dbfs:/x", colon},
        {"http:/host", colon},
        {"C:\\runs", colon},
        {"my_runs:x", colon},
        {" http://host", colon},
        {"file://elsewhere/a", file},
        {"file:", file},
        {"FILE://elsewhere/a", file},
        {"file:///a%00b", file},
    };
    for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
        ap_config config = ap_config_default();
        ap_track *track;
        ap_config_override(&config, "track.uri", uris[i].uri);
        ap_status status = ap_track_create(*state, &config, -1, &track);
        char want[200];
        snprintf(want, sizeof want,
                 "track.uri = \"%s\": must be a folder, a file: URI or an http(s) server; ", uris[i].uri);
        assert_memory_equal(status.message, want, strlen(want));
        assert_non_null(strstr(status.message, uris[i].advice));
        assert_int_equal(status.code, AP_MISUSE);
        assert_null(track);
    }
    assert_int_equal(folder_count(state), 1); /* log.jsonl: no folder was made under any of the names */
    setenv("MLFLOW_TRACKING_URI", "postgresql://me:secret@host/x?password=secret", 1);
    ap_config config = ap_config_default();
    ap_track *track;
    ap_status status = ap_track_create(*state, &config, -1, &track);
    unsetenv("MLFLOW_TRACKING_URI");
    assert_non_null(strstr(status.message, "MLFLOW_TRACKING_URI = \"postgresql://host/x\""));
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
    return text_read(path);
}

static void a_folder(void **state)
{
    setenv("MLFLOW_ALLOW_FILE_STORE", "true", 1);
    char root[4096], uri[4200];
    snprintf(root, sizeof root, "%s", folder_path(state, "a store"));
    snprintf(uri, sizeof uri, "file://%s/a%%20store", (const char *)*state);
    text_write(folder_path(state, "sample.wav"), "RIFF");
    ap_track *track = tracked_begin(state, uri, -1);
    tracked_log(track, 0, 5);
    ap_track_artifact(track, folder_path(state, "sample.wav"));
    ap_track_artifact(track, folder_path(state, "sample.wav"));
    tracked_finish(track, AP_OUTCOME_INTERRUPTED);
    char *experiment = only_folder(root), *run = only_folder(experiment);
    char *meta = run_file(run, "meta.yaml"), *loss = run_file(run, "metrics/train_loss");
    assert_non_null(strstr(meta, "\nstatus: 5\n"));
    assert_non_null(strstr(meta, "a%20store/"));
    assert_null(strstr(meta, "end_time: null"));
    long long ms;
    int parsed = 0;
    sscanf(loss, "%lld 0.3333333333333333 0\n%n", &ms, &parsed);
    assert_true(parsed > 0 && llabs(ms / 1000 - (long long)time(NULL)) < 60);
    assert_int_equal(text_occurrences(loss, "\n"), 6);
    char *rate = run_file(run, "metrics/learning_rate");
    assert_non_null(strstr(rate, " nan 2\n"));
    char *param = run_file(run, "params/train.lr"), *sample = run_file(run, "artifacts/sample.wav");
    assert_string_equal(param, "0.0001");
    assert_string_equal(sample, "RIFF");

    /* resumed: the same run, without the step that was dropped, with its beginning and a new end */
    track = tracked_begin(state, uri, 3);
    tracked_log(track, 4, 4);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    char *same = only_folder(experiment), *meta_after = run_file(run, "meta.yaml"),
         *after = run_file(run, "metrics/train_loss");
    assert_string_equal(same, run);
    assert_int_equal(text_occurrences(after, "\n"), 5);
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
        text_write(path, meta);
        ap_config config = ap_config_default();
        ap_track *track;
        snprintf(config.track.uri, sizeof config.track.uri, "%s", root);
        snprintf(config.track.experiment, sizeof config.track.experiment, "%s", cases[i].name);
        assert_int_equal(ap_track_create(*state, &config, -1, &track).code, AP_OK);
        tracked_finish(track, AP_OUTCOME_FINISHED);
        char *found = only_folder(root), *run = only_folder(experiment);
        assert_string_equal(found, experiment);
        free(found);
        free(run);
    }
}

static void hint(void **state)
{
    unsetenv("MLFLOW_ALLOW_FILE_STORE");
    text_listen(state);
    ap_track *track = tracked_begin(state, folder_path(state, "store"), -1);
    tracked_finish(track, AP_OUTCOME_FINISHED);
    char *said = text_heard(state);
    assert_non_null(strstr(said, "MLFLOW_ALLOW_FILE_STORE=true"));
    free(said);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tracked_enter, folder_remove)

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
    };
    return cmocka_run_group_tests_name("track", tests, NULL, NULL);
}
