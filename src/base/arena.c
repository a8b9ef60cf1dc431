#include "antiphon/arena.h"

#include "antiphon/status.h"
#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* A contiguous range of bytes. */
typedef struct range {
    char *base;
    size_t size;
} range;

/* Ranges in ascending order of address. Adjacent ranges are merged. */
typedef struct ranges {
    range *at;
    size_t count, capacity;
} ranges;

/* A contiguous stretch of reserved addresses. The first `held` bytes of `whole` have memory. `vacant` lists
 * the ranges without a block, with or without memory. */
typedef struct stretch {
    range mapping, whole; /* as mapped by the system; the part that starts at the first huge page */
    ranges vacant;
    size_t held;
} stretch;

/* The stretches for one kind of block, in the order in which they were reserved. */
typedef struct area {
    size_t room;    /* addresses (not memory) to reserve: more than a program is likely to need */
    size_t portion; /* addresses to reserve at a time if the system does not grant `room` */
    size_t page;    /* memory is committed in multiples of this */
    stretch *at;
    size_t count;
} area;

/* The size of a huge page, on which a stretch begins: activations are read from end to end. */
#define HUGE_PAGE_BYTES ((size_t)2 << 20)

static const area recycled_area = {
    .room = (size_t)64 << 30, .portion = (size_t)64 << 20, .page = HUGE_PAGE_BYTES};
static const area lasting_area = {
    .room = (size_t)1 << 30, .portion = (size_t)8 << 20, .page = (size_t)64 << 10};

struct ap_arena {
    area recycled; /* blocks of AP_ARENA_RECYCLE_LEAST bytes and more */
    area lasting;  /* smaller blocks: one after the other, until the reset */
    size_t held, growths;
    bool poisoned;
};

/* ---------------------------------------------------------------- ranges */

static void reserve(ranges *list, size_t count)
{
    if (count <= list->capacity) return;
    list->capacity = 2 * count;
    list->at = ap_reallocate(list->at, list->capacity, sizeof *list->at);
}

/* The number of ranges in the list that lie before `base`. */
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

/* Takes `size` bytes from the start of the smallest range that is large enough, the first of several. NULL:
 * none is. */
static char *cut(ranges *list, size_t size)
{
    range *best = NULL;
    for (size_t i = 0; i < list->count; i++)
        if (list->at[i].size >= size && (!best || list->at[i].size < best->size)) best = &list->at[i];
    if (!best) return NULL;
    char *block = best->base;
    best->base += size;
    best->size -= size;
    if (best->size == 0) erase(list, (size_t)(best - list->at));
    return block;
}

/* ---------------------------------------------------------------- stretches */

static size_t whole_units(size_t bytes, size_t unit)
{
    return (bytes / unit + (bytes % unit > 0)) * unit;
}

static void out_of_memory(const ap_arena *arena, size_t bytes)
{
    ap_fatal("out of memory: %zu bytes more than the %zu held", bytes, arena->held);
}

static bool map(stretch *s, size_t room)
{
    size_t size = room + HUGE_PAGE_BYTES;
    char *base = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) return false;
    size_t skipped = (HUGE_PAGE_BYTES - (uintptr_t)base % HUGE_PAGE_BYTES) % HUGE_PAGE_BYTES;
    s->mapping = (range){base, size};
    s->whole = (range){base + skipped, room};
    return true;
}

static void vacate(stretch *s)
{
    s->vacant.count = 0;
    insert(&s->vacant, s->whole);
}

