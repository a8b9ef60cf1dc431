#include "antiphon/prepare.h"

#include "antiphon/audio.h"
#include "antiphon/pairs.h"
#include "base/memory.h"
#include "base/replace.h"
#include "support/check.h"
#include "support/folder.h"

#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RATE AP_SAMPLE_RATE
/* Recordings of the tests are staircases: window k of file f has the constant level (10 f + k + 1) / 200, so
 * that what comes out tells where it comes from; a level of 0 is silence. */
#define STEP (1.0 / 200)

static void make_recording(const char *path, int file, double seconds, int silent_window)
{
    int64_t count = (int64_t)(seconds * RATE);
    ap_real *x = ap_allocate((size_t)count, sizeof *x);
    for (int64_t i = 0; i < count; i++) {
        int window = (int)(i / RATE);
        x[i] = window == silent_window ? 0 : (ap_real)((10 * file + window + 1) * STEP);
    }
    assert_int_equal(ap_audio_write(path, &(ap_audio){x, count, RATE, 1}).code, AP_OK);
    free(x);
}

/* Which window of which file a pair's side is: 10 f + k; it must be exactly that, and a second long. */
static int origin(const char *path)
{
    ap_audio x;
    ap_status status = ap_audio_read(path, 0, &x);
    if (ap_failed(&status)) fail_msg("%s", status.message);
    assert_int_equal(x.count, RATE);
    int number = (int)lround((double)x.samples[0] / STEP);
    for (int64_t i = 0; i < x.count; i++) assert_true(fabs((double)x.samples[i] - number * STEP) < 1e-4);
    ap_audio_free(&x);
    return number - 1;
}

static void check_pairs(void **state, const char *split, const int (*want)[2], size_t count)
{
    ap_pairs pairs;
    ap_status status = ap_pairs_list(folder_path(state, "out"), split, &pairs);
    if (ap_failed(&status)) fail_msg("%s", status.message);
    assert_int_equal(pairs.count, count);
    for (size_t k = 0; k < count; k++) {
        int input = origin(pairs.at[k].input), target = origin(pairs.at[k].target);
        if (input != want[k][0] || target != want[k][1])
            fail_msg("%s %s is of windows %d and %d", split, pairs.at[k].name, input, target);
    }
    ap_pairs_free(&pairs);
}

static ap_status prepare(void **state, bool songs, double share, ap_prepare_report *report)
{
    ap_prepare_options o = {.out = folder_path(state, "out"), .seconds = 1, .validation = share};
    if (songs)
        o.songs = folder_path(state, "songs");
    else
        o.inputs = folder_path(state, "in"), o.targets = folder_path(state, "tgt");
    return ap_prepare(&o, report);
}

static void make_folders(void **state)
{
    const char *const names[] = {"in", "tgt", "songs"};
    for (int k = 0; k < 3; k++) assert_int_equal(ap_make_folder(folder_path(state, names[k])).code, AP_OK);
}

static void files_are_matched_by_name_and_split_whole(void **state)
{
    ap_prepare_report report;
    make_folders(state);
    make_recording(folder_path(state, "in/a.wav"), 0, 2, -1);
    make_recording(folder_path(state, "in/b.wav"), 1, 3.5,
                   1); /* its middle window is silent, its end too short */
    make_recording(folder_path(state, "in/only.wav"), 2, 2, -1);
    make_recording(folder_path(state, "tgt/a.wav"), 3, 2, -1);
    make_recording(folder_path(state, "tgt/b.wav"), 4, 3, -1);
    make_recording(folder_path(state, "tgt/0.wav"), 5, 3, -1);
    assert_int_equal(ap_replace_file(folder_path(state, "in/notes.txt"), "x", 1).code, AP_OK);
    ap_status status = prepare(state, false, 0.2, &report);
    if (ap_failed(&status)) fail_msg("%s", status.message);
    check_pairs(state, "train", (const int[][2]){{0, 30}, {1, 31}}, 2);
    check_pairs(state, "val", (const int[][2]){{10, 40}, {12, 42}}, 2);
    assert_int_equal(report.matched, AP_PREPARE_BY_NAME);
    assert_int_equal(report.recordings, 2);
    assert_int_equal(report.training, 2);
    assert_int_equal(report.validation, 2);
    assert_int_equal(report.silent, 1);
    assert_int_equal(report.remainders, 1);
    assert_int_equal(report.alone, 2);
}

