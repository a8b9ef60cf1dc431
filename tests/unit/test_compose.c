/* Composing from files: what is written keeps within full scale, whatever the sources do. */
#include "antiphon/compose.h"

#include "antiphon/audio.h"
#include "support/check.h"
#include "support/settings.h"
#include "support/folder.h"

#include <math.h>
#include <sndfile.h>
#include <stdlib.h>

#define SAMPLES AP_SAMPLE_RATE
#define HALF_STEP (0.5 / 32768) /* of 16 bits */

static ap_model *small_model(ap_config *config, const char *output)
{
    *config = ap_config_default();
    const char *const settings[][2] = {
        {"data.seconds", "0.5"}, {"codec.dim", "16"},      {"agent.component", "4"}, {"agent.model", "32"},
        {"agent.heads", "2"},    {"agent.layers", "1"},    {"agent.ff", "64"},       {"cascade.heads", "2"},
        {"cascade.layers", "1"}, {"agent.output", output}, {"agent.gate_new", "0"}};
    set_all(config, sizeof settings / sizeof *settings, settings);
    ap_model *model;
    ap_status status = ap_model_create(config, 1, &model);
    assert_string_equal(status.message, "");
    return model;
}

/* A second of noise up to this peak, as 32-bit floating point. */
static ap_tensor make_recording(const char *path, uint64_t seed, double peak)
{
    ap_tensor x = random_tensor(seed, 1, AP_SHAPE(SAMPLES));
    double largest = 0;
    for (int i = 0; i < SAMPLES; i++) largest = fmax(largest, fabs((double)x.data[i]));
    SF_INFO info = {.samplerate = AP_SAMPLE_RATE, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_FLOAT};
    SNDFILE *file = sf_open(path, SFM_WRITE, &info);
    assert_non_null(file);
    for (int i = 0; i < SAMPLES; i++) {
        float sample = (float)((double)x.data[i] * peak / largest);
        x.data[i] = (ap_real)sample;
        assert_int_equal(sf_writef_float(file, &sample, 1), 1);
    }
    sf_close(file);
    return x;
}

/* The file holds the samples times the gain, and nothing of them is cut off. */
static void check_copy(const char *path, const ap_real *samples, double gain)
{
    ap_audio copy;
    assert_int_equal(ap_audio_read(path, 0, &copy).code, AP_OK);
    assert_int_equal(copy.count, SAMPLES);
    for (int i = 0; i < SAMPLES; i++)
        assert_true(fabs((double)copy.samples[i] - gain * (double)samples[i]) < 1.01 * HALF_STEP);
    ap_audio_free(&copy);
}

/* Nothing is clipped, and the level is what is said of it. */
static void check_output(const ap_compose_paths *paths, const ap_composed *composed)
{
    ap_audio output;
    assert_int_equal(ap_audio_read(paths->output, 0, &output).code, AP_OK);
    double power = 0, wanted = pow(composed->rms_input, 2) + pow(composed->rms_target, 2);
    for (int64_t i = 0; i < output.count; i++) {
        assert_true(fabs((double)output.samples[i]) < 0.99);
        power += pow((double)output.samples[i], 2) / (double)output.count;
    }
    assert_true(fabs(10 * log10(wanted / 2 / power) - composed->lowered) < 0.01);
    assert_true(fabs(sqrt(power) - composed->rms_output) < 1e-3 * composed->rms_output);
    ap_audio_free(&output);
}

static void a_source_beyond_full_scale(void **state)
{
    ap_config config;
    ap_model *model = small_model(&config, "cascade");
    const char *input = folder_path(state, "input.wav"), *target = folder_path(state, "target.wav");
    ap_tensor loud = make_recording(input, 1, 2.5), plain = make_recording(target, 2, 0.999);
    ap_compose_paths paths = {.output = folder_path(state, "out.wav"),
                              .input_copy = folder_path(state, "a.wav"),
                              .target_copy = folder_path(state, "b.wav")};
    ap_composed composed;
    ap_status status = ap_compose_files(&config, model, input, target, &paths, NULL, NULL, &composed);
    assert_string_equal(status.message, "");
    assert_true(composed.gain_input < 1 / 2.5 && composed.gain_input > 0.9 / 2.5);
    assert_true(composed.gain_target == 1);
    check_copy(paths.input_copy, loud.data, composed.gain_input);
    check_copy(paths.target_copy, plain.data, 1);
    check_output(&paths, &composed);
    /* such sources' level is more than the output can have, but for a moment's peaks */
    double lowered = composed.lowered;
    assert_true(lowered > 1);
    paths.limit = true;
    status = ap_compose_files(&config, model, input, target, &paths, NULL, NULL, &composed);
    assert_string_equal(status.message, "");
    assert_true(composed.lowered < lowered);
    check_output(&paths, &composed);
    free(loud.data);
    free(plain.data);
    ap_model_free(model);
}

