#include "antiphon/rng.h"
#include "kernels/hash.h"

#include <math.h>

static uint64_t mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

ap_rng ap_rng_init(uint64_t seed)
{
    return (ap_rng){.seed = seed};
}

uint64_t ap_rng_next(ap_rng *rng)
{
    return mix(mix(rng->seed) + 0x9E3779B97F4A7C15u * rng->counter++);
}

double ap_rng_uniform(ap_rng *rng)
{
    return (double)(ap_rng_next(rng) >> 11) * 0x1p-53;
}

int64_t ap_rng_below(ap_rng *rng, int64_t below)
{
    return (int64_t)(ap_rng_uniform(rng) * (double)below);
}

double ap_rng_normal(ap_rng *rng)
{
    double radius = sqrt(-2 * log(1 - ap_rng_uniform(rng)));
    return radius * cos(2 * M_PI * ap_rng_uniform(rng));
}

void ap_rng_shuffle(ap_rng *rng, int64_t *order, int64_t count)
{
    for (int64_t i = count - 1; i > 0; i--) {
        int64_t j = ap_rng_below(rng, i + 1), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

uint32_t ap_rng_hash(uint64_t key, uint64_t index)
{
    return ap_hash_at(ap_hash_from(key, index), 0);
}
