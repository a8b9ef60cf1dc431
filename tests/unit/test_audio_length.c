/* What a file holds is what all readers agree on: lengths that headers make up or leave open, and files cut
 * short. */
#include "antiphon/audio.h"
#include "audio/mpeg_frames.h"
#include "audio/recording_envelope.h"
#include "audio/recordings.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/replace.h"
#include "support/check.h"
#include "support/folder.h"

#include <fcntl.h>
#include <malloc.h>
#include <math.h>
#include <sndfile.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECONDS 4

/* Silence for a second, then noise: variable rates of bits vary. Channel c has the sign signs[c]. */
static void write_noise(const char *path, int format, int rate, int channels, const float *signs, int seconds)
{
    SF_INFO info = {.samplerate = rate, .channels = channels, .format = format};
    SNDFILE *file = sf_open(path, SFM_WRITE, &info);
    if (!file) fail_msg("%s: %s", path, sf_strerror(NULL));
    if ((format & SF_FORMAT_TYPEMASK) == SF_FORMAT_MPEG)
        sf_command(file, SFC_SET_BITRATE_MODE, &(int){SF_BITRATE_MODE_VARIABLE}, sizeof(int));
    uint32_t state = 1;
    for (int64_t i = 0; i < (int64_t)seconds * rate; i++) {
        float frame[8];
        state = state * 1664525 + 1013904223;
        float x = i < rate ? 0 : (float)(state >> 8) / (1 << 24) - 0.5F;
        for (int c = 0; c < channels; c++) frame[c] = signs[c] * x;
        assert_int_equal(sf_writef_float(file, frame, 1), 1);
    }
    assert_int_equal(sf_close(file), 0);
}

static const float ONES[8] = {1, 1, 1, 1, 1, 1, 1, 1};

static unsigned char *load(const char *path, size_t *length)
{
    char *text;
    ap_status status = ap_file_read(path, 64 << 20, &text, length);
    if (ap_failed(&status)) fail_msg("%s", status.message);
    return (unsigned char *)text;
}

static void save(const char *path, const void *bytes, size_t length)
{
    assert_int_equal(ap_replace_file(path, bytes, length).code, AP_OK);
}

/* Overwrites `count` bytes behind the first place where `mark` stands (mark NULL: the beginning). */
static void patch(const char *path, const char *mark, size_t behind, const void *bytes, size_t count)
{
    size_t length, at = 0;
    unsigned char *file = load(path, &length);
    if (mark) {
        unsigned char *found = memmem(file, length, mark, strlen(mark));
        assert_non_null(found);
        at = (size_t)(found - file);
    }
    memcpy(file + at + behind, bytes, count);
    save(path, file, length);
    free(file);
}

static void check_seconds(const char *path, double want)
{
    ap_audio audio;
    int64_t count;
    ap_audio_survey survey;
    ap_status status = ap_audio_read(path, 24000, &audio);
    if (ap_failed(&status)) fail_msg("%s", status.message);
    if (fabs((double)audio.count / 24000 - want) > 0.06)
        fail_msg("%s: %.3f s are read, not %.3f", path, (double)audio.count / 24000, want);
    assert_int_equal(ap_audio_measure(path, 24000, INT64_MAX, &count).code, AP_OK);
    assert_int_equal(count, audio.count);
    assert_int_equal(ap_audio_survey_file(path, 24000, &survey).code, AP_OK);
    assert_int_equal(survey.count, audio.count);
    double power = 0;
    for (int64_t i = 0; i < audio.count; i++) power += (double)audio.samples[i] * (double)audio.samples[i];
    assert_true(sqrt(power / (double)audio.count) > 0.1); /* and it is the noise */
    ap_audio_free(&audio);
}

static void check_refused(const char *path, const char *reason)
{
    ap_audio audio;
    ap_audio_survey survey;
    ap_status status = ap_audio_read(path, 24000, &audio);
    if (status.code != AP_FAILED) fail_msg("%s: was read", path);
    if (!strstr(status.message, path) || !strstr(status.message, reason))
        fail_msg("\"%s\" should name the file and \"%s\"", status.message, reason);
    status = ap_audio_survey_file(path, 24000, &survey);
    assert_int_equal(status.code, AP_FAILED);
}

