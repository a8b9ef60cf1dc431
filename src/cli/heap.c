/* Replaces malloc and its family: a request for memory that cannot be met ends the program with one line.
 * Some libraries do not check what malloc returns, others report a lack of memory as a fault of the file.
 * The functions of the C library, or of whatever was preloaded in their place, do the work. */
#include "cli/heap.h"

#include "antiphon/status.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef __SANITIZE_ADDRESS__

#define NEXT(type, name, arguments)                                                                          \
    static type(*next) arguments;                                                                            \
    if (!next) next = (type(*) arguments)(uintptr_t)dlsym(RTLD_NEXT, name)

static bool main_has_begun;

/* Before main begins libraries set themselves up, OpenBLAS with 128 MiB a thread, and nobody has said yet how
 * the program is to end. */
static void *checked(void *block, size_t bytes)
{
    if (block || bytes == 0) return block;
    if (main_has_begun) ap_fatal("out of memory: %zu bytes", bytes);
    fprintf(stderr, "antiphon: out of memory: %zu bytes, before the program has begun\n", bytes);
    _exit(EXIT_FAILURE);
}

void *malloc(size_t bytes)
{
    NEXT(void *, "malloc", (size_t));
    return checked(next(bytes), bytes);
}

void *calloc(size_t count, size_t size)
{
    NEXT(void *, "calloc", (size_t, size_t));
    return checked(next(count, size), count ? size : 0);
}

void *realloc(void *block, size_t bytes)
{
    NEXT(void *, "realloc", (void *, size_t));
    return checked(next(block, bytes), bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    NEXT(void *, "aligned_alloc", (size_t, size_t));
    return checked(next(alignment, bytes), bytes);
}

int posix_memalign(void **block, size_t alignment, size_t bytes)
{
    NEXT(int, "posix_memalign", (void **, size_t, size_t));
    int failure = next(block, alignment, bytes);
    if (failure == ENOMEM) checked(NULL, bytes);
    return failure;
}

void heap_main_begins(void)
{
    main_has_begun = true;
}

#else

void heap_main_begins(void)
{
}

#endif
