/* Checkpoints: to compose with, and to go on training from. */
#include "fuzz.h"

#include "antiphon/checkpoint.h"

static void resume(const char *path, const ap_config *config)
{
    ap_model *model;
    ap_progress progress;
    ap_config kept = *config;
    kept.codec.weights[0] = '\0';
    if (!fuzz_good(ap_model_create(&kept, 0, &model))) return;
    ap_adamw optimiser = ap_adamw_init(ap_params_trained_count(ap_model_params(model)));
    fuzz_good(ap_checkpoint_resume(path, model, &optimiser, &progress));
    ap_adamw_free(&optimiser);
    ap_model_free(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_checkpoint(NULL, data, size);
    ap_config config;
    ap_model *model;
    if (!fuzz_good(ap_checkpoint_config(path, &config)) || !fuzz_is_small(&config)) return 0;
    if (fuzz_good(ap_checkpoint_load(path, &config, &model))) ap_model_free(model);
    resume(path, &config);
    return 0;
}
