/* The arena: what it gives is whole, and what it holds follows from the requests alone. */
#include "antiphon/arena.h"
#include "antiphon/rng.h"
#include "support/fatal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define MEBIBYTE ((size_t)1 << 20)

/* ---------------------------------------------------------------- blocks */

static void blocks_are_aligned_and_do_not_overlap(void **state)
{
    (void)state;
    enum { BLOCKS = 200 };
    ap_arena *arena = ap_arena_create();
    char *blocks[BLOCKS];
    size_t sizes[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        sizes[i] = (size_t)(i * i * 37 % 100000) + (i == 77 ? 5 * MEBIBYTE : 0);
        blocks[i] = ap_arena_alloc(arena, sizes[i]);
        assert_int_equal((uintptr_t)blocks[i] % AP_ARENA_ALIGNMENT, 0);
        memset(blocks[i], i, sizes[i]);
    }
    for (int i = 0; i < BLOCKS; i++)
        for (size_t k = 0; k < sizes[i]; k++) assert_int_equal(blocks[i][k], (char)i);
    ap_arena_free(arena);
}

static void a_block_of_the_same_size_comes_again(void **state)
{
    (void)state;
    ap_arena *arena = ap_arena_create();
    const size_t sizes[] = {AP_ARENA_RECYCLE_LEAST, 100000, 3 * MEBIBYTE};
    for (int i = 0; i < 3; i++) {
        void *first = ap_arena_alloc(arena, sizes[i]);
        ap_arena_recycle(arena, first, sizes[i]);
        assert_ptr_equal(ap_arena_alloc(arena, sizes[i]), first);
        assert_ptr_not_equal(ap_arena_alloc(arena, sizes[i]), first);
    }
    ap_arena_free(arena);
}

/* in whichever order they come back */
static void recycled_neighbours_are_joined(void **state)
{
    (void)state;
    enum { BLOCKS = 3 };
    const size_t part = 2 * MEBIBYTE;
    const int orders[][BLOCKS] = {{0, 1, 2}, {2, 1, 0}, {0, 2, 1}, {1, 0, 2}};
    for (int k = 0; k < 4; k++) {
        ap_arena *arena = ap_arena_create();
        void *blocks[BLOCKS];
        for (int i = 0; i < BLOCKS; i++) blocks[i] = ap_arena_alloc(arena, part);
        size_t held = ap_arena_held(arena);
        for (int i = 0; i < BLOCKS; i++) ap_arena_recycle(arena, blocks[orders[k][i]], part);
        ap_arena_alloc(arena, BLOCKS * part);
        assert_int_equal(ap_arena_held(arena), held);
        ap_arena_alloc(arena, part);
        assert_int_equal(ap_arena_held(arena), held + part);
        ap_arena_free(arena);
    }
}

static void the_tightest_room_is_taken(void **state)
{
    (void)state;
    enum { ROOMS = 3 };
    const size_t rooms[ROOMS] = {8 * MEBIBYTE, 4 * MEBIBYTE, 6 * MEBIBYTE};
    ap_arena *arena = ap_arena_create();
    void *blocks[ROOMS];
    for (int i = 0; i < ROOMS; i++) {
        blocks[i] = ap_arena_alloc(arena, rooms[i]);
        ap_arena_alloc(arena, AP_ARENA_RECYCLE_LEAST);
    }
    for (int i = 0; i < ROOMS; i++) ap_arena_recycle(arena, blocks[i], rooms[i]);
    assert_ptr_equal(ap_arena_alloc(arena, 5 * MEBIBYTE), blocks[2]);
    assert_ptr_equal(ap_arena_alloc(arena, 4 * MEBIBYTE), blocks[1]);
    assert_ptr_equal(ap_arena_alloc(arena, 4 * MEBIBYTE), blocks[0]);
    ap_arena_free(arena);
}

static void small_blocks_leave_the_room_of_large_ones_whole(void **state)
{
    (void)state;
    const size_t large = 48 * MEBIBYTE;
    ap_arena *arena = ap_arena_create();
    void *first = ap_arena_alloc(arena, large);
    ap_arena_recycle(arena, first, large);
    char *small = ap_arena_zeros(arena, AP_ARENA_RECYCLE_LEAST - 1);
    size_t held = ap_arena_held(arena);
    assert_ptr_equal(ap_arena_alloc(arena, large), first);
    assert_int_equal(ap_arena_held(arena), held);
    memset(first, 1, large);
    ap_arena_recycle(arena, small, AP_ARENA_RECYCLE_LEAST - 1);
    for (int i = 0; i < 100; i++) ap_arena_alloc(arena, AP_ARENA_RECYCLE_LEAST - 1);
    for (size_t i = 0; i < AP_ARENA_RECYCLE_LEAST - 1; i++) assert_int_equal(small[i], 0);
    ap_arena_free(arena);
}