static void names_that_never_agree_are_matched_by_order(void **state)
{
    ap_prepare_report report;
    make_folders(state);
    for (int k = 0; k < 5; k++) {
        char in[32], tgt[32];
        snprintf(in, sizeof in, "in/drums %c.wav", 'a' + k);
        snprintf(tgt, sizeof tgt, "tgt/x%d.wav", k);
        make_recording(folder_path(state, in), k, 1, -1);
        make_recording(folder_path(state, tgt), k + 5, 1, -1);
    }
    ap_status status = prepare(state, false, 0.4, &report);
    if (ap_failed(&status)) fail_msg("%s", status.message);
    check_pairs(state, "train", (const int[][2]){{0, 50}, {10, 60}, {30, 80}}, 3);
    check_pairs(state, "val", (const int[][2]){{20, 70}, {40, 90}}, 2);
    assert_int_equal(report.matched, AP_PREPARE_BY_ORDER);
    assert_string_equal(report.example[1], "x0.wav");
}

static void the_only_recording_is_split_by_time(void **state)
{
    ap_prepare_report report;
    make_folders(state);
    make_recording(folder_path(state, "in/a.wav"), 0, 6, -1);
    make_recording(folder_path(state, "tgt/a.wav"), 1, 5, -1);
    ap_status status = prepare(state, false, 0.2, &report);
    if (ap_failed(&status)) fail_msg("%s", status.message);
    check_pairs(state, "train", (const int[][2]){{0, 10}, {1, 11}, {2, 12}, {3, 13}}, 4);
    check_pairs(state, "val", (const int[][2]){{4, 14}}, 1);
    assert_int_equal(report.remainders, 1);
}

static void windows_of_a_song_meet_half_a_song_apart(void **state)
{
    ap_prepare_report report;
    make_folders(state);
    make_recording(folder_path(state, "songs/a.wav"), 0, 5,
                   -1); /* four windows make pairs, the fifth is left */
    make_recording(folder_path(state, "songs/b.wav"), 1, 2, -1);
    ap_status status = prepare(state, true, 0.5, &report);
    if (ap_failed(&status)) fail_msg("%s", status.message);
    check_pairs(state, "train", (const int[][2]){{0, 2}, {2, 0}, {1, 3}, {3, 1}}, 4);
    check_pairs(state, "val", (const int[][2]){{10, 11}, {11, 10}}, 2);
    assert_int_equal(report.remainders, 1);
    assert_int_equal(report.recordings, 2);
}

/* A constant level in floating point, which may be beyond full scale; if `bad`, the last sample is not a
 * number. */
static void make_loud_recording(const char *path, double level, double seconds, bool bad)
{
    SF_INFO info = {.samplerate = RATE, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_FLOAT};
    SNDFILE *file = sf_open(path, SFM_WRITE, &info);
    assert_non_null(file);
    int64_t count = (int64_t)(seconds * RATE);
    for (int64_t i = 0; i < count; i++) {
        float x = bad && i == count - 1 ? NAN : (float)level;
        assert_int_equal(sf_writef_float(file, &x, 1), 1);
    }
    sf_close(file);
}

static void what_is_beyond_full_scale_is_brought_down(void **state)
{
    ap_prepare_report report;
    make_folders(state);
    make_loud_recording(folder_path(state, "in/a.wav"), 3, 2, false);
    make_loud_recording(folder_path(state, "tgt/a.wav"), -0.5, 2, false);
    ap_status status = prepare(state, false, 0.5, &report);
    if (ap_failed(&status)) fail_msg("%s", status.message);
    assert_int_equal(report.lowered, 2);
    const char *const sides[] = {"out/train/pair_0001_input.wav", "out/train/pair_0001_target.wav"};
    const double want[] = {AP_PREPARE_PEAK, -0.5};
    for (int k = 0; k < 2; k++) {
        ap_audio x;
        assert_int_equal(ap_audio_read(folder_path(state, sides[k]), 0, &x).code, AP_OK);
        for (int64_t i = 0; i < x.count; i++) assert_true(fabs((double)x.samples[i] - want[k]) < 1e-4);
        ap_audio_free(&x);
    }
}

