#include "antiphon/arena.h"

#include "antiphon/status.h"
#include "core/memory.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Memory comes from the system in multiples of a huge page: activations are walked from end to end. */
#define PAGE_BYTES ((size_t)2 << 20)
/* Small blocks are cut one after the other from chunks of this size. */
#define CHUNK_BYTES ((size_t)256 << 10)

/* Bytes that belong together. */
typedef struct range {
    char *base;
    size_t size;
} range;

/* Ranges that ascend by address and do not touch: neighbours are joined. */
typedef struct ranges {
    range *at;
    size_t count, capacity;
} ranges;

struct ap_arena {
    ranges mapped; /* from the system */
    ranges vacant; /* of these, what is not in use */
    range chunk;   /* what is left of the one that small blocks are being cut from */
    size_t held, growths;
};

ap_arena *ap_arena_create(void)
{
    return ap_allocate(1, sizeof(ap_arena));
}

void ap_arena_free(ap_arena *arena)
{
    if (!arena) return;
    for (size_t i = 0; i < arena->mapped.count; i++)
        munmap(arena->mapped.at[i].base, arena->mapped.at[i].size);
    free(arena->mapped.at);
    free(arena->vacant.at);
    free(arena);
}

/* ---------------------------------------------------------------- ranges */

static void reserve(ranges *list, size_t count)
{
    if (count <= list->capacity) return;
    list->capacity = 2 * count;
    list->at = ap_reallocate(list->at, list->capacity, sizeof *list->at);
}

/* How many of the list stand before `base`. */
static size_t before(const ranges *list, const char *base)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (list->at[middle].base < base)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void erase(ranges *list, size_t i)
{
    list->count--;
    memmove(list->at + i, list->at + i + 1, (list->count - i) * sizeof *list->at);
}

static bool touch(range a, range b)
{
    return a.base + a.size == b.base;
}

static void insert(ranges *list, range new)
{
    size_t i = before(list, new.base);
    if (i < list->count && touch(new, list->at[i])) {
        new.size += list->at[i].size;
        erase(list, i);
    }
    if (i > 0 && touch(list->at[i - 1], new)) {
        list->at[i - 1].size += new.size;
        return;
    }
    reserve(list, list->count + 1);
    memmove(list->at + i + 1, list->at + i, (list->count - i) * sizeof *list->at);
    list->at[i] = new;
    list->count++;
}

/* `size` bytes from the end of the tightest range that has them; NULL: none has. */
static char *cut(ranges *list, size_t size)
{
    range *best = NULL;
    for (size_t i = 0; i < list->count; i++)
        if (list->at[i].size >= size && (!best || list->at[i].size <= best->size)) best = &list->at[i];
    if (!best) return NULL;
    best->size -= size;
    char *block = best->base + best->size;
    if (best->size == 0) erase(list, (size_t)(best - list->at));
    return block;
}

/* ---------------------------------------------------------------- memory from the system */

static char *map(ap_arena *arena, char *wish, size_t size)
{
    char *base = mmap(wish, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) ap_fatal("out of memory: %zu bytes more than the %zu held", size, arena->held);
    return base;
}

/* `size` bytes, in whole huge pages, anywhere */
static char *map_anywhere(ap_arena *arena, size_t size)
{
    char *base = map(arena, NULL, size + PAGE_BYTES);
    size_t skipped = (PAGE_BYTES - (uintptr_t)base % PAGE_BYTES) % PAGE_BYTES;
    if (skipped > 0) munmap(base, skipped);
    munmap(base + skipped + size, PAGE_BYTES - skipped);
    return base + skipped;
}

/* Makes room for a block of `size` bytes. Where the system lets it, what is new goes right below what there
 * is, and continues the range that is vacant there. */
static void grow(ap_arena *arena, size_t size)
{
    char *lowest = arena->mapped.count > 0 ? arena->mapped.at[0].base : NULL;
    const range *edge = arena->vacant.count > 0 ? &arena->vacant.at[0] : NULL;
    size_t there = edge && edge->base == lowest ? edge->size : 0;
    size_t missing = (size - there + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    char *base = NULL;
    if (lowest && (uintptr_t)lowest > missing) {
        base = map(arena, lowest - missing, missing);
        if (base != lowest - missing) {
            munmap(base, missing);
            base = NULL;
        }
    }
    if (!base) {
        missing = (size + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
        base = map_anywhere(arena, missing);
    }
    madvise(base, missing, MADV_HUGEPAGE);
    insert(&arena->mapped, (range){base, missing});
    insert(&arena->vacant, (range){base, missing});
    arena->held += missing;
    arena->growths++;
}

/* ---------------------------------------------------------------- blocks */

static size_t whole_lines(size_t bytes)
{
    return (bytes / AP_ARENA_ALIGNMENT + (bytes % AP_ARENA_ALIGNMENT > 0)) * AP_ARENA_ALIGNMENT;
}

static char *alloc_range(ap_arena *arena, size_t size)
{
    char *block = cut(&arena->vacant, size);
    if (block) return block;
    grow(arena, size);
    return cut(&arena->vacant, size);
}

static char *alloc_small(ap_arena *arena, size_t size)
{
    if (arena->chunk.size < size) arena->chunk = (range){alloc_range(arena, CHUNK_BYTES), CHUNK_BYTES};
    arena->chunk.size -= size;
    return arena->chunk.base + arena->chunk.size;
}

void *ap_arena_alloc(ap_arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 2) ap_fatal("out of memory: a request of %zu bytes", bytes);
    if (bytes < AP_ARENA_RECYCLE_LEAST) return alloc_small(arena, whole_lines(bytes > 0 ? bytes : 1));
    return alloc_range(arena, whole_lines(bytes));
}

void *ap_arena_zeros(ap_arena *arena, size_t bytes)
{
    return memset(ap_arena_alloc(arena, bytes), 0, bytes);
}

void ap_arena_recycle(ap_arena *arena, void *block, size_t bytes)
{
    if (block && bytes >= AP_ARENA_RECYCLE_LEAST) insert(&arena->vacant, (range){block, whole_lines(bytes)});
}

void ap_arena_reset(ap_arena *arena)
{
    arena->chunk = (range){0};
    reserve(&arena->vacant, arena->mapped.count);
    if (arena->mapped.count > 0)
        memcpy(arena->vacant.at, arena->mapped.at, arena->mapped.count * sizeof *arena->mapped.at);
    arena->vacant.count = arena->mapped.count;
}

size_t ap_arena_held(const ap_arena *arena)
{
    return arena->held;
}

size_t ap_arena_growths(const ap_arena *arena)
{
    return arena->growths;
}
