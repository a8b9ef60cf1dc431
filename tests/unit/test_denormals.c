/* Denormal numbers are zero wherever the library computes, and nowhere else. */
#include "kernels/denormals.h"

#include "antiphon/audio.h"
#include "antiphon/compose.h"
#include "antiphon/trainer.h"
#include "base/memory.h"
#include "base/replace.h"
#include "support/check.h"
#include "support/folder.h"
#include "support/settings.h"

#include <float.h>
#include <omp.h>
#include <stdlib.h>

#define THREADS 4
#define SAMPLES ((int64_t)2 * AP_SAMPLE_RATE)

/* Not for the compiler to compute with. */
static volatile float least = FLT_MIN, denormal = FLT_MIN / 4, half = 0.5f, large = 0x1p60f;

/* In how many of THREADS threads a denormal operand is zero, and a denormal result. */
static int threads_that_flush(void)
{
    int count = 0;
#pragma omp parallel num_threads(THREADS) reduction(+ : count)
    {
        float result = least * half, scaled = denormal * large;
        count += result == 0 && scaled == 0;
    }
    return count;
}

static void skip_unless_supported(void)
{
#if !defined(__SSE2__) && !defined(__aarch64__)
    skip();
#endif
}

static void every_thread_flushes_until_it_is_restored(void **state)
{
    (void)state;
    skip_unless_supported();
    omp_set_num_threads(THREADS);
    assert_int_equal(threads_that_flush(), 0);
    bool before = ap_denormals_flush();
    assert_false(before);
    assert_int_equal(threads_that_flush(), THREADS);
    bool within = ap_denormals_flush();
    assert_true(within);
    ap_denormals_restore(within); /* an inner one leaves the outer */
    assert_int_equal(threads_that_flush(), THREADS);
    ap_denormals_restore(before);
    assert_int_equal(threads_that_flush(), 0);
}

static ap_config small_config(void)
{
    ap_config config = ap_config_default();
    const char *const settings[][2] = {
        {"data.seconds", "0.5"}, {"codec.dim", "16"},   {"agent.component", "4"}, {"agent.model", "32"},
        {"agent.heads", "2"},    {"agent.layers", "1"}, {"agent.ff", "64"},       {"cascade.heads", "2"},
        {"cascade.layers", "1"}, {"train.epochs", "1"}, {"train.threads", "4"}};
    set_all(&config, sizeof settings / sizeof *settings, settings);
    return config;
}

static int flushing; /* threads that did, when it was last looked */

static void on_step(void *context, const ap_step_report *report)
{
    (void)context;
    (void)report;
    flushing = threads_that_flush();
}

static void write_recording(const char *path, uint64_t seed)
{
    ap_tensor x = random_tensor(seed, (ap_real)0.1, AP_SHAPE(SAMPLES));
    ap_audio audio = {.samples = x.data, .count = SAMPLES, .rate = AP_SAMPLE_RATE};
    assert_string_equal(ap_audio_write(path, &audio).message, "");
    free(x.data);
}

static void training_flushes(void **state)
{
    skip_unless_supported();
    static const char *const names[] = {"train/pair_1_input.wav", "train/pair_1_output.wav",
                                        "val/pair_1_input.wav", "val/pair_1_output.wav"};
    assert_int_equal(ap_make_folder(folder_path(state, "train")).code, AP_OK);
    assert_int_equal(ap_make_folder(folder_path(state, "val")).code, AP_OK);
    for (uint64_t k = 0; k < 4; k++) write_recording(folder_path(state, names[k]), k);
    ap_config config = small_config();
    set(&config, "data.path", *state);
    ap_observer observer = {.step = on_step};
    ap_trainer *trainer;
    assert_string_equal(ap_trainer_create(&config, &observer, &trainer).message, "");
    flushing = 0;
    assert_string_equal(ap_trainer_run(trainer, folder_path(state, "run"), NULL).message, "");
    ap_trainer_free(trainer);
    assert_int_equal(flushing, THREADS);
    assert_int_equal(threads_that_flush(), 0);
}

static void on_window(void *context, double done, double whole)
{
    (void)context;
    (void)done;
    (void)whole;
    flushing = threads_that_flush();
}

static void composing_flushes(void **state)
{
    skip_unless_supported();
    ap_config config = small_config();
    ap_model *model;
    ap_composed composed;
    assert_string_equal(ap_model_create(&config, 1, &model).message, "");
    write_recording(folder_path(state, "a.wav"), 1);
    write_recording(folder_path(state, "b.wav"), 2);
    ap_compose_paths paths = {.output = folder_path(state, "c.wav")};
    flushing = 0;
    ap_status status = ap_compose_files(&config, model, folder_path(state, "a.wav"),
                                        folder_path(state, "b.wav"), &paths, on_window, NULL, &composed);
    assert_string_equal(status.message, "");
    ap_model_free(model);
    assert_int_equal(flushing, THREADS);
    assert_int_equal(threads_that_flush(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_thread_flushes_until_it_is_restored),
        cmocka_unit_test_setup_teardown(training_flushes, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(composing_flushes, folder_create, folder_remove),
    };
    return cmocka_run_group_tests_name("denormals", tests, NULL, NULL);
}
