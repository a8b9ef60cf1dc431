/** @file arena.h
 * Memory for one training step: handed out in blocks, taken back whole.
 *
 * An arena keeps what it once asked the system for. Where a block goes depends on the requests since the
 * reset alone, never on how much is held or where the system put it: addresses are reserved in one stretch,
 * far more than will be needed, and every request is decided as if all of them were vacant but for the blocks
 * in use; memory is put behind a stretch as far as blocks have ever reached. So the same requests hold the
 * same memory in every run, and a loop that repeats its requests asks for nothing after its first round: its
 * blocks come where they were before, where there is memory already.
 *
 * Blocks of AP_ARENA_RECYCLE_LEAST bytes and more may also be recycled one by one before the reset; recycled
 * blocks that lie side by side are joined, and serve requests of any size. A request gets the beginning of
 * the tightest room that has it, the lowest of several: the wide ones stay whole for the large blocks.
 * Smaller blocks stay until the reset, and would split that room for good: they follow one another in a
 * stretch of their own.
 *
 * A debug build, and any build under the environment variable AP_POISON=1 (0: not), fills blocks with NaN
 * when they are handed out and when they are recycled, so that what reads too early or too late is seen.
 *
 * Reserved addresses are no memory, though a limit on them (ulimit -v) counts them: under one, less is
 * reserved at a time, a large block finds room less easily, and all else stays true. Not safe to share
 * between threads.
 */
#ifndef ANTIPHON_ARENA_H
#define ANTIPHON_ARENA_H

#include "antiphon/api.h"

#include <stddef.h>

AP_API_BEGIN

/** Alignment in bytes of every block: a cache line, and the widest vector register. */
#define AP_ARENA_ALIGNMENT 64

/** Blocks of fewer bytes are not recycled: until the reset their content stays as it is, unless it is
 * poisoned. */
#define AP_ARENA_RECYCLE_LEAST ((size_t)4096)

typedef struct ap_arena ap_arena;

/** A new, empty arena, owned by the caller. Memory exhausted: ap_fatal. */
ap_arena *ap_arena_create(void);

/** Gives everything back to the system. NULL is allowed. */
void ap_arena_free(ap_arena *arena);

/** `bytes` of memory with undefined content, aligned to AP_ARENA_ALIGNMENT, valid until recycled or reset.
 * Zero bytes give a valid address. Memory exhausted: ap_fatal. */
void *ap_arena_alloc(ap_arena *arena, size_t bytes);

/** The same, filled with zero bytes. */
void *ap_arena_zeros(ap_arena *arena, size_t bytes);

/** Gives back one block before the reset. `bytes` is what was asked for; `block` may be NULL. A block of no
 * arena or of another: ap_fatal. */
void ap_arena_recycle(ap_arena *arena, void *block, size_t bytes);

/** Takes back every block; the memory itself is kept for the next round. */
void ap_arena_reset(ap_arena *arena);

/** Bytes the arena holds from the system: as far as the blocks of any round have reached so far. */
size_t ap_arena_held(const ap_arena *arena);

/** How often the arena has asked the system for memory since it was created. */
size_t ap_arena_growths(const ap_arena *arena);

AP_API_END

#endif
