/* Long work ends soon after it is asked to, and leaves nothing half-written. */
#include "antiphon/stop.h"

#include "antiphon/audio.h"
#include "antiphon/compose.h"
#include "antiphon/evaluate.h"
#include "antiphon/prepare.h"
#include "antiphon/report.h"
#include "antiphon/safetensors.h"
#include "antiphon/study.h"
#include "antiphon/synth.h"
#include "antiphon/trainer.h"
#include "base/memory.h"
#include "base/replace.h"
#include "support/check.h"
#include "support/folder.h"
#include "support/settings.h"
#include "support/training.h"
#include "train/batch.h"
#include "train/bench.h"
#include "train/dataset.h"
#include "train/divergence.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAMPLES ((int64_t)2 * AP_SAMPLE_RATE)

static volatile sig_atomic_t asked;

static int set_up(void **state)
{
    asked = 0;
    ap_stop_flag_set(&asked);
    return folder_create(state);
}

static int tear_down(void **state)
{
    ap_stop_flag_set(NULL);
    return folder_remove(state);
}

static ap_config small_config(void)
{
    ap_config config = ap_config_default();
    const char *const settings[][2] = {
        {"data.seconds", "0.5"}, {"codec.type", "seanet"}, {"codec.dim", "16"},    {"codec.width", "4"},
        {"codec.lstm", "1"},     {"agent.component", "4"}, {"agent.model", "32"},  {"agent.heads", "2"},
        {"agent.layers", "1"},   {"agent.ff", "64"},       {"cascade.heads", "2"}, {"cascade.layers", "1"},
        {"train.epochs", "2"}};
    set_all(&config, sizeof settings / sizeof *settings, settings);
    return config;
}

/* A piece of `SAMPLES` samples, as a file. */
static void write_recording(const char *path, uint64_t seed)
{
    ap_tensor x = random_tensor(seed, (ap_real)0.1, AP_SHAPE(SAMPLES));
    ap_audio audio = {.samples = x.data, .count = SAMPLES, .rate = AP_SAMPLE_RATE};
    assert_string_equal(ap_audio_write(path, &audio).message, "");
    free(x.data);
}

static void check_interrupted(ap_status status)
{
    assert_string_equal(status.message, "interrupted");
    assert_int_equal(status.code, AP_INTERRUPTED);
}

/* ---------------------------------------------------------------- training */

/* The training that is under way, and when it is asked to stop. */
typedef struct watched {
    const char *at_note; /* as soon as a note begins so; NULL: never */
    int64_t at_step;     /* after this step; 0: never */
    int64_t steps, epochs;
} watched;

static void on_note(void *context, const char *line)
{
    const watched *w = context;
    if (w->at_note && strncmp(line, w->at_note, strlen(w->at_note)) == 0) asked = 1;
}

static void on_step(void *context, const ap_step_report *report)
{
    watched *w = context;
    w->steps++;
    if (report->step == w->at_step) asked = 1;
}

static void on_epoch(void *context, const ap_epoch_report *report)
{
    (void)report;
    ((watched *)context)->epochs++;
}

static ap_trainer *trainer_of(const ap_config *config, watched *w)
{
    ap_trainer *trainer;
    ap_observer observer = {.context = w, .note = on_note, .step = on_step, .epoch = on_epoch};
    assert_string_equal(ap_trainer_create(config, &observer, &trainer).message, "");
    return trainer;
}

/* Four windows to train on, four to validate. */
static ap_config write_set(void **state)
{
    ap_config config = small_config();
    set(&config, "data.path", *state);
    static const char *const names[] = {"train/pair_1_input.wav", "train/pair_1_output.wav",
                                        "val/pair_1_input.wav", "val/pair_1_output.wav"};
    assert_int_equal(ap_make_folder(folder_path(state, "train")).code, AP_OK);
    assert_int_equal(ap_make_folder(folder_path(state, "val")).code, AP_OK);
    for (uint64_t k = 0; k < 4; k++) write_recording(folder_path(state, names[k]), k);
    return config;
}

/* Runs to the end. */
static void run_on(ap_trainer *trainer, const char *folder)
{
    asked = 0;
    assert_string_equal(ap_trainer_run(trainer, folder, &asked).message, "");
    ap_trainer_free(trainer);
}