/* Whatever its size, a block is NaN when it comes and when it goes. */
static void poisoned_blocks_are_not_numbers(void **state)
{
    (void)state;
    const size_t counts[] = {1, 100, 100000};
    setenv("AP_POISON", "1", 1);
    ap_arena *arena = ap_arena_create();
    setenv("AP_POISON", "0", 1);
    for (int k = 0; k < 3; k++) {
        size_t n = counts[k];
        ap_real *block = ap_arena_alloc(arena, n * sizeof *block);
        for (size_t i = 0; i < n; i++) assert_true(isnan(block[i]));
        memset(block, 0, n * sizeof *block);
        ap_arena_recycle(arena, block, n * sizeof *block);
        for (size_t i = 0; i < n; i++) assert_true(isnan(block[i]));
        block = ap_arena_zeros(arena, n * sizeof *block);
        for (size_t i = 0; i < n; i++) assert_true(block[i] == 0);
    }
    ap_arena_free(arena);
}

/* ---------------------------------------------------------------- rounds */

enum { REQUESTS = 600, LIVE_MOST = 40 };

typedef struct block {
    char *at;
    size_t bytes;
} block;

static size_t draw(ap_rng *rng, size_t below)
{
    return (size_t)ap_rng_below(rng, (int64_t)below);
}

/* Requests of very different sizes, recycled in any order; `between` is called after each, `places` (NULL:
 * not wanted) gets where every block lies, counted from the first. */
static void round_of_requests(ap_arena *arena, uint64_t seed, void (*between)(void), ptrdiff_t *places)
{
    ap_rng rng = ap_rng_init(seed);
    block live[LIVE_MOST];
    size_t count = 0;
    char *first = NULL;
    for (int i = 0; i < REQUESTS; i++) {
        size_t bytes = (AP_ARENA_RECYCLE_LEAST << draw(&rng, 11)) + draw(&rng, AP_ARENA_RECYCLE_LEAST);
        char *at = ap_arena_alloc(arena, bytes);
        ap_arena_alloc(arena, draw(&rng, AP_ARENA_RECYCLE_LEAST));
        if (!first) first = at;
        at[0] = at[bytes - 1] = (char)i;
        if (places) places[i] = at - first;
        if (between) between();
        while (count == LIVE_MOST || (count > 0 && draw(&rng, 3) == 0)) {
            size_t gone = draw(&rng, count);
            ap_arena_recycle(arena, live[gone].at, live[gone].bytes);
            live[gone] = live[--count];
        }
        live[count++] = (block){at, bytes};
    }
}

static void nothing_is_asked_for_after_the_first_round(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        ap_arena *arena = ap_arena_create();
        ptrdiff_t places[REQUESTS], again[REQUESTS];
        round_of_requests(arena, seed, NULL, places);
        size_t growths = ap_arena_growths(arena), held = ap_arena_held(arena);
        assert_true(growths > 0);
        for (int i = 0; i < 3; i++) {
            ap_arena_reset(arena);
            round_of_requests(arena, seed, NULL, again);
            assert_memory_equal(again, places, sizeof places);
        }
        assert_int_equal(ap_arena_growths(arena), growths);
        assert_int_equal(ap_arena_held(arena), held);
        ap_arena_free(arena);
    }
}

/* nor does what other rounds needed in between change where the blocks of one are */
static void other_rounds_leave_no_trace(void **state)
{
    (void)state;
    ap_arena *arena = ap_arena_create();
    ptrdiff_t places[REQUESTS], again[REQUESTS];
    round_of_requests(arena, 1, NULL, places);
    for (uint64_t seed = 2; seed < 8; seed++) {
        ap_arena_reset(arena);
        round_of_requests(arena, seed, NULL, again);
    }
    ap_arena_reset(arena);
    round_of_requests(arena, 1, NULL, again);
    assert_memory_equal(again, places, sizeof places);
    ap_arena_free(arena);
}

