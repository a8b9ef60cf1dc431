/** @file arena.h
 * Memory for one training step: handed out in blocks, taken back all at once.
 *
 * Placement. An arena reserves one long stretch of addresses and commits memory to it as far as blocks have
 * ever reached. The position of a block depends only on the requests since the last reset, not on how much
 * memory is committed. So the same requests use the same memory in every run, and a loop that repeats its
 * requests asks the system for nothing after its first round.
 *
 * Recycling. Blocks of AP_ARENA_RECYCLE_LEAST bytes and more can be given back one by one before the reset.
 * Adjacent free blocks are merged and serve requests of any size. A request takes the start of the smallest
 * free block that is large enough, the lowest of several. Smaller blocks stay until the reset; they follow
 * one another in a region of their own, so that they do not fragment the large one.
 *
 * Debugging. A debug build, or any build with AP_POISON=1 in the environment (AP_POISON=0 turns it off),
 * fills blocks with NaN when they are handed out and when they are recycled. Reads that come too early or too
 * late then show.
 *
 * Limits. Reserved addresses use no memory, but a limit on address space (ulimit -v) counts them. Under such
 * a limit the arena reserves less at a time and large blocks find room less easily. An arena is not safe to
 * share between threads.
 */
#ifndef ANTIPHON_ARENA_H
#define ANTIPHON_ARENA_H

#include "antiphon/api.h"

#include <stddef.h>

AP_API_BEGIN

/** Alignment in bytes of every block: a cache line, and the widest vector register. */
#define AP_ARENA_ALIGNMENT 64

/** Smaller blocks (in bytes) are not recycled: their content stays until the reset, unless it is poisoned. */
#define AP_ARENA_RECYCLE_LEAST ((size_t)4096)

typedef struct ap_arena ap_arena;

/** A new, empty arena, owned by the caller. ap_fatal when memory runs out. */
ap_arena *ap_arena_create(void);

/** Gives everything back to the system. NULL is allowed. */
void ap_arena_free(ap_arena *arena);

/** `bytes` of memory with undefined content, aligned to AP_ARENA_ALIGNMENT, valid until recycled or reset.
 * Zero bytes give a valid address. ap_fatal when memory runs out. */
void *ap_arena_alloc(ap_arena *arena, size_t bytes);

/** The same, filled with zero bytes. */
void *ap_arena_zeros(ap_arena *arena, size_t bytes);

/** Gives one block back before the reset. `bytes` is the size that was requested; `block` may be NULL. A
 * block that did not come from this arena is fatal. */
void ap_arena_recycle(ap_arena *arena, void *block, size_t bytes);

/** Takes back every block; the memory itself is kept for the next round. */
void ap_arena_reset(ap_arena *arena);

/** Bytes the arena holds from the system: as far as blocks have reached in any round so far. */
size_t ap_arena_held(const ap_arena *arena);

/** How often the arena has asked the system for memory since it was created. */
size_t ap_arena_growths(const ap_arena *arena);

AP_API_END

#endif
