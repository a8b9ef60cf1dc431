#include "antiphon/audio.h"

#include "antiphon/rng.h"
#include "base/replace.h"
#include "support/check.h"
#include "support/folder.h"

#include <malloc.h>
#include <float.h>
#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAV_FLOAT (SF_FORMAT_WAV | SF_FORMAT_FLOAT)
#define FLAC (SF_FORMAT_FLAC | SF_FORMAT_PCM_24)
#define HALF_LSB (0.5 / 32768)

/* A file of `channels` sines; channel c has the amplitude amplitudes[c]. */
static void write_sines(const char *path, int format, int rate, double frequency, int channels,
                        const double *amplitudes, int64_t count)
{
    SF_INFO info = {.samplerate = rate, .channels = channels, .format = format};
    SNDFILE *file = sf_open(path, SFM_WRITE, &info);
    assert_non_null(file);
    for (int64_t i = 0; i < count; i++) {
        float frame[8];
        for (int c = 0; c < channels; c++)
            frame[c] = (float)(amplitudes[c] * sin(2 * M_PI * frequency * (double)i / rate));
        assert_int_equal(sf_writef_float(file, frame, 1), 1);
    }
    assert_int_equal(sf_close(file), 0);
}

static ap_audio read_whole(const char *path, int rate)
{
    ap_audio audio;
    ap_status status = ap_audio_read(path, rate, &audio);
    if (ap_failed(&status)) fail_msg("%s", status.message);
    return audio;
}

/* The amplitude of the sine of `frequency` in the middle of the signal and the RMS of all else. */
static double amplitude_of(const ap_audio *x, double frequency, double *rest)
{
    int64_t margin = x->rate / 20, n = x->count - 2 * margin;
    double a = 0, b = 0, square = 0;
    for (int64_t i = 0; i < n; i++) {
        double phase = 2 * M_PI * frequency * (double)(margin + i) / x->rate,
               y = (double)x->samples[margin + i];
        a += y * sin(phase) * 2 / (double)n;
        b += y * cos(phase) * 2 / (double)n;
        square += y * y / (double)n;
    }
    *rest = sqrt(fmax(0, square - (a * a + b * b) / 2));
    return hypot(a, b);
}

static void what_is_written_is_read(void **state)
{
    const char *path = folder_path(state, "noise.wav");
    ap_tensor x = random_tensor(5, (ap_real)0.2, AP_SHAPE(30011));
    x.data[7] = 3;
    x.data[8] = -3;
    assert_int_equal(ap_audio_write(path, &(ap_audio){x.data, 30011, 24000, 1}).code, AP_OK);
    ap_audio y = read_whole(path, 0);
    assert_int_equal(y.rate, 24000);
    assert_int_equal(y.count, 30011);
    for (int64_t i = 0; i < y.count; i++) {
        double want = fmin(fmax((double)x.data[i], -1), 1 - 2 * HALF_LSB);
        if (fabs((double)y.samples[i] - want) > 1.001 * HALF_LSB)
            fail_msg("sample %lld is %g, not %g", (long long)i, (double)y.samples[i], want);
    }
    assert_int_equal(folder_count(state), 1);
    ap_audio_free(&y);
    free(x.data);
}

static void stereo_at_44100_becomes_mono_at_24000(void **state)
{
    const double amplitudes[2] = {0.5, 0.3}, tones[3] = {100, 1000, 9000};
    for (int k = 0; k < 3; k++) {
        const char *path = folder_path(state, "sine.wav");
        double rest;
        write_sines(path, WAV_FLOAT, 44100, tones[k], 2, amplitudes, 44100);
        ap_audio y = read_whole(path, 24000);
        assert_int_equal(y.count, 24000);
        assert_true(fabs(amplitude_of(&y, tones[k], &rest) - 0.4) < 1e-4);
        assert_true(rest < 1e-4);
        ap_audio_free(&y);
    }
}

