/* What the fuzzers of checkpoints share. */
#include "fuzz.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

/* Larger models take long, and say no more. */
#define CHANNELS_MOST 64
#define BYTES_MOST ((double)(1 << 20))

bool fuzz_is_small(const ap_config *c)
{
    double ratios = 1;
    for (int i = 0; i < c->codec.ratios.count; i++) ratios *= c->codec.ratios.at[i];
    bool small_codec =
        c->codec.dim <= CHANNELS_MOST && c->codec.hop <= 1024 &&
        (c->codec.type != AP_CODEC_SEANET ||
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

const char *fuzz_checkpoint(const char *name, const uint8_t *data, size_t size)
{
    size_t length;
    const uint8_t *header = fuzz_part(&data, &size, &length);
    uint64_t prefix = length;
    size_t wanted = (size_t)bytes_wanted((const char *)header, length),
           tensors = wanted > size ? wanted : size, bytes = sizeof prefix + length + tensors;
    uint8_t *file = calloc(bytes, 1);
    memcpy(file, &prefix, sizeof prefix);
    memcpy(file + sizeof prefix, header, length);
    if (size) memcpy(file + sizeof prefix + length, data, size);
    const char *path = name ? NULL : fuzz_file(file, bytes);
    if (name) fuzz_put(name, file, bytes);
    free(file);
    return path;
}