/* ---------------------------------------------------------------- rates and channels */

#define SECONDS 1.3
/* The right channel of every source is this times the left. */
#define RIGHT 0.5

/* Chords with a new level every 100 ms. */
static void make_stereo(const char *path, int rate, double hertz, double right)
{
    SF_INFO info = {.samplerate = rate, .channels = 2, .format = SF_FORMAT_WAV | SF_FORMAT_FLOAT};
    SNDFILE *file = sf_open(path, SFM_WRITE, &info);
    assert_non_null(file);
    for (int64_t i = 0; i < llround(SECONDS * rate); i++) {
        double t = (double)i / rate, x = 0;
        for (int k = 1; k <= 3; k++) x += 0.08 * sin(2 * M_PI * hertz * k * t);
        x *= 1 + sin(20 * M_PI * t);
        sf_writef_float(file, (float[]){(float)x, (float)(right * x)}, 1);
    }
    sf_close(file);
}

static void make_sources(void **state, int rate, double right)
{
    make_stereo(folder_path(state, "in.wav"), rate, 110, right);
    make_stereo(folder_path(state, "target.wav"), rate, 150, right);
}

/* Composes from the two sources with a model of this output part. */
static ap_audio compose_as(void **state, const char *output, int rate, int channels, ap_composed *composed)
{
    ap_config config;
    ap_model *model = small_model(&config, output);
    config.data.channels = 2;
    config.data.sample_rate = 48000;
    ap_compose_paths paths = {.output = folder_path(state, "out.wav"),
                              .target_copy = folder_path(state, "copy.wav"),
                              .format = {rate, channels}};
    ap_status status = ap_compose_files(&config, model, folder_path(state, "in.wav"),
                                        folder_path(state, "target.wav"), &paths, NULL, NULL, composed);
    assert_string_equal(status.message, "");
    ap_audio y;
    assert_int_equal(ap_audio_read_channels(paths.output, 0, 0, &y).code, AP_OK);
    ap_model_free(model);
    return y;
}

static double rms_of(int64_t n, const ap_real *x)
{
    double power = 0;
    for (int64_t i = 0; i < n; i++) power += (double)x[i] * (double)x[i] / (double)n;
    return sqrt(power);
}

/* The RMS of a - factor b over that of a. */
static double difference(int64_t n, const ap_real *a, double factor, const ap_real *b)
{
    double power = 0;
    for (int64_t i = 0; i < n; i++) power += pow((double)a[i] - factor * (double)b[i], 2) / (double)n;
    return sqrt(power) / rms_of(n, a);
}

static void check_image(void **state, const char *output, int rate)
{
    ap_composed composed;
    make_sources(state, 48000, RIGHT);
    ap_audio y = compose_as(state, output, rate, 2, &composed), copy;
    assert_int_equal(y.rate, rate);
    assert_int_equal(y.channels, 2);
    assert_int_equal(y.count, llround(SECONDS * rate));
    assert_true(fabs(composed.seconds - SECONDS) < 1e-9);
    assert_int_equal(composed.input.sample_rate, 48000);
    assert_int_equal(composed.written.channels, 2);
    assert_true(rms_of(y.count, y.samples) > 0.05);
    assert_true(difference(y.count, y.samples + y.count, RIGHT, y.samples) < 1e-3);
    ap_audio_free(&y);
    /* the copy of the target is in the same format, and as it was */
    assert_int_equal(ap_audio_read_channels(folder_path(state, "copy.wav"), 0, 0, &copy).code, AP_OK);
    assert_int_equal(copy.channels, 2);
    assert_int_equal(copy.rate, rate);
    assert_true(difference(copy.count, copy.samples + copy.count, RIGHT, copy.samples) < 1e-3);
    ap_audio_free(&copy);
}

/* Every channel gets what the agent chose for the mid: what was half as loud still is. */
static void the_stereo_image_stays(void **state)
{
    const int rates[] = {24000, 44100, 48000, 16000};
    for (size_t k = 0; k < sizeof rates / sizeof *rates; k++) {
        check_image(state, "gates", rates[k]);
        check_image(state, "takes", rates[k]);
    }
}

/* Takes play the recordings themselves: what the agent does not hear comes out all the same. */
static void takes_reach_beyond_what_the_agent_hears(void **state)
{
    ap_composed composed;
    make_stereo(folder_path(state, "in.wav"), 44100, 110, 1);
    make_stereo(folder_path(state, "target.wav"), 44100, 6000, 1); /* and 12 and 18 kHz */
    ap_audio y = compose_as(state, "takes", 44100, 1, &composed);
    double high = 0;
    for (int64_t i = 2; i < y.count; i++) /* the second difference: 11 dB up at 18 kHz, 3 down at 6 */
        high += pow((double)y.samples[i] - 2 * (double)y.samples[i - 1] + (double)y.samples[i - 2], 2);
    double below = pow(2 * (1 - cos(2 * M_PI * 6000 / 44100)), 2); /* what 6 kHz alone would have */
    assert_true(high / (double)y.count > 4 * below * pow(rms_of(y.count, y.samples), 2));
    ap_audio_free(&y);
}

