/* Loaded before the C library (LD_PRELOAD), it makes allocations of a program fail, whoever asks: the
 * program, a library, stdio. They are counted from the beginning of main.
 *
 *     FAIL_ALLOCATION=N        the Nth fails
 *     COUNT_ALLOCATIONS=FILE   none does; FILE gets a line for each chain of callers that allocates: the
 * number of its first allocation, and at the end their total */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define CALLERS 16
#define CHAINS 65536

static bool armed;
static long wanted;
static atomic_long count;
static FILE *list;
static uint64_t chains[CHAINS];
static _Thread_local bool busy;

/* ---------------------------------------------------------------- counting */

static bool is_new(uint64_t chain)
{
    for (size_t k = chain % CHAINS;; k = (k + 1) % CHAINS) {
        if (chains[k] == chain) return false;
        if (chains[k]) continue;
        chains[k] = chain;
        return true;
    }
}

static void note_callers(long number)
{
    void *callers[CALLERS];
    uint64_t chain = 1;
    busy = true;
    int depth = backtrace(callers, CALLERS);
    for (int k = 2; k < depth; k++) chain = (chain ^ (uintptr_t)callers[k]) * 0x100000001b3u;
    if (is_new(chain)) fprintf(list, "%ld\n", number);
    busy = false;
}

static bool fails(void)
{
    if (!armed || busy) return false;
    long number = atomic_fetch_add(&count, 1) + 1;
    if (list) note_callers(number);
    if (number != wanted) return false;
    errno = ENOMEM;
    return true;
}

/* ---------------------------------------------------------------- what stands in for the C library's */

#define NEXT(type, name, arguments)                                                                          \
    static type(*next) arguments;                                                                            \
    if (!next) next = (type(*) arguments)(uintptr_t)dlsym(RTLD_NEXT, name)

void *malloc(size_t size)
{
    NEXT(void *, "malloc", (size_t));
    return fails() ? NULL : next(size);
}

void *calloc(size_t number, size_t size)
{
    NEXT(void *, "calloc", (size_t, size_t));
    return fails() ? NULL : next(number, size);
}

void *realloc(void *block, size_t size)
{
    NEXT(void *, "realloc", (void *, size_t));
    return fails() ? NULL : next(block, size);
}

void *reallocarray(void *block, size_t number, size_t size)
{
    NEXT(void *, "reallocarray", (void *, size_t, size_t));
    if (fails()) return NULL;
    bool before = busy;
    busy = true; /* it comes back to realloc */
    void *grown = next(block, number, size);
    busy = before;
    return grown;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    NEXT(void *, "aligned_alloc", (size_t, size_t));
    return fails() ? NULL : next(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    NEXT(int, "posix_memalign", (void **, size_t, size_t));
    return fails() ? ENOMEM : next(block, alignment, size);
}

/* ---------------------------------------------------------------- the beginning */

static int (*program)(int, char **, char **);

static int begin(int argc, char **argv, char **environment)
{
    const char *number = getenv("FAIL_ALLOCATION"), *file = getenv("COUNT_ALLOCATIONS");
    void *callers[CALLERS];
    backtrace(callers, CALLERS); /* which loads what it needs */
    wanted = number ? atol(number) : 0;
    list = file ? fopen(file, "we") : NULL;
    armed = true;
    return program(argc, argv, environment);
}

int __libc_start_main(int (*function)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*loader)(void), void *stack);

int __libc_start_main(int (*function)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*loader)(void), void *stack)
{
    NEXT(int, "__libc_start_main",
         (int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void), void (*)(void),
          void *));
    program = function;
    return next(begin, argc, argv, init, fini, loader, stack);
}

__attribute__((destructor)) static void end(void)
{
    armed = false;
    if (!list) return;
    fprintf(list, "%ld\n", (long)count);
    fclose(list);
}
