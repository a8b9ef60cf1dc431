/* Preparing goes on where it was stopped: the set is that of a run that never was, and nothing is done twice.
 */
#include "antiphon/audio.h"
#include "antiphon/prepare.h"
#include "antiphon/stop.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/memory.h"
#include "base/replace.h"
#include "support/check.h"
#include "support/folder.h"

#include <math.h>
#include <omp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SONGS 8
#define SECONDS 0.5

static volatile sig_atomic_t asked;
static const char *stop_in; /* the work in which it is asked to stop, */
static int64_t stop_after;  /* after so many recordings */

static void progress(const char *what, int64_t done, int64_t total)
{
    (void)total;
    if (stop_in && strcmp(what, stop_in) == 0 && done == stop_after) asked = 1;
}

/* Song k, which lasts for `seconds`; its second window is silent if k is odd. */
static void write_song(void **state, int k, double seconds)
{
    char *name = ap_format_text("songs/%02d.wav", k);
    int64_t count = (int64_t)(seconds * AP_SAMPLE_RATE);
    ap_real *x = ap_allocate((size_t)count, sizeof *x);
    for (int64_t i = 0; i < count; i++) {
        bool silent = k % 2 && i >= AP_SAMPLE_RATE / 2 && i < AP_SAMPLE_RATE;
        x[i] = silent ? 0 : (ap_real)(0.3 * sin((double)i * (0.01 + 0.002 * k)));
    }
    ap_audio audio = {.samples = x, .count = count, .rate = AP_SAMPLE_RATE, .channels = 1};
    assert_string_equal(ap_audio_write(folder_path(state, name), &audio).message, "");
    free(x);
    free(name);
}

static int set_up(void **state)
{
    if (folder_create(state) != 0) return -1;
    assert_string_equal(ap_make_folder(folder_path(state, "songs")).message, "");
    for (int k = 0; k < SONGS; k++) write_song(state, k, 2.2 + 0.5 * k);
    asked = 0;
    stop_in = NULL;
    omp_set_num_threads(1); /* with more, others may be done before they hear that they are to stop */
    ap_stop_flag_set(&asked);
    return 0;
}

static int tear_down(void **state)
{
    ap_stop_flag_set(NULL);
    return folder_remove(state);
}

static ap_status prepare(void **state, const char *out, ap_prepare_report *report)
{
    ap_prepare_options o = {.songs = folder_path(state, "songs"),
                            .out = folder_path(state, out),
                            .seconds = SECONDS,
                            .validation = 0.25,
                            .progress = progress};
    return ap_prepare(&o, report);
}

/* Prepares until it is asked to stop. */
static void stop(void **state, const char *out, const char *what, int64_t after)
{
    ap_prepare_report report;
    stop_in = what;
    stop_after = after;
    assert_int_equal(prepare(state, out, &report).code, AP_INTERRUPTED);
    asked = 0;
    stop_in = NULL;
}

static void finish(void **state, const char *out, ap_prepare_report *report)
{
    assert_string_equal(prepare(state, out, report).message, "");
}

/* Compares two sets file by file; gives the bytes of a split. */
static double check_same_split(void **state, const char *a, const char *b, const char *split)
{
    const char *const sets[2] = {a, b};
    ap_names names[2];
    double bytes = 0;
    for (int k = 0; k < 2; k++) {
        char *path = ap_format_text("%s/%s", sets[k], split);
        assert_string_equal(ap_folder_list(folder_path(state, path), &names[k]).message, "");
        free(path);
    }
    assert_int_equal(names[0].count, names[1].count);
    for (size_t i = 0; i < names[0].count; i++) {
        char *texts[2];
        size_t lengths[2];
        assert_string_equal(names[0].at[i], names[1].at[i]);
        for (int k = 0; k < 2; k++) {
            char *path = ap_format_text("%s/%s/%s", sets[k], split, names[k].at[i]);
            assert_string_equal(
                ap_file_read(folder_path(state, path), 1 << 24, &texts[k], &lengths[k]).message, "");
            free(path);
        }
        assert_int_equal(lengths[0], lengths[1]);
        assert_memory_equal(texts[0], texts[1], lengths[0]);
        bytes += (double)lengths[0];
        free(texts[0]);
        free(texts[1]);
    }
    for (int k = 0; k < 2; k++) ap_names_free(&names[k]);
    return bytes;
}

