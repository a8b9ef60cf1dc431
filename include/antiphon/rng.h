/** @file rng.h
 * A counter-based random stream. Its whole state is two numbers, so a checkpoint can store it, and any thread
 * can draw any element of a mask again without drawing the elements before it.
 *
 * The generator is SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
 */
#ifndef ANTIPHON_RNG_H
#define ANTIPHON_RNG_H

#include "antiphon/api.h"

#include <stdint.h>

AP_API_BEGIN

typedef struct ap_rng {
    uint64_t seed;    /**< which stream */
    uint64_t counter; /**< how many numbers have been drawn from it */
} ap_rng;

/** The stream of `seed`, at its beginning. */
ap_rng ap_rng_init(uint64_t seed);

/** 64 random bits. */
uint64_t ap_rng_next(ap_rng *rng);

/** Uniform in [0, 1). */
double ap_rng_uniform(ap_rng *rng);

/** Uniform integer in [0, below); `below` must be positive. */
int64_t ap_rng_below(ap_rng *rng, int64_t below);

/** Normal with mean 0 and standard deviation 1 (Box-Muller; two draws a call). */
double ap_rng_normal(ap_rng *rng);

/** Shuffles `order` in place (Fisher-Yates). */
void ap_rng_shuffle(ap_rng *rng, int64_t *order, int64_t count);

/** Element `index` of the stream `key`, without state: 32 random bits (Wellons' integer hash "lowbias32").
 * Cheap enough to draw a dropout mask again in the backward pass. */
uint32_t ap_rng_hash(uint64_t key, uint64_t index);

AP_API_END

#endif