/* A recording without a window is no candidate for validation either. */
static void what_is_too_short_is_named(void **state)
{
    ap_prepare_report report;
    make_folders(state);
    make_recording(folder_path(state, "songs/a.wav"), 0, 2, -1);
    make_recording(folder_path(state, "songs/b.wav"), 1, 1.9, -1);
    make_recording(folder_path(state, "songs/c.wav"), 2, 2, -1);
    make_recording(folder_path(state, "songs/d.wav"), 3, 0.5, -1);
    ap_status status = prepare(state, true, 0.5, &report);
    if (ap_failed(&status)) fail_msg("%s", status.message);
    check_pairs(state, "train", (const int[][2]){{0, 1}, {1, 0}}, 2);
    check_pairs(state, "val", (const int[][2]){{20, 21}, {21, 20}}, 2);
    assert_int_equal(report.recordings, 2);
    assert_int_equal(report.brief, 2);
    assert_int_equal(report.remainders, 0);
}

static void check_refused(void **state, bool songs, const char *reason)
{
    ap_prepare_report report;
    ap_status status = prepare(state, songs, 0.2, &report);
    assert_int_equal(status.code, AP_FAILED);
    if (!strstr(status.message, reason)) fail_msg("\"%s\" does not say \"%s\"", status.message, reason);
}

static void what_cannot_be_cut_is_named_before_anything_is_written(void **state)
{
    check_refused(state, true, "songs: cannot be listed");
    make_folders(state);
    check_refused(state, true, "songs: holds no audio file");
    make_recording(folder_path(state, "in/a.wav"), 0, 3, -1);
    check_refused(state, false, "tgt: holds no audio file");
    make_recording(folder_path(state, "songs/a.wav"), 0, 1.9, -1);
    check_refused(state, true, "each must have two windows of 1 s");
    make_recording(folder_path(state, "songs/b.wav"), 0, 3, -1);
    assert_int_equal(ap_replace_file(folder_path(state, "songs/b.wav"), "x", 1).code, AP_OK);
    assert_int_equal(ap_replace_file(folder_path(state, "songs/a.wav"), "x", 1).code, AP_OK);
    check_refused(state, true, "songs: no usable recording is left");
    assert_int_equal(folder_count(state), 3); /* no folder "out" */
    make_recording(folder_path(state, "tgt/a.wav"), 0, 2, 0);
    make_recording(folder_path(state, "in/a.wav"), 0, 2, 1);
    check_refused(state, false, "no pair for training: 2 windows are silent");
    assert_int_equal(folder_count(state), 3);
    assert_int_equal(ap_make_folder(folder_path(state, "out/mine")).code, AP_OK);
    check_refused(state, false, "out: not empty");
}

/* ---------------------------------------------------------------- folders as people have them */

static char told[4096];

static void note_left_out(const char *line)
{
    snprintf(told + strlen(told), sizeof told - strlen(told), "%s\n", line);
}

static ap_status prepare_told(void **state, bool songs, ap_prepare_report *report)
{
    ap_prepare_options o = {
        .out = folder_path(state, "out"), .seconds = 1, .validation = 0, .left_out = note_left_out};
    if (songs)
        o.songs = folder_path(state, "songs");
    else
        o.inputs = folder_path(state, "in"), o.targets = folder_path(state, "tgt");
    *told = '\0';
    return ap_prepare(&o, report);
}

static void check_told(const char *line)
{
    if (!strstr(told, line)) fail_msg("\"%s\" is not told of, but:\n%s", line, told);
}

/* Makes recordings of the names, a second long; the file's number is its place in the list from `first` on.
 */
static void make_recordings(void **state, const char *folder, const char *const *names, size_t count,
                            int first)
{
    for (size_t k = 0; k < count; k++) {
        char name[64];
        snprintf(name, sizeof name, "%s/%s", folder, names[k]);
        make_recording(folder_path(state, name), first + (int)k, 1, -1);
    }
}

#define COUNT(names) (sizeof(names) / sizeof *(names))

