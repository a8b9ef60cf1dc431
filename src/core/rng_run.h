/* Many elements of a stateless stream at once, for loops that are to be vectorised. */
#ifndef ANTIPHON_CORE_RNG_RUN_H
#define ANTIPHON_CORE_RNG_RUN_H

#include <stdint.h>

/* ap_rng_hash for many elements in a row, fewer than 2^31: those `begin` .. `end` - 1 of some that are asked
 * for, as many as share the upper half of their index, which is worked into the key once for all of them. */
typedef struct ap_rng_run {
    int32_t begin, end; /* so narrow that a loop counts as the hash does */
    uint32_t low, high;
} ap_rng_run;

/* Of `count` elements from `first` on the run that starts with element first + begin. A loop over all of
 * them is one over runs: from 0, then from each run's end, as long as that is below `count`. */
ap_rng_run ap_rng_run_from(uint64_t key, uint64_t first, int64_t begin, int64_t count);

/* Whether element first + i is one of the run. */
static inline int ap_rng_run_has(ap_rng_run run, int32_t i)
{
    return i >= run.begin && i < run.end;
}

/* ap_rng_hash(key, first + i) for i of the run. Here, so that loops over a run are vectorised. */
static inline uint32_t ap_rng_run_hash(ap_rng_run run, int32_t i)
{
    uint32_t x = (run.low + (uint32_t)i) ^ run.high;
    x = (x ^ (x >> 16)) * 0x21F0AAADu;
    x = (x ^ (x >> 15)) * 0x735A2D97u;
    return x ^ (x >> 15);
}

#endif