static void check_same_tensors(const char *a, const char *b)
{
    ap_safetensors *x, *y;
    assert_string_equal(ap_safetensors_open(a, &x).message, "");
    assert_string_equal(ap_safetensors_open(b, &y).message, "");
    assert_int_equal(ap_safetensors_count(x), ap_safetensors_count(y));
    for (size_t i = 0; i < ap_safetensors_count(x); i++) {
        int64_t n = ap_shape_count(ap_safetensors_shape(x, i));
        ap_real *p = ap_allocate((size_t)n, sizeof *p), *q = ap_allocate((size_t)n, sizeof *q);
        assert_string_equal(ap_safetensors_read(x, i, p).message, "");
        assert_string_equal(ap_safetensors_read(y, i, q).message, "");
        assert_memory_equal(p, q, (size_t)n * sizeof *p);
        free(p);
        free(q);
    }
    ap_safetensors_close(x);
    ap_safetensors_close(y);
}

static const char *accumulate = "1"; /* train.accumulate */

/* Stopped as `w` says, then resumed by another process, as it were: it comes to what nobody disturbed. */
static void check_stopped(void **state, watched w, int64_t steps, int64_t epochs)
{
    ap_config config = write_set(state);
    set(&config, "train.accumulate", accumulate);
    const char *stopped = folder_path(state, "stopped"), *whole = folder_path(state, "whole");
    ap_trainer *trainer = trainer_of(&config, &w);
    ap_status status = ap_trainer_run(trainer, stopped, &asked);
    assert_int_equal(status.code, AP_INTERRUPTED);
    assert_non_null(strstr(status.message, "saved in"));
    assert_int_equal(w.steps, steps);
    assert_int_equal(w.epochs, epochs);
    ap_trainer_free(trainer);

    watched calm = {0};
    asked = 0;
    run_on(trainer_of(&config, &calm), whole);
    char *last = ap_format_text("%s/last.safetensors", stopped),
         *other = ap_format_text("%s/last.safetensors", whole);
    asked = 0;
    ap_observer nobody = {0};
    assert_string_equal(ap_trainer_resume(&config, &nobody, last, &trainer).message, "");
    run_on(trainer, stopped);
    if (sizeof(ap_real) == sizeof(float)) check_same_tensors(last, other); /* a checkpoint rounds to floats */
    free(last);
    free(other);
}

static void training_stops_while_it_encodes(void **state)
{
    check_stopped(state, (watched){.at_note = "encoding"}, 0, 0);
}

static void training_stops_before_it_validates(void **state)
{
    check_stopped(state, (watched){.at_step = 4}, 4, 0);
}

/* The batch that is filled when `fills_left` comes to 0 is interrupted; never, below 0. */
static int fills_left = -1;

ap_status __real_ap_batch_fill(ap_batch *batch, const ap_dataset *dataset, int64_t count,
                               const ap_choice *choices);
ap_status __wrap_ap_batch_fill(ap_batch *batch, const ap_dataset *dataset, int64_t count,
                               const ap_choice *choices);

ap_status __wrap_ap_batch_fill(ap_batch *batch, const ap_dataset *dataset, int64_t count,
                               const ap_choice *choices)
{
    if (fills_left >= 0 && fills_left-- == 0) asked = 1;
    return __real_ap_batch_fill(batch, dataset, count, choices);
}

/* Of a step in whose second batch it is asked nothing is left, not in BatchNorm's statistics, not in the
 * random numbers of dropout. In the fourth batch, which is the last, the step is taken. */
static void training_stops_within_a_step(void **state)
{
    static const struct {
        int fills; /* before the batch: four of a step, then four of validation */
        int64_t steps, epochs;
    } cases[] = {{1, 0, 0}, {3, 1, 0}, {9, 1, 1}};
    accumulate = "4";
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        if (k > 0) assert_int_equal(folder_remove(state) || folder_create(state), 0);
        asked = 0;
        fills_left = cases[k].fills;
        check_stopped(state, (watched){0}, cases[k].steps, cases[k].epochs);
    }
    fills_left = -1;
    accumulate = "1";
}

