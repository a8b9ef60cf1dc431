#include "antiphon/arena.h"

#include "antiphon/status.h"
#include "core/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Small blocks are cut one after the other from chunks of this size. */
#define CHUNK_BYTES ((size_t)8 << 20)
/* From this size on a block has a mapping of its own, in huge pages: activations are walked from end to end. */
#define LARGE_BYTES ((size_t)2 << 20)
/* Sizes are rounded up to one of eight steps in each power of two, so that a recycled block fits exactly the
 * requests of its class, and a round that repeats needs exactly the blocks of the round before it. */
#define STEPS_LOG2 3
#define CLASSES (64 << STEPS_LOG2)

typedef struct span {
    struct span *next;
    char *base;
    size_t size, used; /* `used` serves chunks only */
} span;

typedef struct free_block {
    struct free_block *next;
} free_block;

struct ap_arena {
    span *chunks, *current; /* chunks before `current` are full, those behind it are empty */
    span *large;            /* every large block, in use or not */
    free_block *recycled[CLASSES];
    size_t held, growths;
};

/* The class of a request, and through `size` the bytes a block of that class has. */
static unsigned class_of(size_t bytes, size_t *size)
{
    unsigned power = 63 - (unsigned)__builtin_clzll(bytes - 1);
    size_t step = (size_t)1 << (power - STEPS_LOG2);
    unsigned index = (unsigned)((bytes - 1) / step) & ((1u << STEPS_LOG2) - 1);
    *size = ((size_t)1 << power) + (index + 1) * step;
    return (power << STEPS_LOG2) + index;
}

ap_arena *ap_arena_create(void)
{
    return ap_allocate(1, sizeof(ap_arena));
}

static void free_spans(span *s)
{
    for (span *next; s; s = next) {
        next = s->next;
        free(s->base);
        free(s);
    }
}

void ap_arena_free(ap_arena *arena)
{
    if (!arena) return;
    free_spans(arena->chunks);
    free_spans(arena->large);
    free(arena);
}

static span *new_span(ap_arena *arena, size_t size)
{
    span *s = ap_allocate(1, sizeof *s);
    size_t rounded = (size + LARGE_BYTES - 1) / LARGE_BYTES * LARGE_BYTES;
    s->base = aligned_alloc(LARGE_BYTES, rounded);
    if (!s->base) ap_fatal("out of memory: %zu bytes more than the %zu held", size, arena->held);
    madvise(s->base, rounded, MADV_HUGEPAGE);
    s->size = size;
    arena->held += size;
    arena->growths++;
    return s;
}

static void *alloc_large(ap_arena *arena, size_t size)
{
    span *s = new_span(arena, size);
    s->next = arena->large;
    arena->large = s;
    return s->base;
}

static void *alloc_small(ap_arena *arena, size_t size)
{
    span *c = arena->current;
    if (c && c->size - c->used < size) c = arena->current = c->next ? c->next : c;
    if (!c || c->size - c->used < size) {
        span *fresh = new_span(arena, CHUNK_BYTES);
        *(c ? &c->next : &arena->chunks) = fresh;
        c = arena->current = fresh;
    }
    c->used += size;
    return c->base + c->used - size;
}

void *ap_arena_alloc(ap_arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 2) ap_fatal("out of memory: a request of %zu bytes", bytes);
    if (bytes < AP_ARENA_RECYCLE_LEAST) {
        size_t lines = bytes / AP_ARENA_ALIGNMENT + 1;
        return alloc_small(arena, lines * AP_ARENA_ALIGNMENT);
    }
    size_t size;
    free_block **list = &arena->recycled[class_of(bytes, &size)];
    if (*list) {
        void *block = *list;
        *list = (*list)->next;
        return block;
    }
    return size >= LARGE_BYTES ? alloc_large(arena, size) : alloc_small(arena, size);
}

void *ap_arena_zeros(ap_arena *arena, size_t bytes)
{
    return memset(ap_arena_alloc(arena, bytes), 0, bytes);
}

void ap_arena_recycle(ap_arena *arena, void *block, size_t bytes)
{
    if (!block || bytes < AP_ARENA_RECYCLE_LEAST) return;
    size_t size;
    free_block **list = &arena->recycled[class_of(bytes, &size)], *freed = block;
    freed->next = *list;
    *list = freed;
}

void ap_arena_reset(ap_arena *arena)
{
    for (span *c = arena->chunks; c; c = c->next) c->used = 0;
    arena->current = arena->chunks;
    memset(arena->recycled, 0, sizeof arena->recycled);
    for (span *s = arena->large; s; s = s->next) ap_arena_recycle(arena, s->base, s->size);
}

size_t ap_arena_held(const ap_arena *arena)
{
    return arena->held;
}

size_t ap_arena_growths(const ap_arena *arena)
{
    return arena->growths;
}
