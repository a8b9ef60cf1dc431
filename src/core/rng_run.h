/* Runs of a stateless random stream, for loops that the compiler vectorises. */
#ifndef ANTIPHON_CORE_RNG_RUN_H
#define ANTIPHON_CORE_RNG_RUN_H

#include <stdint.h>

/* A run of consecutive elements of ap_rng_hash, fewer than 2^31: elements `begin` .. `end` - 1 of those
 * requested, which share the upper half of their index. It is mixed into the key once for all of them. */
typedef struct ap_rng_run {
    int32_t begin, end; /* 32 bits, the width of the hash */
    uint32_t low, high;
} ap_rng_run;

/* The run that starts at element first + begin, of `count` elements from `first` on. To visit all elements,
 * loop over runs: start at 0, then at the end of each run, while that is below `count`. */
ap_rng_run ap_rng_run_from(uint64_t key, uint64_t first, int64_t begin, int64_t count);

/* Whether element first + i belongs to the run. */
static inline int ap_rng_run_has(ap_rng_run run, int32_t i)
{
    return i >= run.begin && i < run.end;
}

/* ap_rng_hash(key, first + i) for i in the run. Inline, so that loops are vectorised. */
static inline uint32_t ap_rng_run_hash(ap_rng_run run, int32_t i)
{
    uint32_t x = (run.low + (uint32_t)i) ^ run.high;
    x = (x ^ (x >> 16)) * 0x21F0AAADu;
    x = (x ^ (x >> 15)) * 0x735A2D97u;
    return x ^ (x >> 15);
}

#endif