/* Above half the new rate there is nothing to hear, and nothing folded back. */
static void what_cannot_be_represented_disappears(void **state)
{
    const char *path = folder_path(state, "high.wav");
    double rest;
    write_sines(path, WAV_FLOAT, 44100, 15000, 1, (double[]){0.5}, 44100);
    ap_audio y = read_whole(path, 24000);
    amplitude_of(&y, 9000, &rest); /* 15 kHz would fold to 9 kHz */
    assert_true(rest < 1e-5);
    assert_true(amplitude_of(&y, 9000, &rest) < 1e-5);
    ap_audio_free(&y);
}

static void formats_rates_and_channels(void **state)
{
    const struct {
        const char *name;
        int format, rate, channels;
        double tolerance;
    } cases[] = {
        {"a.flac", FLAC, 48000, 1, 1e-5},
        {"b.flac", FLAC, 96000, 6, 1e-5},
        {"c.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 44100, 2, 2e-2},
        {"d.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 8000, 1, 1e-2},
        {"e.wav", SF_FORMAT_RF64 | SF_FORMAT_PCM_24, 22050, 3, 1e-4},
        {"f.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 24000, 2, 1e-4},
    };
    const double amplitudes[6] = {0.4, 0.4, 0.4, 0.4, 0.4, 0.4};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const char *path = folder_path(state, cases[k].name);
        double rest;
        write_sines(path, cases[k].format, cases[k].rate, 440, cases[k].channels, amplitudes,
                    cases[k].rate / 2);
        ap_audio y = read_whole(path, 24000);
        if (y.count != 12000) fail_msg("%s: %lld samples", cases[k].name, (long long)y.count);
        double amplitude = amplitude_of(&y, 440, &rest);
        if (fabs(amplitude - 0.4) > cases[k].tolerance || rest > cases[k].tolerance)
            fail_msg("%s: amplitude %g, rest %g", cases[k].name, amplitude, rest);
        ap_audio_free(&y);
    }
}

static void pieces_are_the_same_as_the_whole(void **state)
{
    const int rates[3] = {0, 24000, 48000};
    const char *path = folder_path(state, "a.wav");
    write_sines(path, WAV_FLOAT, 44100, 440, 2, (double[]){0.5, 0.1}, 50021);
    for (int k = 0; k < 3; k++) {
        ap_audio whole = read_whole(path, rates[k]);
        ap_audio_reader *reader;
        assert_int_equal(ap_audio_reader_open(path, rates[k], &reader).code, AP_OK);
        assert_int_equal(ap_audio_reader_length(reader), whole.count);
        ap_real piece[1237];
        int64_t at = 0, got, want = 1;
        do {
            want = want % 1237 + 1;
            assert_int_equal(ap_audio_reader_read(reader, want, piece, &got).code, AP_OK);
            assert_true(at + got <= whole.count);
            assert_memory_equal(piece, whole.samples + at, (size_t)got * sizeof *piece);
            at += got;
        } while (got == want);
        assert_int_equal(at, whole.count);
        ap_audio_reader_close(reader);
        ap_audio_free(&whole);
    }
}

static void a_long_file_needs_little_memory(void **state)
{
    const char *path = folder_path(state, "long.flac");
    const int64_t seconds = 240;
    const size_t limit = (size_t)2 << 20; /* the samples would be 23 MB */
    write_sines(path, FLAC, 16000, 0, 2, (double[]){0, 0}, seconds * 16000);
    ap_audio_reader *reader;
    static ap_real piece[4096];
    int64_t got, total = 0;
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd, most = 0;
    assert_int_equal(ap_audio_reader_open(path, 24000, &reader).code, AP_OK);
    do {
        assert_int_equal(ap_audio_reader_read(reader, 4096, piece, &got).code, AP_OK);
        size_t now = mallinfo2().uordblks + mallinfo2().hblkhd;
        if (now > most) most = now;
        total += got;
    } while (got);
    ap_audio_reader_close(reader);
    assert_int_equal(total, seconds * 24000);
    assert_true(most - before < limit);
}

/* ---------------------------------------------------------------- channels */

/* Channel c of the file is a tone of its own, so that each is found again where it belongs. */
static void write_tones(const char *path, int format, int rate, int channels)
{
    SF_INFO info = {.samplerate = rate, .channels = channels, .format = format};
    SNDFILE *file = sf_open(path, SFM_WRITE, &info);
    assert_non_null(file);
    for (int64_t i = 0; i < rate; i++) {
        float frame[8];
        for (int c = 0; c < channels; c++)
            frame[c] = (float)(0.4 * sin(2 * M_PI * 300 * (c + 1) * (double)i / rate));
        assert_int_equal(sf_writef_float(file, frame, 1), 1);
    }
    assert_int_equal(sf_close(file), 0);
}

/* The amplitude of tone `tone` (from 0) in a channel. */
static double tone_in(const ap_audio *x, int channel, int tone)
{
    double rest;
    ap_audio one = {x->samples + channel * x->count, x->count, x->rate, 1};
    return amplitude_of(&one, 300 * (tone + 1), &rest);
}

static void check_tones(const char *path, int rate, int channels, const double (*want)[3], double tolerance)
{
    ap_audio x;
    assert_string_equal(ap_audio_read_channels(path, rate, channels, &x).message, "");
    assert_int_equal(x.channels, channels);
    assert_int_equal(x.count, x.rate);
    for (int c = 0; c < channels; c++)
        for (int tone = 0; tone < 3; tone++)
            if (fabs(tone_in(&x, c, tone) - want[c][tone]) > tolerance)
                fail_msg("%s: tone %d is %g in channel %d, not %g", path, tone, tone_in(&x, c, tone), c,
                         want[c][tone]);
    ap_audio_free(&x);
}

static void channels_stay_apart(void **state)
{
    const struct {
        const char *name;
        int format;
        double tolerance;
    } cases[] = {{"a.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1e-4},
                 {"b.flac", FLAC, 1e-5},
                 {"c.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 2e-2},
                 {"d.mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 2e-2}};
    const double apart[2][3] = {{0.4, 0, 0}, {0, 0.4, 0}}, mono[1][3] = {{0.2, 0.2, 0}},
                 one[1][3] = {{0.4, 0, 0}}, both[2][3] = {{0.4, 0, 0}, {0.4, 0, 0}},
                 three[2][3] = {{0.2, 0, 0.2}, {0, 0.2, 0.2}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const char *path = folder_path(state, cases[k].name);
        SF_INFO info = {.samplerate = 44100, .channels = 2, .format = cases[k].format};
        if (!sf_format_check(&info)) continue; /* an older libsndfile writes no MP3 */
        write_tones(path, cases[k].format, 44100, 2);
        check_tones(path, 44100, 2, apart, cases[k].tolerance);
        check_tones(path, 48000, 2, apart, cases[k].tolerance);
        check_tones(path, 24000, 1, mono, cases[k].tolerance);
    }
    const char *path = folder_path(state, "one.wav");
    write_tones(path, WAV_FLOAT, 24000, 1);
    check_tones(path, 44100, 2, both, 1e-4);
    check_tones(path, 44100, 1, one, 1e-4);
    path = folder_path(state, "three.wav");
    write_tones(path, WAV_FLOAT, 24000, 3);
    check_tones(path, 48000, 2, three, 1e-4);
}

static void what_is_written_in_channels_is_read(void **state)
{
    const char *path = folder_path(state, "three.wav");
    ap_tensor x = random_tensor(6, (ap_real)0.2, AP_SHAPE(3, 9001));
    assert_int_equal(ap_audio_write(path, &(ap_audio){x.data, 9001, 44100, 3}).code, AP_OK);
    ap_audio y;
    assert_int_equal(ap_audio_read_channels(path, 0, 0, &y).code, AP_OK);
    assert_int_equal(y.channels, 3);
    assert_int_equal(y.count, 9001);
    assert_int_equal(y.rate, 44100);
    for (int64_t i = 0; i < 3 * y.count; i++)
        assert_true(fabs((double)y.samples[i] - fmin(fmax((double)x.data[i], -1), 1)) < 1.01 * 2 * HALF_LSB);
    ap_audio_free(&y);
    free(x.data);
}

/* Two seconds of sine, of which the right channel is `factor` times the left up to a second, then equal. */
static void write_half_turned(const char *path, double factor)
{
    SF_INFO info = {.samplerate = 24000, .channels = 2, .format = WAV_FLOAT};
    SNDFILE *file = sf_open(path, SFM_WRITE, &info);
    assert_non_null(file);
    for (int i = 0; i < 48000; i++) {
        float x = (float)(0.5 * sin(2 * M_PI * 440 * i / 24000.0));
        sf_writef_float(file, (float[]){x, (float)(i < 24000 ? factor : 1) * x}, 1);
    }
    sf_close(file);
}

/* Left = -right is heard as left, and nothing clicks where it begins or ends. */
static void channels_that_cancel_each_other_are_heard(void **state)
{
    const char *path = folder_path(state, "turned.wav");
    write_half_turned(path, -1);
    ap_audio x = read_whole(path, 24000);
    double steepest = 0;
    for (int i = 1; i < 48000; i++)
        steepest = fmax(steepest, fabs((double)x.samples[i] - (double)x.samples[i - 1]));
    assert_true(steepest < 0.5 * 2 * M_PI * 440 / 24000 * 1.01);
    for (int i = 0; i < 16000; i++) /* the turn lies in the block from 16384 to 24576 */
        assert_true(fabs((double)x.samples[i] - 0.5 * sin(2 * M_PI * 440 * i / 24000.0)) < 1e-6);
    for (int i = 33000; i < 48000; i++)
        assert_true(fabs((double)x.samples[i] - 0.5 * sin(2 * M_PI * 440 * i / 24000.0)) < 1e-6);
    ap_audio_free(&x);
    write_half_turned(path, -0.8); /* a wide recording's average stays what it is */
    x = read_whole(path, 24000);
    for (int i = 0; i < 16000; i++)
        assert_true(fabs((double)x.samples[i] - 0.05 * sin(2 * M_PI * 440 * i / 24000.0)) < 1e-6);
    ap_audio_free(&x);
}

/* ---------------------------------------------------------------- what is not sound */

static void check_refused(const char *path, const char *reason)
{
    ap_audio audio;
    ap_status status = ap_audio_read(path, 24000, &audio);
    if (status.code != AP_FAILED) fail_msg("%s: was read", path);
    if (!strstr(status.message, path) || !strstr(status.message, reason) || strchr(status.message, '\n'))
        fail_msg("\"%s\" should name the file and \"%s\", in one line", status.message, reason);
    assert_null(audio.samples);
}

/* Another program must convert it; which command does it is said, for a shell. */
static void what_no_library_reads(void **state)
{
    static const char mp4[] = "\0\0\0\x1c"
                              "ftypM4A \0\0\2\0and so on",
                      aac[] = "\xFF\xF1\x58\x40\x3B\xFF\xFC\xDE and so on",
                      wma[] = "\x30\x26\xB2\x75\x8E\x66\xCF\x11 and so on";
    const char *path = folder_path(state, "my song.m4a");
    assert_int_equal(ap_replace_file(path, mp4, sizeof mp4).code, AP_OK);
    check_refused(path,
                  "my song.m4a: is an MP4 file (AAC or ALAC), which is not read; convert it: ffmpeg -i '");
    check_refused(path, "/my song.m4a' '");
    check_refused(path, "/my song.wav'");
    path = folder_path(state, "a.aac");
    assert_int_equal(ap_replace_file(path, aac, sizeof aac).code, AP_OK);
    check_refused(path, "a.aac: is an AAC file");
    path = folder_path(state, "wrong.wav"); /* it is not to be overwritten */
    assert_int_equal(ap_replace_file(path, wma, sizeof wma).code, AP_OK);
    check_refused(path, "wrong.wav: is a WMA file");
    check_refused(path, "/wrong.flac");
}

static void no_file_no_sound(void **state)
{
    check_refused(folder_path(state, "missing.wav"), "No such file");
    check_refused((const char *)*state, "is a directory");
    const char *path = folder_path(state, "empty.wav");
    assert_int_equal(ap_replace_file(path, "", 0).code, AP_OK);
    check_refused(path, "empty");
    path = folder_path(state, "text.wav");
    assert_int_equal(ap_replace_file(path, "it is said to be sound", 22).code, AP_OK);
    check_refused(path, "not an audio file");
    path = folder_path(state, "silent.wav");
    write_sines(path, WAV_FLOAT, 24000, 440, 1, NULL, 0);
    check_refused(path, "holds no sound");
    path = folder_path(state, "instant.wav");
    write_sines(path, WAV_FLOAT, 96000, 440, 1, (double[]){1}, 3);
    check_refused(path, "holds no sound");
}

static void a_file_that_was_cut_short_is_noticed(void **state)
{
    const struct {
        const char *name;
        int format;
        off_t left; /* bytes */
    } cases[] = {
        {"most.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 90000},
        {"last.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 96042},
        {"none.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 44},
        {"head.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 30},
        {"wide.wav", SF_FORMAT_RF64 | SF_FORMAT_PCM_16, 90000},
        {"half.flac", FLAC, 20000},
        {"most.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 5000},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const char *path = folder_path(state, cases[k].name);
        write_sines(path, cases[k].format, 48000, 440, 1, (double[]){0.5}, 48000);
        ap_audio whole = read_whole(path, 0);
        assert_int_equal(whole.count, 48000);
        ap_audio_free(&whole);
        assert_int_equal(truncate(path, cases[k].left), 0);
        check_refused(path, "truncated");
    }
}

/* A program that writes WAV to a pipe cannot go back to fill in the sizes. */
static void a_header_from_a_pipe_is_no_fault(void **state)
{
    const char *path = folder_path(state, "pipe.wav");
    const unsigned char unknown[4] = {0xFF, 0xFF, 0xFF, 0xFF};
    write_sines(path, SF_FORMAT_WAV | SF_FORMAT_PCM_16, 24000, 440, 1, (double[]){0.5}, 24000);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(fseek(file, k ? 40 : 4, SEEK_SET), 0);
        assert_int_equal(fwrite(unknown, 1, 4, file), 4);
    }
    fclose(file);
    ap_audio y = read_whole(path, 0);
    assert_int_equal(y.count, 24000);
    ap_audio_free(&y);
}

static void what_is_no_number_is_refused(void **state)
{
    const float bad[3] = {NAN, INFINITY, -INFINITY};
    for (int k = 0; k < 3; k++) {
        const char *path = folder_path(state, "nan.wav");
        SF_INFO info = {.samplerate = 24000, .channels = 2, .format = WAV_FLOAT};
        SNDFILE *file = sf_open(path, SFM_WRITE, &info);
        assert_non_null(file);
        for (int i = 0; i < 20000; i++) sf_writef_float(file, (float[]){0, i == 12345 ? bad[k] : 0}, 1);
        sf_close(file);
        check_refused(path, "sample 12345");
    }
    ap_real samples[3] = {0, 0, (ap_real)NAN};
    ap_status status = ap_audio_write(folder_path(state, "out.wav"), &(ap_audio){samples, 3, 24000, 1});
    assert_int_equal(status.code, AP_FAILED);
    assert_non_null(strstr(status.message, "sample 2"));
    assert_int_equal(folder_count(state), 1);
}

/* A filter overshoots where the wave jumps. */
static void what_resampling_takes_beyond_a_float_is_refused(void **state)
{
    const char *path = folder_path(state, "loud.wav");
    SF_INFO info = {.samplerate = 48000, .channels = 1, .format = WAV_FLOAT};
    SNDFILE *file = sf_open(path, SFM_WRITE, &info);
    assert_non_null(file);
    for (int i = 0; i < 20000; i++) sf_writef_float(file, (float[]){i / 500 % 2 ? FLT_MAX : -FLT_MAX}, 1);
    sf_close(file);
    ap_audio audio;
    ap_status status = ap_audio_read(path, 24000, &audio);
    assert_int_equal(status.code, AP_FAILED);
    assert_non_null(strstr(status.message, "loud.wav: resampling: sample "));
    assert_null(audio.samples);
}

/* FLAC holds the same samples as WAV, and no file of either kind appears before it is whole. */
static void what_is_written_as_flac(void **state)
{
    ap_tensor x = random_tensor(7, 1, AP_SHAPE(2, 10007));
    const char *names[] = {"out.wav", "out.flac"};
    ap_audio back[2];
    for (int k = 0; k < 2; k++) {
        const char *path = folder_path(state, names[k]);
        assert_string_equal(ap_audio_write(path, &(ap_audio){x.data, 10007, 44100, 2}).message, "");
        assert_string_equal(ap_audio_read_channels(path, 0, 0, &back[k]).message, "");
        assert_int_equal(back[k].count, 10007);
        assert_int_equal(back[k].rate, 44100);
        assert_int_equal(back[k].channels, 2);
    }
    assert_memory_equal(back[0].samples, back[1].samples, 2 * 10007 * sizeof(ap_real));
    for (int k = 0; k < 2; k++) ap_audio_free(&back[k]);
    free(x.data);
}

static void unfinished(void **state, const char *name)
{
    ap_audio_writer *writer;
    const char *path = folder_path(state, name);
    assert_int_equal(ap_audio_writer_open(path, 24000, 1, &writer).code, AP_OK);
    assert_int_equal(ap_audio_writer_write(writer, 3, (const ap_real *[]){(ap_real[]){0, 1, 0}}).code, AP_OK);
    assert_int_equal(access(path, F_OK), -1);
    ap_audio_writer_abandon(writer);
    assert_int_equal(folder_count(state), 0);
    ap_status status = ap_audio_writer_open(folder_path(state, "no/such/folder.wav"), 24000, 1, &writer);
    assert_int_equal(status.code, AP_FAILED);
    assert_non_null(strstr(status.message, "no/such/folder.wav"));
}

static void an_unfinished_file_does_not_appear(void **state)
{
    unfinished(state, "out.wav");
    unfinished(state, "out.flac");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_create, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(what_is_written_is_read),
        IN_FOLDER(what_is_written_as_flac),
        IN_FOLDER(stereo_at_44100_becomes_mono_at_24000),
        IN_FOLDER(what_cannot_be_represented_disappears),
        IN_FOLDER(formats_rates_and_channels),
        IN_FOLDER(pieces_are_the_same_as_the_whole),
        IN_FOLDER(a_long_file_needs_little_memory),
        IN_FOLDER(channels_stay_apart),
        IN_FOLDER(what_is_written_in_channels_is_read),
        IN_FOLDER(channels_that_cancel_each_other_are_heard),
        IN_FOLDER(what_no_library_reads),
        IN_FOLDER(no_file_no_sound),
        IN_FOLDER(a_file_that_was_cut_short_is_noticed),
        IN_FOLDER(a_header_from_a_pipe_is_no_fault),
        IN_FOLDER(what_is_no_number_is_refused),
        IN_FOLDER(what_resampling_takes_beyond_a_float_is_refused),
        IN_FOLDER(an_unfinished_file_does_not_appear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