static void check_matched(void **state, ap_prepare_match how, const int (*want)[2], size_t count)
{
    ap_prepare_report report;
    ap_status status = prepare_told(state, false, &report);
    if (ap_failed(&status)) fail_msg("%s", status.message);
    assert_int_equal(report.matched, how);
    check_pairs(state, "train", want, count);
}

static void numbers_are_numbers(void **state)
{
    static const char *const inputs[] = {"drums_10.wav", "drums_2.wav", "drums_1.wav"};
    static const char *const targets[] = {"piano_01.wav", "piano_02.wav", "piano_10.wav"};
    make_folders(state);
    make_recordings(state, "in", inputs, 3, 0);
    make_recordings(state, "tgt", targets, 3, 5);
    check_matched(state, AP_PREPARE_BY_PART, (const int[][2]){{20, 50}, {10, 60}, {0, 70}}, 3);
    assert_string_equal(told, "");
}

static void names_may_differ_in_zeros_case_and_folders(void **state)
{
    static const char *const inputs[] = {"kit/Take 7.wav", "kit/take 12.wav"};
    static const char *const targets[] = {"kit/take 007.wav", "kit/Take 12.wav", "kit/take 8.wav"};
    make_folders(state);
    assert_int_equal(ap_make_folder(folder_path(state, "in/kit")).code, AP_OK);
    assert_int_equal(ap_make_folder(folder_path(state, "tgt/kit")).code, AP_OK);
    make_recordings(state, "in", inputs, 2, 0);
    make_recordings(state, "tgt", targets, 3, 5);
    check_matched(state, AP_PREPARE_BY_NAME, (const int[][2]){{0, 50}, {10, 60}}, 2);
    check_told("tgt/kit/take 8.wav: without a partner");
}

/* Folders of one side alone: the names are compared without them, whole or by the part that varies. */
static void folders_of_one_side_do_not_hide_names(void **state)
{
    static const char *const inputs[] = {"drums 3.wav", "kit/drums 1.wav", "kit/day 2/drums 2.wav"};
    static const char *const targets[] = {"Piano-01.wav", "old/Piano-03.wav", "Piano-02.wav"};
    make_folders(state);
    assert_int_equal(ap_make_folder(folder_path(state, "in/kit")).code, AP_OK);
    assert_int_equal(ap_make_folder(folder_path(state, "in/kit/day 2")).code, AP_OK);
    assert_int_equal(ap_make_folder(folder_path(state, "tgt/old")).code, AP_OK);
    make_recordings(state, "in", inputs, 3, 0);
    make_recordings(state, "tgt", targets, 3, 5);
    check_matched(state, AP_PREPARE_BY_PART, (const int[][2]){{0, 60}, {20, 70}, {10, 50}}, 3);
}

/* What paths do not match, names may; but not a name that a side has twice. */
static void a_name_is_found_in_another_folder(void **state)
{
    static const char *const inputs[] = {"a/1.wav", "a/2.wav", "b/2.wav", "c/9.wav"};
    static const char *const targets[] = {"9.wav", "a/1.wav", "d/2.wav"};
    static const char *const folders[] = {"in/a", "in/b", "in/c", "tgt/a", "tgt/d"};
    make_folders(state);
    for (size_t k = 0; k < COUNT(folders); k++)
        assert_int_equal(ap_make_folder(folder_path(state, folders[k])).code, AP_OK);
    make_recordings(state, "in", inputs, 4, 0);
    make_recordings(state, "tgt", targets, 3, 5);
    check_matched(state, AP_PREPARE_BY_NAME, (const int[][2]){{0, 60}, {30, 50}}, 2);
    check_told("in/a/2.wav: without a partner");
}

static void what_is_missing_on_one_side_moves_nothing(void **state)
{
    static const char *const inputs[] = {"a_drums.wav", "b_drums.wav", "c_drums.wav"};
    static const char *const targets[] = {"a_piano.wav", "c_piano.wav"};
    make_folders(state);
    make_recordings(state, "in", inputs, 3, 0);
    make_recordings(state, "tgt", targets, 2, 5);
    check_matched(state, AP_PREPARE_BY_PART, (const int[][2]){{0, 50}, {20, 60}}, 2);
    check_told("in/b_drums.wav: without a partner");
}

