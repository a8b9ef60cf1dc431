/* A hash of numbers: FNV-1a (Fowler, Noll, Vo) over words instead of bytes. */
#ifndef ANTIPHON_BASE_HASH_H
#define ANTIPHON_BASE_HASH_H

#include "antiphon/real.h"

#include <stdint.h>
#include <string.h>

#define AP_HASH_BASIS UINT64_C(0xcbf29ce484222325)

static inline uint64_t ap_hash_add(uint64_t hash, uint64_t word)
{
    return (hash ^ word) * UINT64_C(0x100000001b3);
}

/* Adds samples as float, so that the hash is the same in every build. */
static inline uint64_t ap_hash_add_samples(uint64_t hash, const ap_real *samples, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        float sample = (float)samples[i];
        uint32_t bits;
        memcpy(&bits, &sample, sizeof bits);
        hash = ap_hash_add(hash, bits);
    }
    return hash;
}

#endif
