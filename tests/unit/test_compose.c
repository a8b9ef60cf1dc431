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

static ap_model *small_model(ap_config *config)
{
    *config = ap_config_default();
    const char *const settings[][2] = {
        {"data.seconds", "0.5"}, {"codec.dim", "16"},    {"agent.component", "4"},
        {"agent.model", "32"},   {"agent.heads", "2"},   {"agent.layers", "1"},
        {"agent.ff", "64"},      {"cascade.heads", "2"}, {"cascade.layers", "1"}};
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
    ap_model *model = small_model(&config);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_beyond_full_scale),
    };
    return cmocka_run_group_tests_name("compose", tests, folder_create, folder_remove);
}
