/* A whole run that is gone on with, as the program does it: its configuration, its log, mlflow.json and its
 * last checkpoint, a byte 0xFF between them. One step more; where that succeeds, what is saved can be gone on
 * from and is finite. */
#include "fuzz.h"

#include "antiphon/audio.h"
#include "antiphon/checkpoint.h"
#include "antiphon/safetensors.h"
#include "base/replace.h"
#include "cli/verbs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAMPLES 2400

/* Cost time, and say no more than their neighbours. */
#define STEPS_MOST 4

static char path[3][512];

static void write_recording(const char *name, unsigned seed)
{
    ap_real samples[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        seed = seed * 1664525 + 1013904223;
        samples[i] = (ap_real)((double)(seed >> 16) / 65536 - 0.5);
    }
    snprintf(path[0], sizeof path[0], "%s/pairs/%s", fuzz_folder(), name);
    ap_audio audio = {.samples = samples, .count = SAMPLES, .rate = AP_SAMPLE_RATE};
    fuzz_check(fuzz_good(ap_audio_write(path[0], &audio)), "no recording");
}

static void make_pairs(void)
{
    static const char *const names[] = {"train/pair_1_input.wav", "train/pair_1_target.wav",
                                        "val/pair_2_input.wav", "val/pair_2_target.wav"};
    for (int k = 0; k < 2; k++) {
        snprintf(path[0], sizeof path[0], "%s/pairs/%s", fuzz_folder(), k ? "val" : "train");
        fuzz_good(ap_make_folder(path[0]));
    }
    for (unsigned k = 0; k < 4; k++) write_recording(names[k], k);
    setenv("MLFLOW_ALLOW_FILE_STORE", "true", 1);
}

/* What the program is told beside the configuration: so that it ends soon, and reads and writes nowhere
 * else. */
static int resume(void)
{
    char run[512], data[512], uri[512];
    snprintf(path[0], sizeof path[0], "%s/run/config.json", fuzz_folder());
    snprintf(run, sizeof run, "%s/run", fuzz_folder());
    snprintf(data, sizeof data, "--data.path=%s/pairs", fuzz_folder());
    snprintf(uri, sizeof uri, "--track.uri=%s/store", fuzz_folder());
    char *words[] = {"train",
                     path[0],
                     "--out",
                     run,
                     "--resume",
                     "auto",
                     data,
                     uri,
                     "--data.seconds=0.1",
                     "--codec.weights=",
                     "--train.threads=1",
                     "--train.epochs=2",
                     "--train.steps_per_epoch=1"};
    return verbs_main(sizeof words / sizeof *words, words);
}

/* The configuration as the verb will have it; whether it is read and cheap. */
static bool is_cheap(const uint8_t *text, size_t length)
{
    ap_config config = ap_config_default();
    return fuzz_good(ap_config_load(fuzz_file(text, length), &config)) && fuzz_is_small(&config) &&
           config.train.batch_size <= STEPS_MOST && config.train.accumulate <= STEPS_MOST;
}

static void check_saved(void)
{
    ap_safetensors *file;
    snprintf(path[0], sizeof path[0], "%s/run/checkpoints/last.safetensors", fuzz_folder());
    if (access(path[0], F_OK) != 0) return;
    fuzz_check(fuzz_good(ap_safetensors_open(path[0], &file)), "a success that leaves no checkpoint");
    for (size_t i = 0; i < ap_safetensors_count(file); i++) {
        int64_t count = ap_shape_count(ap_safetensors_shape(file, i));
        ap_real *data = calloc((size_t)count + 1, sizeof *data);
        fuzz_check(fuzz_good(ap_safetensors_read(file, i, data)), ap_safetensors_name(file, i));
        for (int64_t k = 0; k < count; k++) fuzz_check(isfinite(data[k]), ap_safetensors_name(file, i));
        free(data);
    }
    ap_safetensors_close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool made;
    size_t config_size, log_size, state_size;
    const uint8_t *config = fuzz_part(&data, &size, &config_size), *log = fuzz_part(&data, &size, &log_size),
                  *state = fuzz_part(&data, &size, &state_size);
    if (!is_cheap(config, config_size)) return 0;
    if (!made) make_pairs();
    made = true;
    snprintf(path[0], sizeof path[0], "%s/run/checkpoints", fuzz_folder());
    fuzz_good(ap_make_folder(path[0]));
    snprintf(path[0], sizeof path[0], "%s/store", fuzz_folder());
    char *text = fuzz_replaced(state, state_size, path[0]);
    fuzz_put("run/config.json", config, config_size);
    fuzz_put("run/log.jsonl", log, log_size);
    fuzz_put("run/mlflow.json", (const uint8_t *)text, strlen(text));
    free(text);
    fuzz_checkpoint("run/checkpoints/last.safetensors", data, size);
    int first = dup(STDIN_FILENO); /* the verb keeps the lock on its folder open */
    int code = resume();
    close_range((unsigned)first, ~0U, 0);
    fuzz_check(code == 0 || code == 1 || code == 2, "no exit code of ours");
    if (code == 0) check_saved();
    fuzz_remove("run");
    fuzz_remove("store");
    return 0;
}