static void different_numbers_without_agreement_are_refused(void **state)
{
    static const char *const inputs[] = {"funk.wav", "rock.wav", "shuffle.wav"};
    static const char *const targets[] = {"ballad.wav", "nocturne.wav"};
    ap_prepare_report report;
    make_folders(state);
    make_recordings(state, "in", inputs, 3, 0);
    make_recordings(state, "tgt", targets, 2, 5);
    ap_status status = prepare_told(state, false, &report);
    assert_int_equal(status.code, AP_FAILED);
    if (!strstr(status.message, "funk.wav with ballad.wav, rock.wav with nocturne.wav"))
        fail_msg("%s", status.message);
    assert_int_equal(folder_count(state), 3);
}

static void copy(void **state, const char *from, const char *to)
{
    ap_audio x;
    char *path = ap_copy_text(folder_path(state, from));
    assert_int_equal(ap_audio_read(path, 0, &x).code, AP_OK);
    assert_int_equal(ap_audio_write(folder_path(state, to), &x).code, AP_OK);
    ap_audio_free(&x);
    free(path);
}

/* The same piece twice would be heard in training and in validation. */
static void a_piece_is_taken_once(void **state)
{
    ap_prepare_report report;
    make_folders(state);
    make_recording(folder_path(state, "songs/a.wav"), 0, 2, -1);
    make_recording(folder_path(state, "songs/A.aiff"), 1, 2, -1);
    make_recording(folder_path(state, "songs/b.wav"), 2, 2, -1);
    copy(state, "songs/b.wav", "songs/z copy.wav");
    assert_int_equal(symlink("b.wav", folder_path(state, "songs/link.wav")), 0);
    ap_status status = prepare_told(state, true, &report);
    if (ap_failed(&status)) fail_msg("%s", status.message);
    check_pairs(state, "train", (const int[][2]){{0, 1}, {1, 0}, {20, 21}, {21, 20}}, 4);
    check_told("songs/A.aiff: the same piece as a.wav");
    check_told("songs/link.wav: the same file as b.wav");
    check_told("songs/z copy.wav: the same sound as ");
    assert_int_equal(report.repeated, 1);
}

/* Two pieces and a third, the drums of the one with the piano of the other, are not parted into training and
 * validation. */
static void what_shares_a_recording_stays_together(void **state)
{
    ap_prepare_report report;
    make_folders(state);
    make_recordings(state, "in", (const char *const[]){"a.wav", "b.wav", "c.wav", "d.wav"}, 4, 0);
    make_recordings(state, "tgt", (const char *const[]){"a.wav", "b.wav", "c.wav", "d.wav"}, 4, 5);
    copy(state, "in/a.wav", "in/c.wav");
    copy(state, "tgt/b.wav", "tgt/c.wav");
    ap_status status = prepare(state, false, 0.5, &report);
    if (ap_failed(&status)) fail_msg("%s", status.message);
    check_pairs(state, "train", (const int[][2]){{0, 50}, {10, 60}, {0, 60}}, 3);
    check_pairs(state, "val", (const int[][2]){{30, 80}}, 1);
}

/* Where all of it is one piece, it is parted at one time. */
static void the_only_piece_is_split_at_one_time(void **state)
{
    ap_prepare_report report;
    make_folders(state);
    make_recording(folder_path(state, "in/a.wav"), 0, 4, -1);
    make_recording(folder_path(state, "tgt/a.wav"), 1, 4, -1);
    copy(state, "in/a.wav", "in/b.wav");
    make_recording(folder_path(state, "tgt/b.wav"), 2, 2, -1);
    ap_status status = prepare(state, false, 0.5, &report);
    if (ap_failed(&status)) fail_msg("%s", status.message);
    check_pairs(state, "train", (const int[][2]){{0, 10}, {0, 20}}, 2);
    check_pairs(state, "val", (const int[][2]){{1, 11}, {2, 12}, {3, 13}, {1, 21}}, 4);
}

static void a_target_is_another_sound_than_its_input(void **state)
{
    ap_prepare_report report;
    make_folders(state);
    make_recordings(state, "in", (const char *const[]){"a.wav", "b.wav"}, 2, 0);
    make_recordings(state, "tgt", (const char *const[]){"a.wav", "b.wav"}, 2, 5);
    copy(state, "in/b.wav", "tgt/b.wav");
    ap_status status = prepare_told(state, false, &report);
    if (ap_failed(&status)) fail_msg("%s", status.message);
    check_pairs(state, "train", (const int[][2]){{0, 50}}, 1);
    check_told("in/b.wav: the same sound as its target");
}

