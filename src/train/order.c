#include "train/order.h"

#include "antiphon/rng.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* the range of windows of an item's piece, which are adjacent */
typedef struct stretch {
    int64_t first, count;
} stretch;

static stretch piece_of(const ap_dataset *set, int64_t item)
{
    int64_t first = item, last = item, count = (int64_t)set->count;
    while (first > 0 && set->items[first - 1].piece == set->items[item].piece) first--;
    while (last + 1 < count && set->items[last + 1].piece == set->items[item].piece) last++;
    return (stretch){first, last - first + 1};
}

static int64_t another_piece(const ap_dataset *set, int64_t item, ap_rng *rng)
{
    stretch piece = piece_of(set, item);
    if (piece.count == (int64_t)set->count) return item;
    int64_t other = ap_rng_below(rng, (int64_t)set->count - piece.count);
    return other < piece.first ? other : other + piece.count;
}

static int64_t target_of(const ap_config *config, const ap_dataset *set, int64_t item, ap_rng *rng)
{
    return config->data.targets == AP_TARGETS_SHUFFLED ? another_piece(set, item, rng) : item;
}

static ap_real gain_of(const ap_config *config, ap_rng *rng)
{
    double most = config->data.augment_level_db;
    return most > 0 ? (ap_real)pow(10, most * (2 * ap_rng_uniform(rng) - 1) / 20) : 1;
}

static ap_choice choose(const ap_config *config, const ap_dataset *set, int64_t input, ap_rng *rng)
{
    ap_choice c = {.input = input, .unity = config->data.unity_test};
    c.target = target_of(config, set, input, rng);
    c.target_side = config->codec.train && ap_rng_below(rng, 2); /* a codec learns from both recordings */
    c.input_gain = gain_of(config, rng);
    c.target_gain = c.unity ? c.input_gain : gain_of(config, rng);
    return c;
}

void ap_order_draw(const ap_config *config, const ap_dataset *set, uint64_t seed, int64_t length,
                   ap_choice *order)
{
    int64_t count = (int64_t)set->count, *inputs = ap_allocate(set->count, sizeof *inputs);
    ap_rng rng = ap_rng_init(seed);
    for (int64_t at = 0; at < length; at += count) {
        for (int64_t i = 0; i < count; i++) inputs[i] = i;
        ap_rng_shuffle(&rng, inputs, count);
        for (int64_t i = 0; i < count && at + i < length; i++)
            order[at + i] = choose(config, set, inputs[i], &rng);
    }
    free(inputs);
}

static bool sets_the_order(const char *key)
{
    static const char *const keys[] = {"train.seed", "data.targets", "data.unity_test",
                                       "data.augment_level_db", "codec.train"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        if (strcmp(key, keys[k]) == 0) return true;
    return false;
}

const char *ap_order_key_changed(const ap_config *before, const ap_config *config)
{
    for (size_t i = 0; i < ap_config_count(); i++) {
        char was[AP_CONFIG_TEXT], is[AP_CONFIG_TEXT];
        ap_config_value(before, i, was);
        ap_config_value(config, i, is);
        if (strcmp(was, is) != 0 && sets_the_order(ap_config_name(i))) return ap_config_name(i);
    }
    return NULL;
}
