#include "kernels/flops.h"

#include <stdatomic.h>

static _Atomic int64_t added;

void ap_flops_add(int64_t count)
{
    atomic_fetch_add_explicit(&added, count, memory_order_relaxed);
}

int64_t ap_flops_taken(void)
{
    return atomic_exchange_explicit(&added, 0, memory_order_relaxed);
}