/* Another rate, or two equal channels, give what 24 kHz mono gives, but for the resampling. */
static void what_is_composed_is_the_same_at_every_rate(void **state)
{
    const char *const outputs[] = {"gates", "cascade", "direct"};
    ap_composed composed;
    make_sources(state, 48000, 1);
    for (size_t k = 0; k < sizeof outputs / sizeof *outputs; k++) {
        ap_audio mono = compose_as(state, outputs[k], 24000, 1, &composed);
        double r = composed.r_target;
        assert_int_equal(mono.channels, 1);
        /* windows lie elsewhere at 44.1 kHz, which a new model's gates do not notice */
        const int rates[] = {24000, 48000, 44100};
        for (size_t i = 0; i < (k == 0 ? 3 : 2); i++) {
            ap_audio y, wide = compose_as(state, outputs[k], rates[i], 2, &composed);
            assert_int_equal(wide.channels, 2);
            assert_memory_equal(wide.samples, wide.samples + wide.count,
                                (size_t)wide.count * sizeof *wide.samples);
            ap_audio_free(&wide);
            assert_true(fabs(composed.r_target - r) < 0.02);
            assert_int_equal(ap_audio_read(folder_path(state, "out.wav"), 24000, &y).code, AP_OK);
            assert_int_equal(y.count, mono.count);
            double off = difference(mono.count, mono.samples, 1, y.samples);
            if (off > 0.02) fail_msg("%s at %d Hz: off by %g", outputs[k], rates[i], off);
            ap_audio_free(&y);
        }
        ap_audio_free(&mono);
    }
}

/* At 44.1 kHz no window but the first would begin at a sample of the mids, and cross-fades would join what is
 * a fraction of a sample apart. */
static void windows_begin_where_the_mids_do(void **state)
{
    ap_composed composed;
    make_stereo(folder_path(state, "in.wav"), 48000, 180, 1);
    make_stereo(folder_path(state, "target.wav"), 48000, 190, 1);
    ap_audio want = compose_as(state, "gates", 24000, 1, &composed), y,
             got = compose_as(state, "gates", 44100, 1, &composed);
    assert_int_equal(got.count, llround(SECONDS * 44100));
    assert_int_equal(ap_audio_read(folder_path(state, "out.wav"), 24000, &y).code, AP_OK);
    double off = difference(want.count, want.samples, 1, y.samples);
    if (off > 0.03) fail_msg("off by %g", off); /* 0.022; 0.041 if they begin anywhere */
    ap_audio_free(&want);
    ap_audio_free(&got);
    ap_audio_free(&y);
}

/* Sources whose channels cancel each other are heard, and composed as they are. */
static void antiphase_stays_antiphase(void **state)
{
    ap_composed same, turned;
    make_sources(state, 48000, 1);
    ap_audio y = compose_as(state, "gates", 48000, 2, &same), z;
    make_sources(state, 48000, -1);
    z = compose_as(state, "gates", 48000, 2, &turned);
    assert_true(difference(y.count, y.samples, 1, z.samples) < 1e-3);
    assert_true(difference(y.count, y.samples + y.count, -1, z.samples + z.count) < 1e-3);
    assert_true(fabs(same.r_input - turned.r_input) < 1e-3);
    assert_true(fabs(same.rms_target - turned.rms_target) < 1e-6);
    ap_audio_free(&y);
    ap_audio_free(&z);
}

/* Without a word of the format, it is that which the model can fill. */
static void the_format_is_the_models(void **state)
{
    ap_composed composed;
    make_sources(state, 44100, RIGHT);
    ap_audio y = compose_as(state, "gates", 0, 0, &composed);
    assert_int_equal(y.channels, 2);
    assert_int_equal(y.rate, 24000);
    ap_audio_free(&y);
    y = compose_as(state, "takes", 0, 0, &composed);
    assert_int_equal(y.channels, 2);
    assert_int_equal(y.rate, 48000);
    ap_audio_free(&y);
    y = compose_as(state, "cascade", 0, 0, &composed);
    assert_int_equal(y.channels, 1);
    assert_int_equal(y.rate, 24000);
    ap_audio_free(&y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_beyond_full_scale),
        cmocka_unit_test(the_stereo_image_stays),
        cmocka_unit_test(takes_reach_beyond_what_the_agent_hears),
        cmocka_unit_test(what_is_composed_is_the_same_at_every_rate),
        cmocka_unit_test(windows_begin_where_the_mids_do),
        cmocka_unit_test(antiphase_stays_antiphase),
        cmocka_unit_test(the_format_is_the_models),
    };
    return cmocka_run_group_tests_name("compose", tests, folder_create, folder_remove);
}
