#include "train/order.h"

#include "antiphon/rng.h"
#include "base/bounds.h"
#include "train/stream.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- a random order without a list */

/* More rounds than the four that make a Feistel network a strong pseudorandom permutation (Luby, Rackoff
 * 1988), since the halves are short. */
#define ROUNDS 8
/* The least number of bits of a half. */
#define HALF_LEAST 3

static uint64_t draw(uint64_t key, uint64_t index)
{
    ap_rng rng = {.seed = key, .counter = index};
    return ap_rng_next(&rng);
}

/* A permutation of the numbers of 2 `half` bits: a Feistel network keyed by `key`. */
static uint64_t permute(uint64_t key, int half, uint64_t x)
{
    uint64_t mask = (UINT64_C(1) << half) - 1, left = x >> half, right = x & mask;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        uint64_t next = left ^ (draw(key, round << 32 | right) & mask);
        left = right;
        right = next;
    }
    return left << half | right;
}

/* Number `index` of a random order of 0 .. count - 1. Whatever the permutation of the larger range gives from
 * `count` on is permuted again, until it is below ("cycle walking": Black, Rogaway: "Ciphers with arbitrary
 * finite domains", 2002). */
static int64_t shuffled(uint64_t key, int64_t count, int64_t index)
{
    int half = HALF_LEAST;
    while (half < 31 && count > INT64_C(1) << 2 * half) half++;
    uint64_t x = (uint64_t)index;
    do x = permute(key, half, x);
    while (x >= (uint64_t)count);
    return (int64_t)x;
}

/* ---------------------------------------------------------------- an item */

static int64_t windows_of(const ap_dataset *set, int64_t piece)
{
    return set->pieces[piece].length / set->S;
}

static int64_t another_piece(const ap_dataset *set, ap_place input, ap_rng *rng)
{
    int64_t first = set->pieces[input.piece].first, own = windows_of(set, input.piece);
    int64_t other = ap_rng_below(rng, set->windows - own);
    return other < first ? other : other + own;
}

/* A window of the grid, or one that begins anywhere in the same piece. */
static ap_place crop(const ap_config *config, const ap_dataset *set, int64_t window, ap_rng *rng)
{
    ap_place place = ap_dataset_window(set, window);
    if (config->data.crop == AP_CROP_RANDOM)
        place.at = ap_rng_below(rng, set->pieces[place.piece].length - set->S + 1);
    return place;
}

static ap_place target_of(const ap_config *config, const ap_dataset *set, ap_place input, ap_rng *rng)
{
    if (config->data.targets != AP_TARGETS_SHUFFLED || windows_of(set, input.piece) == set->windows)
        return input;
    return crop(config, set, another_piece(set, input, rng), rng);
}

static ap_real gain_of(const ap_config *config, ap_rng *rng)
{
    double most = config->data.augment_level_db;
    return most > 0 ? (ap_real)pow(10, most * (2 * ap_rng_uniform(rng) - 1) / 20) : 1;
}

uint64_t ap_order_seed(const ap_config *config, int64_t epoch)
{
    return ap_stream(config, AP_STREAM_ORDER, (uint64_t)epoch);
}

/* Whether an item is one of those with an answer: all of a batch are, or none. */
static bool is_answered(const ap_config *config, uint64_t seed, int64_t index)
{
    if (config->data.answers == 0) return false;
    ap_rng rng = ap_rng_init(draw(~seed, (uint64_t)(index / config->train.batch_size)));
    return ap_rng_uniform(&rng) < config->data.answers;
}

/* Another window of the piece, or the same one where there is no other. */
static ap_place elsewhere(const ap_dataset *set, ap_place place, ap_rng *rng)
{
    int64_t first = set->pieces[place.piece].first, count = windows_of(set, place.piece);
    int64_t own = ap_least(place.at / set->S, count - 1);
    if (count < 2) return place;
    return ap_dataset_window(set, first + (own + 1 + ap_rng_below(rng, count - 1)) % count);
}

ap_choice ap_order_item(const ap_config *config, const ap_dataset *set, uint64_t seed, int64_t index)
{
    int64_t round = index / set->windows;
    uint64_t key = draw(seed, 2 * (uint64_t)round);
    int64_t window = shuffled(key, set->windows, index % set->windows);
    ap_rng rng = ap_rng_init(draw(seed, 2 * (uint64_t)index + 1));
    ap_choice c = {.input = crop(config, set, window, &rng), .unity = config->data.unity_test};
    c.answered = is_answered(config, seed, index);
    c.target = c.answered ? elsewhere(set, c.input, &rng) : target_of(config, set, c.input, &rng);
    c.target_side = config->codec.train && ap_rng_below(&rng, 2); /* a codec learns from both recordings */
    c.input_gain = gain_of(config, &rng);
    c.target_gain = c.unity || c.answered ? c.input_gain : gain_of(config, &rng);
    return c;
}

ap_choice ap_order_plain(const ap_config *config, const ap_dataset *set, int64_t index)
{
    ap_place place = ap_dataset_window(set, index);
    return (ap_choice){
        .input = place, .target = place, .unity = config->data.unity_test, .input_gain = 1, .target_gain = 1};
}

/* ---------------------------------------------------------------- whether it is the same */

static bool sets_the_order(const ap_config *config, const char *key)
{
    static const char *const keys[] = {"train.seed",   "data.crop",       "data.answers",
                                       "data.targets", "data.unity_test", "data.augment_level_db",
                                       "codec.train"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        if (strcmp(key, keys[k]) == 0) return true;
    /* which batches have answers */
    return config->data.answers > 0 && strcmp(key, "train.batch_size") == 0;
}

const char *ap_order_key_changed(const ap_config *before, const ap_config *config)
{
    for (size_t i = 0; i < ap_config_count(); i++) {
        char was[AP_CONFIG_TEXT], is[AP_CONFIG_TEXT];
        ap_config_value(before, i, was);
        ap_config_value(config, i, is);
        if (strcmp(was, is) != 0 && sets_the_order(config, ap_config_name(i))) return ap_config_name(i);
    }
    return NULL;
}
