/* The latents of all windows of a set on the grid, in one file that is mapped into memory.
 *
 * The file is filled window by window. How many are there is written behind them, after they are on the disk,
 * so that a process that is killed, or a loss of power, leaves a beginning, and another process goes on from
 * there. One process at a time fills the file; others wait and share what it writes. A file that is of
 * another set or codec is replaced. */
#ifndef ANTIPHON_TRAIN_LATENT_CACHE_H
#define ANTIPHON_TRAIN_LATENT_CACHE_H

#include "antiphon/real.h"
#include "antiphon/status.h"

#include <signal.h>
#include <stdint.h>

/* What the latents are of. */
typedef struct ap_latent_key {
    uint64_t weights, set; /* hashes: of the codec; of the recordings, their files and how they are cut */
    int64_t windows;
    int64_t numbers; /* of the latents of one side of a window */
} ap_latent_key;

typedef struct ap_latent_cache ap_latent_cache;

/* Opens or creates the file, whose folder exists, waits while another process fills it, and counts the
 * windows that are there. AP_INTERRUPTED if `stop` (NULL: never) becomes nonzero meanwhile. On success the
 * caller frees *cache. */
ap_status ap_latent_cache_open(const char *path, const ap_latent_key *key, const volatile sig_atomic_t *stop,
                               ap_latent_cache **cache, int64_t *there);

/* Appends a window: the latents of both sides, [2, numbers]. */
ap_status ap_latent_cache_append(ap_latent_cache *cache, const ap_real *z);

/* Once all windows are there: lets other processes use the file, and maps it. */
ap_status ap_latent_cache_seal(ap_latent_cache *cache);

/* Copies the latents [numbers] of side 0 or 1 of a window. The cache is sealed. A file that has become
 * shorter is a failure. Several threads may read at the same time. */
ap_status ap_latent_cache_read(const ap_latent_cache *cache, int64_t window, int side, ap_real *z);

/* Keeps on the disk what was appended, and lets other processes go on. NULL is allowed. */
void ap_latent_cache_free(ap_latent_cache *cache);

#endif