/* Of a step that failed one item after the other is computed again: no more after it was asked. */
static void looking_for_what_failed_stops(void **state)
{
    (void)state;
    ap_config config = small_config();
    const int64_t S = AP_SAMPLE_RATE / 2;
    ap_tensor audio = random_tensor(5, (ap_real)0.1, AP_SHAPE(2, S));
    ap_dataset dataset = training_dataset(1, S, S, audio.data);
    ap_choice choices[4];
    for (int k = 0; k < 4; k++) choices[k] = (ap_choice){{0, 0}, {0, 0}, false, false, 1, 1, false};
    ap_model *model;
    assert_string_equal(ap_model_create(&config, 1, &model).message, "");
    ap_tape *tape = ap_tape_create(0);
    const ap_failed_step step = {
        .config = &config, .model = model, .set = &dataset, .choices = choices, .count = 4};
    enum { MANY = 100 };
    fills_left = MANY;
    char *text = ap_divergence_explain(tape, &step);
    assert_int_equal(MANY - fills_left, 8); /* each alone, then together in batches of one */
    free(text);
    fills_left = 1;
    text = ap_divergence_explain(tape, &step);
    assert_int_equal(fills_left, -1);
    assert_string_equal(text, "interrupted before the cause was found");
    free(text);
    ap_dataset_free(&dataset);
    free(audio.data);
    ap_tape_free(tape);
    ap_model_free(model);
}

static void training_stops_while_it_reads(void **state)
{
    ap_config config = write_set(state);
    ap_trainer *trainer;
    asked = 1;
    check_interrupted(ap_trainer_create(&config, NULL, &trainer));
}

static void encoding_goes_on_where_it_stopped(void **state)
{
    (void)state;
    ap_config config = small_config();
    ap_tensor audio = random_tensor(5, 1, AP_SHAPE(2, AP_SAMPLE_RATE / 2));
    ap_dataset dataset = training_dataset(1, AP_SAMPLE_RATE / 2, AP_SAMPLE_RATE / 4, audio.data);
    ap_model *model;
    assert_string_equal(ap_model_create(&config, 1, &model).message, "");
    ap_tape *tape = ap_tape_create(0);
    asked = 1;
    assert_int_equal(ap_dataset_encode(&dataset, ap_model_codec(model), tape, &asked).code, AP_INTERRUPTED);
    assert_int_equal(dataset.encoded, 0);
    asked = 0;
    assert_int_equal(ap_dataset_encode(&dataset, ap_model_codec(model), tape, &asked).code, AP_OK);
    assert_int_equal(dataset.encoded, 2);
    /* what is there is not computed again, what is missing is */
    ap_real *z = dataset.pieces[0].sides[AP_PAIR_TARGET].latents, kept = z[dataset.D * dataset.T];
    z[0] = z[dataset.D * dataset.T] = 77;
    dataset.encoded = 1;
    assert_int_equal(ap_dataset_encode(&dataset, ap_model_codec(model), tape, &asked).code, AP_OK);
    assert_true(z[0] == 77 && z[dataset.D * dataset.T] == kept);
    ap_dataset_free(&dataset);
    free(audio.data);
    ap_tape_free(tape);
    ap_model_free(model);
}

/* ---------------------------------------------------------------- all else */

static void reading_stops(void **state)
{
    ap_audio audio;
    write_recording(folder_path(state, "a.wav"), 1);
    asked = 1;
    check_interrupted(ap_audio_read(folder_path(state, "a.wav"), AP_SAMPLE_RATE, &audio));
    check_interrupted(ap_audio_read(folder_path(state, "a.wav"), 16000, &audio));
}

typedef struct windows {
    int done, at; /* it is asked after this one; 0: never */
} windows;

static void ask(void *context, double done, double whole)
{
    (void)done, (void)whole;
    windows *w = context;
    if (++w->done == w->at) asked = 1;
}

/* After the first window, and after the last, when only the file is to be written. */
static void composing_stops_between_windows_and_while_it_writes(void **state)
{
    ap_config config = small_config();
    ap_model *model;
    ap_composed composed;
    assert_string_equal(ap_model_create(&config, 1, &model).message, "");
    const char *a = folder_path(state, "a.wav"), *b = folder_path(state, "b.wav");
    write_recording(a, 1);
    write_recording(b, 2);
    ap_compose_paths paths = {.output = folder_path(state, "c.wav")};
    windows all = {0}, first = {.at = 1};
    ap_status status = ap_compose_files(&config, model, a, b, &paths, ask, &all, &composed);
    assert_string_equal(status.message, "");
    assert_true(all.done > 1);
    assert_int_equal(unlink(paths.output), 0);
    check_interrupted(ap_compose_files(&config, model, a, b, &paths, ask, &first, &composed));
    assert_int_equal(first.done, 1);
    asked = 0;
    windows last = {.at = all.done};
    check_interrupted(ap_compose_files(&config, model, a, b, &paths, ask, &last, &composed));
    assert_int_equal(last.done, all.done);
    assert_int_equal(folder_count(state), 2);
    ap_model_free(model);
}