/* Whether address space is limited (`ulimit -v`), so that reserving it takes it from others. */
static bool addresses_are_limited(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

/* Adds a stretch with addresses for `size` bytes. */
static stretch *extend(ap_arena *arena, area *a, size_t size)
{
    stretch new = {0};
    bool wide = size <= a->room && !addresses_are_limited() && map(&new, a->room);
    if (!wide && !map(&new, size > a->portion ? size : a->portion)) out_of_memory(arena, size);
    vacate(&new);
    a->at = ap_reallocate(a->at, a->count + 1, sizeof *a->at);
    a->at[a->count] = new;
    return &a->at[a->count++];
}

/* Commits memory up to `end`. */
static void hold(ap_arena *arena, const area *a, stretch *s, const char *end)
{
    size_t wanted = (size_t)(end - s->whole.base);
    if (wanted <= s->held) return;
    size_t missing = whole_units(wanted - s->held, a->page);
    char *base = s->whole.base + s->held;
    if (mprotect(base, missing, PROT_READ | PROT_WRITE) != 0) out_of_memory(arena, missing);
    if (a->page == HUGE_PAGE_BYTES) madvise(base, missing, MADV_HUGEPAGE);
    s->held += missing;
    arena->held += missing;
    arena->growths++;
}

/* ---------------------------------------------------------------- areas */

static char *take(ap_arena *arena, area *a, size_t size)
{
    stretch *s = a->at;
    char *block = NULL;
    for (; s < a->at + a->count; s++)
        if ((block = cut(&s->vacant, size))) break;
    if (!block) {
        s = extend(arena, a, whole_units(size, a->page));
        block = cut(&s->vacant, size);
    }
    hold(arena, a, s, block + size);
    return block;
}

static void give_back(area *a, range block)
{
    for (stretch *s = a->at; s < a->at + a->count; s++)
        if (block.base >= s->whole.base && block.base < s->whole.base + s->whole.size) {
            insert(&s->vacant, block);
            return;
        }
    ap_fatal("a recycled block of %zu bytes does not belong to this arena", block.size);
}

static void reset(area *a)
{
    for (size_t i = 0; i < a->count; i++) vacate(&a->at[i]);
}

static void unmap(area *a)
{
    for (size_t i = 0; i < a->count; i++) {
        munmap(a->at[i].mapping.base, a->at[i].mapping.size);
        free(a->at[i].vacant.at);
    }
    free(a->at);
}

/* ---------------------------------------------------------------- poison */

static bool wants_poison(void)
{
#ifdef AP_POISON
    const bool usual = true;
#else
    const bool usual = false;
#endif
    const char *said = getenv("AP_POISON");
    return said && *said ? strcmp(said, "0") != 0 : usual;
}

/* All bits set are NaN in float and in double. */
static void *poison(const ap_arena *arena, void *block, size_t bytes)
{
    return arena->poisoned ? memset(block, 0xFF, bytes) : block;
}

/* ---------------------------------------------------------------- the arena */

ap_arena *ap_arena_create(void)
{
    ap_arena *arena = ap_allocate(1, sizeof *arena);
    *arena = (ap_arena){.recycled = recycled_area, .lasting = lasting_area, .poisoned = wants_poison()};
    return arena;
}

void ap_arena_free(ap_arena *arena)
{
    if (!arena) return;
    unmap(&arena->recycled);
    unmap(&arena->lasting);
    free(arena);
}

void *ap_arena_alloc(ap_arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 2) out_of_memory(arena, bytes);
    area *a = bytes < AP_ARENA_RECYCLE_LEAST ? &arena->lasting : &arena->recycled;
    char *block = take(arena, a, whole_units(bytes > 0 ? bytes : 1, AP_ARENA_ALIGNMENT));
    return poison(arena, block, bytes);
}

void *ap_arena_zeros(ap_arena *arena, size_t bytes)
{
    return memset(ap_arena_alloc(arena, bytes), 0, bytes);
}

void ap_arena_recycle(ap_arena *arena, void *block, size_t bytes)
{
    if (!block) return;
    poison(arena, block, bytes);
    if (bytes < AP_ARENA_RECYCLE_LEAST) return;
    give_back(&arena->recycled, (range){block, whole_units(bytes, AP_ARENA_ALIGNMENT)});
}

void ap_arena_reset(ap_arena *arena)
{
    reset(&arena->recycled);
    reset(&arena->lasting);
}

size_t ap_arena_held(const ap_arena *arena)
{
    return arena->held;
}

size_t ap_arena_growths(const ap_arena *arena)
{
    return arena->growths;
}