/* Memory that others take from the system, and some of which they give back. */
static void disturb(void)
{
    enum { KEPT = 8 };
    static block kept[KEPT];
    static size_t calls;
    block *b = &kept[calls++ % KEPT];
    if (b->at) munmap(b->at, b->bytes);
    *b = (block){.bytes = (1 + calls % 5) * MEBIBYTE};
    b->at = mmap(NULL, b->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(b->at, MAP_FAILED);
}

static void the_same_requests_hold_the_same_memory(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        ap_arena *alone = ap_arena_create(), *among_others = ap_arena_create();
        ptrdiff_t places[REQUESTS], again[REQUESTS];
        round_of_requests(alone, seed, NULL, places);
        round_of_requests(among_others, seed, disturb, again);
        assert_memory_equal(again, places, sizeof places);
        assert_int_equal(ap_arena_held(among_others), ap_arena_held(alone));
        assert_int_equal(ap_arena_growths(among_others), ap_arena_growths(alone));
        ap_arena_free(alone);
        ap_arena_free(among_others);
    }
}

/* ---------------------------------------------------------------- limits */

static void memory_exhausted_is_one_line(void **state)
{
    (void)state;
    const size_t sizes[] = {SIZE_MAX, SIZE_MAX / 2 + 1, SIZE_MAX / 2, SIZE_MAX / 8};
    ap_arena *arena = ap_arena_create();
    for (volatile int i = 0; i < 4; i++) {
        assert_fatal(ap_arena_alloc(arena, sizes[i]));
        assert_non_null(strstr(fatal_said, "out of memory"));
        assert_null(strchr(fatal_said, '\n'));
    }
    assert_non_null(ap_arena_alloc(arena, MEBIBYTE)); /* it still serves */
    ap_arena_free(arena);
}

static void a_block_of_another_arena_is_refused(void **state)
{
    (void)state;
    ap_arena *arena = ap_arena_create(), *other = ap_arena_create();
    void *block_of_other = ap_arena_alloc(other, MEBIBYTE);
    ap_arena_alloc(arena, MEBIBYTE);
    assert_fatal(ap_arena_recycle(arena, block_of_other, MEBIBYTE));
    assert_non_null(strstr(fatal_said, "recycled"));
    ap_arena_free(arena);
    ap_arena_free(other);
}

/* The addresses that the process has now. */
static size_t addresses_used(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file) return 0;
    int read = fscanf(file, "%lu", &pages);
    fclose(file);
    return read == 1 ? pages * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

/* as under `ulimit -v`: less is reserved at a time, and all else holds */
static void few_addresses_are_enough(void **state)
{
    (void)state;
    size_t used = addresses_used();
    if (used == 0) skip();
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    struct rlimit narrow = {.rlim_cur = used + 512 * MEBIBYTE, .rlim_max = before.rlim_max};
    ap_arena *arena = ap_arena_create();
    assert_int_equal(setrlimit(RLIMIT_AS, &narrow), 0);

    ap_arena_alloc(arena, 100 * MEBIBYTE); /* more than is reserved at a time */
    ap_arena_reset(arena);
    round_of_requests(arena, 3, NULL, NULL);
    size_t growths = ap_arena_growths(arena), held = ap_arena_held(arena);
    for (int i = 0; i < 3; i++) {
        ap_arena_reset(arena);
        round_of_requests(arena, 3, NULL, NULL);
    }
    size_t growths_after = ap_arena_growths(arena), held_after = ap_arena_held(arena);
    assert_fatal(ap_arena_alloc(arena, 512 * MEBIBYTE));

    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(growths_after, growths);
    assert_int_equal(held_after, held);
    assert_non_null(strstr(fatal_said, "out of memory"));
    ap_arena_free(arena);
}

int main(void)
{
    /* most tests are about where blocks are, and have them change hands by the gigabyte */
    setenv("AP_POISON", "0", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned_and_do_not_overlap),
        cmocka_unit_test(a_block_of_the_same_size_comes_again),
        cmocka_unit_test(recycled_neighbours_are_joined),
        cmocka_unit_test(the_tightest_room_is_taken),
        cmocka_unit_test(small_blocks_leave_the_room_of_large_ones_whole),
        cmocka_unit_test(poisoned_blocks_are_not_numbers),
        cmocka_unit_test(nothing_is_asked_for_after_the_first_round),
        cmocka_unit_test(other_rounds_leave_no_trace),
        cmocka_unit_test(the_same_requests_hold_the_same_memory),
        cmocka_unit_test(memory_exhausted_is_one_line),
        cmocka_unit_test(a_block_of_another_arena_is_refused),
        cmocka_unit_test(few_addresses_are_enough),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