/* sox rounds 0x7FFFF000 down to a block; ffmpeg writes ones; sox's AIFF says 0x7F000000. */
static void sizes_that_are_made_up_are_not_believed(void **state)
{
    const struct {
        const char *name;
        int format, channels;
        const char *mark;
        unsigned char size[8];
        size_t at, count;
    } cases[] = {
        {"wide.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_24, 1, "data", {0xFF, 0xEF, 0xFF, 0x7F}, 4, 4},
        {"six.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 6, "data", {0xFC, 0xEF, 0xFF, 0x7F}, 4, 4},
        {"gsm.wav", SF_FORMAT_WAV | SF_FORMAT_GSM610, 1, "data", {0xC2, 0xEF, 0xFF, 0x7F}, 4, 4},
        {"ones.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_24, 2, "data", {0xFF, 0xFF, 0xFF, 0xFF}, 4, 4},
        {"sign.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 2, "data", {0x00, 0x00, 0x00, 0x80}, 4, 4},
        {"sox.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 1, "SSND", {0x7F, 0, 0, 8}, 4, 4},
        {"ones.au", SF_FORMAT_AU | SF_FORMAT_PCM_16, 1, ".snd", {0xFF, 0xFF, 0xFF, 0xFF}, 8, 4},
        {"w.w64",
         SF_FORMAT_W64 | SF_FORMAT_PCM_16,
         1,
         "data",
         {255, 255, 255, 255, 255, 255, 255, 127},
         16,
         8},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const char *path = folder_path(state, cases[k].name);
        write_noise(path, cases[k].format, 8000, cases[k].channels, ONES, SECONDS);
        patch(path, cases[k].mark, cases[k].at, cases[k].size, cases[k].count);
        check_seconds(path, SECONDS);
    }
}

/* Formats in which libsndfile believes that there is nothing: ffmpeg's RF64 and CAF from a pipe. */
static void sizes_that_are_left_open_are_put_right(void **state)
{
    static const unsigned char nothing[16] = {0}, ones[8] = {255, 255, 255, 255, 255, 255, 255, 255};
    const char *path = folder_path(state, "a.wav");
    write_noise(path, SF_FORMAT_RF64 | SF_FORMAT_PCM_16, 24000, 2, ONES, SECONDS);
    patch(path, "ds64", 8, nothing, 16);
    patch(path, "data", 4, ones, 4);
    check_seconds(path, SECONDS);
    path = folder_path(state, "a.caf");
    write_noise(path, SF_FORMAT_CAF | SF_FORMAT_PCM_16, 24000, 2, ONES, SECONDS);
    patch(path, "data", 4, ones, 8);
    check_seconds(path, SECONDS);
}

static void cut(const char *path, double share)
{
    size_t length;
    unsigned char *file = load(path, &length);
    save(path, file, (size_t)((double)length * share));
    free(file);
}

static void every_format_notices_that_it_ends_early(void **state)
{
    const struct {
        const char *name;
        int format;
    } cases[] = {
        {"a.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_24},
        {"a.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16},
        {"a.au", SF_FORMAT_AU | SF_FORMAT_PCM_16},
        {"a.w64", SF_FORMAT_W64 | SF_FORMAT_PCM_16},
        {"a.caf", SF_FORMAT_CAF | SF_FORMAT_PCM_16},
        {"a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16},
        {"a.mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const char *path = folder_path(state, cases[k].name);
        write_noise(path, cases[k].format, 16000, 1, ONES, SECONDS);
        check_seconds(path, SECONDS);
        cut(path, 0.6);
        check_refused(path, "truncated");
    }
}

/* STREAMINFO's 36 bits of samples and the sum over them: what an encoder leaves that writes to a pipe. */
static void forget_count(const char *path)
{
    size_t length;
    unsigned char *file = load(path, &length);
    assert_memory_equal(file, "fLaC", 4);
    file[21] &= 0xF0;
    memset(file + 22, 0, 4 + 16);
    save(path, file, length);
    free(file);
}

static void a_flac_without_a_count_is_read_whole(void **state)
{
    const char *path = folder_path(state, "a.flac");
    write_noise(path, SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 44100, 2, ONES, SECONDS);
    forget_count(path);
    check_seconds(path, SECONDS);
    cut(path, 0.6);
    check_refused(path, "truncated");
}

/* The length of the first frame of a file of MPEG-1's layer III. */
static size_t first_frame(const unsigned char *file)
{
    static const int kilobits[] = {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320};
    assert_int_equal(file[0], 0xFF);
    assert_int_equal(file[2] & 12, 0); /* 44100 Hz */
    return (size_t)(144000 * kilobits[file[2] >> 4] / 44100 + (file[2] >> 1 & 1));
}

static void write_mp3_without_header(const char *path)
{
    write_noise(path, SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 44100, 1, ONES, SECONDS);
    size_t length;
    unsigned char *file = load(path, &length);
    assert_non_null(memmem(file, first_frame(file), "Xing", 4));
    size_t head = first_frame(file);
    save(path, file + head, length - head);
    free(file);
}

static void an_mp3_of_variable_rate_without_a_header_is_read_whole(void **state)
{
    const char *path = folder_path(state, "a.mp3");
    write_mp3_without_header(path);
    check_seconds(path, SECONDS);
    size_t length;
    unsigned char *file = load(path, &length);
    save(path, file, length - 7); /* not at the boundary of a frame */
    check_refused(path, "within an MPEG frame");
    /* tags before and behind are no sound */
    unsigned char *tagged = ap_allocate(10 + 300 + length + 128, 1);
    memcpy(tagged, "ID3\x04\0\0\0\0\x02\x2C", 10);
    memcpy(tagged + 310, file, length);
    memcpy(tagged + 310 + length, "TAG", 3);
    save(path, tagged, 310 + length + 128);
    check_seconds(path, SECONDS);
    /* two files one after the other are twice the music, whatever the first says */
    write_noise(path, SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 44100, 1, ONES, SECONDS);
    free(file);
    file = load(path, &length);
    unsigned char *twice = ap_allocate(2 * length, 1);
    memcpy(twice, file, length);
    memcpy(twice + length, file, length);
    save(path, twice, 2 * length);
    check_seconds(path, 2 * SECONDS + 0.05);
    free(file);
    free(tagged);
    free(twice);
}

static void a_chain_of_ogg_streams_is_not_its_first_alone(void **state)
{
    const char *path = folder_path(state, "a.ogg");
    size_t length;
    write_noise(path, SF_FORMAT_OGG | SF_FORMAT_VORBIS, 24000, 1, ONES, 2);
    check_seconds(path, 2);
    unsigned char *file = load(path, &length), *twice = ap_allocate(2 * length, 1);
    memcpy(twice, file, length);
    memcpy(twice + length, file, length);
    save(path, twice, 2 * length);
    check_refused(path, "several OGG streams");
    free(file);
    free(twice);
}

static void what_begins_like_mpeg_is_not_always(void **state)
{
    const char *path = folder_path(state, "a.mp3");
    unsigned char bytes[4096];
    ap_mpeg_frames frames;
    memset(bytes, 0xFF, sizeof bytes);
    save(path, bytes, sizeof bytes);
    check_refused(path, "not an audio file");
    memcpy(bytes, "\xFF\xFB\x90\x00", 4); /* one header, and nothing like it behind */
    save(path, bytes, sizeof bytes);
    int descriptor = open(path, O_RDONLY);
    assert_false(ap_mpeg_frames_count(descriptor, &frames));
    close(descriptor);
}

/* ---------------------------------------------------------------- no more than is needed */

static void what_is_longer_than_the_shortest_is_left_unread(void **state)
{
    enum { LONG = 100 };
    char *paths[2] = {ap_copy_text(folder_path(state, "long.flac")),
                      ap_copy_text(folder_path(state, "short.wav"))};
    write_noise(paths[0], SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 8000, 1, (float[]){1e-3F}, LONG);
    write_noise(paths[1], SF_FORMAT_WAV | SF_FORMAT_PCM_16, 8000, 1, ONES, 1);
    for (int counted = 1; counted >= 0; counted--) {
        ap_audio audio[2];
        int64_t lengths[2];
        if (!counted) forget_count(paths[0]);
        assert_int_equal(ap_audio_read_shortest(2, (const char *const *)paths, 24000, audio, lengths).code,
                         AP_OK);
        for (int k = 0; k < 2; k++) {
            assert_int_equal(audio[k].count, 24000);
            ap_audio_free(&audio[k]);
        }
        assert_int_equal(lengths[0], counted ? LONG * 24000 : 0);
        assert_int_equal(lengths[1], 24000);
    }
    free(paths[0]);
    free(paths[1]);
}

/* The same envelope as of samples in memory, in a fraction of it. */
static void an_envelope_needs_little_memory(void **state)
{
    enum { LONG = 60, M = 50 };
    const char *path = folder_path(state, "long.flac");
    write_noise(path, SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 24000, 1, ONES, LONG);
    ap_audio whole;
    assert_int_equal(ap_audio_read(path, 24000, &whole).code, AP_OK);
    ap_real want[M], got[M];
    ap_envelope(1, whole.count, M, whole.samples, want, NULL);
    int64_t count = whole.count;
    ap_audio_free(&whole);
    assert_int_equal(ap_recording_envelope(path, count, M, AP_ENVELOPE_MAX, got).code, AP_OK);
    assert_memory_equal(got, want, sizeof want);
    assert_int_equal(ap_recording_envelope(path, count, M, AP_ENVELOPE_RMS, got).code, AP_OK);
    assert_true(fabs((double)got[M - 1] - 1 / sqrt(12)) < 0.01);
    assert_true((double)got[0] < 1.01 * AP_ENVELOPE_FLOOR + 0.6 / sqrt(4)); /* a second of silence in four */
    ap_status status = ap_recording_envelope(path, count + M, M, AP_ENVELOPE_MAX, got);
    assert_int_equal(status.code, AP_FAILED);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_create, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(sizes_that_are_made_up_are_not_believed),
        IN_FOLDER(sizes_that_are_left_open_are_put_right),
        IN_FOLDER(every_format_notices_that_it_ends_early),
        IN_FOLDER(a_flac_without_a_count_is_read_whole),
        IN_FOLDER(an_mp3_of_variable_rate_without_a_header_is_read_whole),
        IN_FOLDER(a_chain_of_ogg_streams_is_not_its_first_alone),
        IN_FOLDER(what_begins_like_mpeg_is_not_always),
        IN_FOLDER(what_is_longer_than_the_shortest_is_left_unread),
        IN_FOLDER(an_envelope_needs_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