/* The set is that of one run, and so is the report, whose sizes are those of the files. */
static void check_set(void **state, const char *out, const ap_prepare_report *report)
{
    ap_prepare_report whole;
    finish(state, "whole", &whole);
    double bytes[2] = {check_same_split(state, "whole", out, "train"),
                       check_same_split(state, "whole", out, "val")};
    assert_int_equal(report->training, whole.training);
    assert_int_equal(report->validation, whole.validation);
    assert_int_equal(report->silent, whole.silent);
    assert_int_equal(report->recordings, whole.recordings);
    assert_true(whole.silent > 0 && whole.validation > 0);
    assert_true(report->bytes[0] == bytes[0] && report->bytes[1] == bytes[1]);
    assert_true(fabs(report->seconds[0] - SECONDS * (double)report->training) < 1e-9);
    ap_names names;
    assert_string_equal(ap_folder_list(folder_path(state, out), &names).message, "");
    assert_int_equal(names.count, 3); /* no journal, nothing unfinished */
    ap_names_free(&names);
}

static ino_t inode_of(const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0) fail_msg("no %s", path);
    return about.st_ino;
}

static void it_goes_on_with_reading_and_cutting(void **state)
{
    ap_prepare_report report;
    stop(state, "out", "recordings read", 1);
    stop(state, "out", "recordings read", SONGS - 2);
    stop(state, "out", "recordings cut", 3);
    ino_t first = inode_of(folder_path(state, "out/unfinished/train/pair_0001_input.wav"));
    stop(state, "out", "recordings cut", SONGS - 2);
    finish(state, "out", &report);
    assert_true(inode_of(folder_path(state, "out/train/pair_0001_input.wav")) == first); /* not cut again */
    check_set(state, "out", &report);
}

/* In the journal each recording is read once, however often it was interrupted; a line that a kill has cut
 * does no harm. */
static void no_recording_is_read_twice(void **state)
{
    char *text, *path = ap_copy_text(folder_path(state, "out/unfinished/progress.txt"));
    size_t length;
    for (int64_t k = 1; k < SONGS; k += 2) stop(state, "out", "recordings read", k);
    stop(state, "out", "recordings cut", 1);
    assert_string_equal(ap_file_read(path, 1 << 20, &text, &length).message, "");
    int reads = 0;
    for (const char *at = text; (at = strstr(at, " read ")); at++) reads++;
    assert_int_equal(reads, SONGS);
    assert_string_equal(ap_replace_file(path, text, length - 7).message, "");
    free(text);
    free(path);
    ap_prepare_report report;
    finish(state, "out", &report);
    check_set(state, "out", &report);
}

/* Recordings that come, go or change in between: nothing of before is left that should not be. */
static void another_tree_makes_another_set(void **state)
{
    ap_prepare_report report;
    stop(state, "out", "recordings cut", SONGS - 1);
    write_song(state, 1, 4);
    assert_int_equal(remove(folder_path(state, "songs/00.wav")), 0);
    write_song(state, SONGS, 3);
    finish(state, "out", &report);
    check_set(state, "out", &report);
}

/* Another command does not take over what this one has left. */
static void other_settings_begin_anew(void **state)
{
    ap_prepare_report report;
    stop(state, "out", "recordings cut", 4);
    ap_prepare_options o = {.songs = folder_path(state, "songs"),
                            .out = folder_path(state, "out"),
                            .seconds = 1,
                            .validation = 0.25};
    assert_string_equal(ap_prepare(&o, &report).message, "");
    ap_audio x;
    assert_string_equal(ap_audio_read(folder_path(state, "out/train/pair_0001_input.wav"), 0, &x).message,
                        "");
    assert_int_equal(x.count, AP_SAMPLE_RATE);
    ap_audio_free(&x);
}

static void threads_make_no_difference(void **state)
{
    ap_prepare_report report;
    omp_set_num_threads(5);
    finish(state, "out", &report);
    omp_set_num_threads(1);
    check_set(state, "out", &report);
}

static void strict_allows_nothing_to_be_left_out(void **state)
{
    ap_prepare_report report;
    ap_prepare_options o = {.songs = folder_path(state, "songs"),
                            .out = folder_path(state, "out"),
                            .seconds = SECONDS,
                            .validation = 0.25,
                            .strict = true};
    assert_string_equal(ap_replace_file(folder_path(state, "songs/broken.wav"), "RIFF", 4).message, "");
    ap_status status = ap_prepare(&o, &report);
    assert_int_equal(status.code, AP_FAILED);
    assert_non_null(strstr(status.message, "songs: 1 recording is left out, and strict allows none"));
    assert_int_equal(folder_count(state), 1);
    finish(state, "out", &report);
    assert_int_equal(report.left_out, 1);
    assert_int_equal(report.unusable, 1);
    check_set(state, "out", &report);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(it_goes_on_with_reading_and_cutting), IN_FOLDER(no_recording_is_read_twice),
        IN_FOLDER(another_tree_makes_another_set),      IN_FOLDER(other_settings_begin_anew),
        IN_FOLDER(threads_make_no_difference),          IN_FOLDER(strict_allows_nothing_to_be_left_out),
    };
    return cmocka_run_group_tests_name("prepare_resume", tests, NULL, NULL);
}