static void ask_after_one(const char *what, int64_t done, int64_t total)
{
    (void)what;
    assert_true(done < total); /* the work is not done to its end */
    asked = 1;
}

static void preparing_stops_between_recordings(void **state)
{
    assert_int_equal(ap_make_folder(folder_path(state, "songs")).code, AP_OK);
    for (int k = 0; k < 4; k++) {
        char *name = ap_format_text("songs/%d.wav", k);
        write_recording(folder_path(state, name), (uint64_t)k);
        free(name);
    }
    ap_prepare_options options = {.songs = folder_path(state, "songs"),
                                  .out = folder_path(state, "pairs"),
                                  .seconds = 0.5,
                                  .validation = 0.25,
                                  .progress = ask_after_one};
    ap_prepare_report report;
    check_interrupted(ap_prepare(&options, &report));
    check_interrupted(ap_prepare(&options, &report)); /* at once */
    assert_int_not_equal(access(folder_path(state, "pairs/train"), F_OK), 0);
    assert_int_equal(access(folder_path(state, "pairs/unfinished"), F_OK), 0); /* to go on with */
}

static void a_synthesiser_that_is_asked_makes_no_more(void **state)
{
    (void)state;
    ap_real *x = ap_allocate((size_t)SAMPLES, sizeof *x);
    asked = 1;
    ap_synth_drums(1, AP_SAMPLE_RATE, SAMPLES, x);
    for (int64_t i = 0; i < SAMPLES; i++) assert_true(x[i] == 0);
    ap_synth_piano(1, AP_SAMPLE_RATE, SAMPLES, x);
    for (int64_t i = 0; i < SAMPLES; i++) assert_true(x[i] == 0);
    free(x);
}

static void measuring_stops(void **state)
{
    (void)state;
    ap_evaluation *evaluation = ap_evaluation_create();
    ap_evaluation_add_system(evaluation, "composed");
    ap_evaluation_add_baselines(evaluation);
    ap_tensor x = random_tensor(1, (ap_real)0.1, AP_SHAPE(SAMPLES));
    assert_string_equal(ap_evaluation_begin(evaluation, "piece", SAMPLES, x.data, x.data).message, "");
    asked = 1;
    ap_baseline_options options = {.seed = 1};
    check_interrupted(ap_evaluation_score(evaluation, 0, x.data));
    check_interrupted(ap_evaluation_score_baselines(evaluation, &options));
    ap_evaluation_free(evaluation);
    free(x.data);
}

static void a_report_and_a_study_stop(void **state)
{
    ap_study study;
    const char *const names[] = {"arms.txt", "baselines.json", "log.jsonl"};
    const char *const texts[] = {"a = \n", "{\"items\": [\"p\"], \"systems\": []}", ""};
    for (int k = 0; k < 3; k++)
        assert_int_equal(ap_replace_file(folder_path(state, names[k]), texts[k], strlen(texts[k])).code,
                         AP_OK);
    assert_int_equal(ap_make_folder(folder_path(state, "a-1")).code, AP_OK);
    assert_int_equal(ap_replace_file(folder_path(state, "a-1/evaluation.json"), "{}", 2).code, AP_OK);
    asked = 1;
    check_interrupted(ap_study_read(*state, &study));
    assert_int_equal(unlink(folder_path(state, "arms.txt")), 0);
    check_interrupted(ap_report_write(*state, NULL, 8));
    assert_int_equal(folder_count(state), 3);
}

static void a_bench_stops(void **state)
{
    (void)state;
    ap_config config = small_config();
    ap_bench bench;
    asked = 1;
    check_interrupted(ap_bench_run(&config, 1000, &bench));
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(training_stops_while_it_reads),
        IN_FOLDER(training_stops_while_it_encodes),
        IN_FOLDER(training_stops_before_it_validates),
        IN_FOLDER(training_stops_within_a_step),
        IN_FOLDER(looking_for_what_failed_stops),
        IN_FOLDER(encoding_goes_on_where_it_stopped),
        IN_FOLDER(reading_stops),
        IN_FOLDER(composing_stops_between_windows_and_while_it_writes),
        IN_FOLDER(preparing_stops_between_recordings),
        IN_FOLDER(a_synthesiser_that_is_asked_makes_no_more),
        IN_FOLDER(measuring_stops),
        IN_FOLDER(a_report_and_a_study_stop),
        IN_FOLDER(a_bench_stops),
    };
    return cmocka_run_group_tests_name("stop", tests, NULL, NULL);
}