/* A set that was made in the midst of the recordings is made from them. */
static void pairs_are_no_recordings(void **state)
{
    ap_prepare_report report;
    make_folders(state);
    make_recording(folder_path(state, "songs/a.wav"), 0, 4, -1);
    ap_prepare_options o = {
        .songs = folder_path(state, "songs"), .out = folder_path(state, "songs/set"), .seconds = 2};
    ap_status status = ap_prepare(&o, &report);
    if (ap_failed(&status)) fail_msg("%s", status.message);
    status = prepare_told(state, true, &report);
    if (ap_failed(&status)) fail_msg("%s", status.message);
    assert_int_equal(report.recordings, 1);
    check_told("songs/set: a set of pairs");
}

/* Full-band stereo keeps its channels, also where they cancel each other. */
static void pairs_keep_rate_and_channels(void **state)
{
    ap_prepare_report report;
    make_folders(state);
    SF_INFO info = {.samplerate = 44100, .channels = 2, .format = SF_FORMAT_WAV | SF_FORMAT_FLOAT};
    SNDFILE *file = sf_open(folder_path(state, "songs/anti.wav"), SFM_WRITE, &info);
    for (int i = 0; i < 4 * 44100; i++) {
        float x = (float)(0.5 * sin(2 * M_PI * 15000 * i / 44100.0));
        sf_writef_float(file, i < 88200 ? (float[]){x, -x} : (float[]){1.5F * x, 3 * x}, 1);
    }
    sf_close(file);
    ap_prepare_options o = {.songs = folder_path(state, "songs"),
                            .out = folder_path(state, "set"),
                            .seconds = 1,
                            .sample_rate = 48000,
                            .channels = 2};
    assert_string_equal(ap_prepare(&o, &report).message, "");
    assert_int_equal(report.training, 4);
    assert_int_equal(report.lowered, 2);
    const double levels[2] = {0.5, -0.5}, lowered[2] = {0.5 * AP_PREPARE_PEAK, AP_PREPARE_PEAK};
    for (int side = 0; side < 2; side++) {
        ap_audio x;
        const char *path =
            folder_path(state, side ? "set/train/pair_0001_target.wav" : "set/train/pair_0001_input.wav");
        assert_string_equal(ap_audio_read_channels(path, 0, 0, &x).message, "");
        assert_int_equal(x.rate, 48000);
        assert_int_equal(x.channels, 2);
        assert_int_equal(x.count, 48000);
        for (int c = 0; c < 2; c++) { /* against the sine itself, in the window's middle */
            double sum = 0, start = side ? 2 : 0;
            for (int i = 12000; i < 36000; i++)
                sum += (double)x.samples[c * x.count + i] * sin(2 * M_PI * 15000 * (start + i / 48000.0)) /
                       12000;
            double want = side ? lowered[c] : levels[c];
            /* resampling rings where the loud half begins, and all of it is lowered by that peak */
            if (fabs(sum - want) > (side ? 0.1 : 0.01))
                fail_msg("side %d, channel %d: %g, not %g", side, c, sum, want);
        }
        ap_audio_free(&x);
    }
}

/* Of a pair that cannot be cut both recordings are named: the one with what is wrong with it, the other as
 * its partner, which is used up, since names have shown that the two belong together. */
