/* The stateless random stream of ap_rng_hash (antiphon/rng.h), for loops that the compiler vectorises. */
#ifndef ANTIPHON_KERNELS_HASH_H
#define ANTIPHON_KERNELS_HASH_H

#include <stdint.h>

/* The elements from one on, fewer than 2^32. The lower half of an element's index is hashed; the upper half
 * modifies the key, and is one of two within such a stretch. */
typedef struct ap_hash_stretch {
    uint32_t low;       /* of the first element's index */
    uint32_t key, next; /* until the lower half begins again at 0, and from there on */
} ap_hash_stretch;

static inline ap_hash_stretch ap_hash_from(uint64_t key, uint64_t first)
{
    uint32_t step = 0x9E3779B9u, part = (uint32_t)(first >> 32) * step + (uint32_t)(key >> 32);
    return (ap_hash_stretch){(uint32_t)first, (uint32_t)key ^ part, (uint32_t)key ^ (part + step)};
}

/* Element i of the stretch: 32 random bits, by Wellons' integer hash "lowbias32". */
static inline uint32_t ap_hash_at(ap_hash_stretch stretch, uint32_t i)
{
    uint32_t low = stretch.low + i, x = low ^ (low < i ? stretch.next : stretch.key);
    x = (x ^ (x >> 16)) * 0x21F0AAADu;
    x = (x ^ (x >> 15)) * 0x735A2D97u;
    return x ^ (x >> 15);
}

#endif
