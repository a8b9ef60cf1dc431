#include "support/training.h"

#include "antiphon/audio.h"
#include "antiphon/rng.h"
#include "base/memory.h"
#include "base/replace.h"
#include "support/check.h"
#include "support/settings.h"

#include <math.h>
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>

/* `rise`: by what each tenth of a second is louder than the one before */
static void write_recording(const char *path, uint64_t seed, double seconds, double level, double rise)
{
    SF_INFO info = {.samplerate = AP_SAMPLE_RATE, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_FLOAT};
    int64_t count = llround(seconds * AP_SAMPLE_RATE);
    float *samples = ap_allocate((size_t)count, sizeof *samples);
    ap_rng rng = ap_rng_init(seed);
    for (int64_t i = 0; i < count; i++)
        samples[i] = (float)(level * pow(rise, (double)(i * 10 / AP_SAMPLE_RATE)) * ap_rng_normal(&rng));
    SNDFILE *file = sf_open(path, SFM_WRITE, &info);
    assert_non_null(file);
    assert_int_equal(sf_write_float(file, samples, count), count);
    sf_close(file);
    free(samples);
}

void training_write_pair(const char *folder, const char *split, int number, double seconds,
                         double input_level, double target_level)
{
    char *into = ap_format_text("%s/%s", folder, split);
    ap_status status = ap_make_folder(into);
    assert_string_equal(status.message, "");
    char *input = ap_format_text("%s/pair_%04d_input.wav", into, number);
    char *target = ap_format_text("%s/pair_%04d_target.wav", into, number);
    write_recording(input, (uint64_t)(2 * number), seconds, input_level, 1);
    write_recording(target, (uint64_t)(2 * number + 1), seconds, target_level, 1.3);
    free(target);
    free(input);
    free(into);
}

ap_dataset training_dataset(int64_t count, int64_t length, int64_t S, const ap_real *audio)
{
    ap_dataset set = {.S = S};
    for (int64_t k = 0; k < count; k++) {
        ap_real *sides[AP_PAIR_SIDES];
        for (int side = 0; side < AP_PAIR_SIDES; side++) {
            sides[side] = malloc((size_t)length * sizeof(ap_real));
            assert_non_null(sides[side]);
            memcpy(sides[side], audio + (2 * k + side) * length, (size_t)length * sizeof(ap_real));
        }
        ap_dataset_add(&set, NULL, length, sides[0], sides[1]);
    }
    return set;
}

ap_config training_config(const char *folder)
{
    ap_config config = ap_config_default();
    const char *const settings[][2] = {
        {"data.path", folder},  {"data.seconds", "0.1"},  {"codec.dim", "16"},
        {"cascade.heads", "2"}, {"cascade.layers", "1"},  {"cascade.dropout", "0"},
        {"agent.dropout", "0"}, {"agent.component", "4"}, {"agent.model", "32"},
        {"agent.heads", "2"},   {"agent.layers", "1"},    {"agent.ff", "64"},
        {"loss.level", "1"},    {"loss.novelty", "0"},    {"loss.rms_target", "0"},
        {"loss.spectral", "0"}, {"loss.rms_input", "0"},  {"agent.compositional", "false"},
        {"train.lr", "0.001"},
    };
    set_all(&config, sizeof settings / sizeof *settings, settings);
    return config;
}

typedef struct watcher {
    training_record *record;
    int stop_after;
    volatile sig_atomic_t stop;
} watcher;

static void on_note(void *context, const char *line)
{
    char *notes = ((watcher *)context)->record->notes;
    size_t room = sizeof((watcher *)context)->record->notes - 1;
    strncat(notes, line, room - strlen(notes));
    strncat(notes, "\n", room - strlen(notes));
}

static void on_step(void *context, const ap_step_report *report)
{
    watcher *w = context;
    training_record *r = w->record;
    assert_true(r->steps < TRAINING_STEPS_MAX);
    r->loss[r->steps] = report->measures.value[AP_MEASURE_LOSS];
    r->rate[r->steps] = report->learning_rate;
    r->norm[r->steps] = report->gradient_norm;
    r->epoch[r->steps++] = report->epoch;
    w->stop = r->steps == w->stop_after;
}

static void on_epoch(void *context, const ap_epoch_report *report)
{
    training_record *r = ((watcher *)context)->record;
    assert_true(r->epochs < TRAINING_EPOCHS_MAX);
    r->train[r->epochs] = report->train.value[AP_MEASURE_LOSS];
    r->validation[r->epochs++] = report->validation.value[AP_MEASURE_LOSS];
}

training_record training_run(const ap_config *config, const char *run, const char *checkpoint, int stop_after)
{
    training_record record = {0};
    watcher w = {.record = &record, .stop_after = stop_after};
    ap_observer observer = {.context = &w, .note = on_note, .step = on_step, .epoch = on_epoch};
    ap_trainer *trainer;
    ap_status status = checkpoint ? ap_trainer_resume(config, &observer, checkpoint, &trainer)
                                  : ap_trainer_create(config, &observer, &trainer);
    assert_string_equal(status.message, "");
    record.status = ap_trainer_run(trainer, run, &w.stop);
    ap_trainer_free(trainer);
    return record;
}