static void the_partner_of_what_is_left_out_is_named(void **state)
{
    ap_prepare_report report;
    make_folders(state);
    for (int k = 0; k < 2; k++) {
        make_recording(folder_path(state, k ? "tgt/a.wav" : "in/a.wav"), k, 2, -1);
        make_recording(folder_path(state, k ? "tgt/mute.wav" : "in/mute.wav"), 2 + k, k ? 0.9 : 2,
                       k ? 0 : -1);
        make_recording(folder_path(state, k ? "tgt/brief.wav" : "in/brief.wav"), 4 + k, k ? 2 : 0.5, -1);
        make_recording(folder_path(state, k ? "tgt/both.wav" : "in/both.wav"), 6 + k, 0.9, 0);
    }
    make_recording(folder_path(state, "tgt/void.wav"), 8, 2, -1);
    assert_int_equal(ap_replace_file(folder_path(state, "in/void.wav"), "", 0).code, AP_OK);
    ap_status status = prepare_told(state, false, &report);
    if (ap_failed(&status)) fail_msg("%s", status.message);
    check_told("tgt/mute.wav: silent throughout");
    check_told("in/mute.wav: its partner, ");
    check_told("tgt/mute.wav, is left out");
    check_told("in/brief.wav: too short for a window of 1 s");
    check_told("tgt/brief.wav: its partner, ");
    check_told("in/both.wav: silent throughout");
    check_told("tgt/both.wav: silent throughout");
    check_told("in/void.wav: is empty");
    check_told("tgt/void.wav: without a partner");
    assert_int_equal(report.alone, 3);
    assert_int_equal(report.brief, 1);
    assert_int_equal(report.unusable, 3);
    assert_int_equal(report.left_out, 8);
}

static void what_is_left_out_is_named(void **state)
{
    ap_prepare_report report;
    make_folders(state);
    make_recording(folder_path(state, "songs/a.wav"), 0, 2, -1);
    make_recording(folder_path(state, "songs/cut.wav"), 1, 2, -1);
    assert_int_equal(truncate(folder_path(state, "songs/cut.wav"), 50000), 0);
    make_recording(folder_path(state, "songs/silent.wav"), 2, 0.9, 0);
    make_recording(folder_path(state, "songs/short.wav"), 3, 0.9, -1);
    make_loud_recording(folder_path(state, "songs/bad.wav"), 0.5, 4, true);
    assert_int_equal(ap_replace_file(folder_path(state, "songs/x.m4a"), "x", 1).code, AP_OK);
    assert_int_equal(ap_replace_file(folder_path(state, "songs/empty.mp3"), "", 0).code, AP_OK);
    assert_int_equal(ap_replace_file(folder_path(state, "songs/cover.jpg"), "x", 1).code, AP_OK);
    ap_status status = prepare_told(state, true, &report);
    if (ap_failed(&status)) fail_msg("%s", status.message);
    check_pairs(state, "train", (const int[][2]){{0, 1}, {1, 0}}, 2);
    check_told("songs/cut.wav: truncated");
    check_told("songs/silent.wav: silent throughout");
    check_told("songs/short.wav: too short for two windows of 1 s");
    check_told("songs/bad.wav: sample 95999");
    check_told("songs/x.m4a: this kind of sound file is not read; convert it: ffmpeg -i ");
    check_told("songs/empty.mp3: is empty");
    assert_null(strstr(told, "cover.jpg"));
    assert_int_equal(report.unusable, 3); /* an empty file is no recording */
    assert_int_equal(report.left_out, 6);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_create, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(files_are_matched_by_name_and_split_whole),
        IN_FOLDER(names_that_never_agree_are_matched_by_order),
        IN_FOLDER(the_only_recording_is_split_by_time),
        IN_FOLDER(windows_of_a_song_meet_half_a_song_apart),
        IN_FOLDER(what_is_beyond_full_scale_is_brought_down),
        IN_FOLDER(what_is_too_short_is_named),
        IN_FOLDER(the_partner_of_what_is_left_out_is_named),
        IN_FOLDER(numbers_are_numbers),
        IN_FOLDER(names_may_differ_in_zeros_case_and_folders),
        IN_FOLDER(folders_of_one_side_do_not_hide_names),
        IN_FOLDER(a_name_is_found_in_another_folder),
        IN_FOLDER(what_is_missing_on_one_side_moves_nothing),
        IN_FOLDER(different_numbers_without_agreement_are_refused),
        IN_FOLDER(a_piece_is_taken_once),
        IN_FOLDER(what_shares_a_recording_stays_together),
        IN_FOLDER(the_only_piece_is_split_at_one_time),
        IN_FOLDER(a_target_is_another_sound_than_its_input),
        IN_FOLDER(pairs_are_no_recordings),
        IN_FOLDER(pairs_keep_rate_and_channels),
        IN_FOLDER(what_is_left_out_is_named),
        IN_FOLDER(what_cannot_be_cut_is_named_before_anything_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
