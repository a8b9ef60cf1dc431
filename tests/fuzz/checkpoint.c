/* Checkpoints: to compose with, and to go on training from. libFuzzer knows nothing of the 8 bytes of length
 * in front, so that the header is given as text up to a byte 0xFF; what is behind it are the tensors' bytes,
 * and as many zeros as are missing. */
#include "fuzz.h"

#include "antiphon/checkpoint.h"
#include "antiphon/safetensors.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

/* Larger models take long, and say no more. */
#define CHANNELS_MOST 64
#define BYTES_MOST ((double)(1 << 20))

static bool is_small(const ap_config *c)
{
    double ratios = 1;
    for (int i = 0; i < c->codec.ratios.count; i++) ratios *= c->codec.ratios.at[i];
    bool small_codec =
        c->codec.dim <= CHANNELS_MOST && c->codec.hop <= 1024 &&
        (c->codec.type == AP_CODEC_MDCT ||
         (c->codec.width <= 4 && c->codec.ratios.count <= 2 && c->codec.lstm <= 1 && ratios <= 64));
    return small_codec && c->agent.component <= CHANNELS_MOST && c->agent.model <= CHANNELS_MOST &&
           c->agent.ff <= CHANNELS_MOST && c->agent.layers <= 2 && c->cascade.layers <= 2;
}

/* Where the tensors end by the header. */
static double bytes_wanted(const char *text, size_t length)
{
    cJSON *header = cJSON_ParseWithLength(text, length);
    double most = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, header)
    {
        const cJSON *end = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(item, "data_offsets"), 1);
        if (cJSON_IsNumber(end) && end->valuedouble > most) most = end->valuedouble;
    }
    cJSON_Delete(header);
    return most < BYTES_MOST ? most : BYTES_MOST;
}

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
    size_t length;
    const uint8_t *header = fuzz_part(&data, &size, &length);
    uint64_t prefix = length;
    size_t wanted = (size_t)bytes_wanted((const char *)header, length),
           tensors = wanted > size ? wanted : size;
    uint8_t *file = calloc(sizeof prefix + length + tensors, 1);
    memcpy(file, &prefix, sizeof prefix);
    memcpy(file + sizeof prefix, header, length);
    if (size) memcpy(file + sizeof prefix + length, data, size);
    const char *path = fuzz_file(file, sizeof prefix + length + tensors);
    free(file);
    ap_config config;
    ap_model *model;
    if (!fuzz_good(ap_checkpoint_config(path, &config)) || !is_small(&config)) return 0;
    if (fuzz_good(ap_checkpoint_load(path, &config, &model))) ap_model_free(model);
    resume(path, &config);
    return 0;
}
