/* Copies of what will not be read again before it has left the caches: past them, so that the lines that are
 * overwritten need not be fetched first. */
#ifndef ANTIPHON_KERNELS_STREAM_H
#define ANTIPHON_KERNELS_STREAM_H

#include "antiphon/real.h"

#include <stdint.h>

/* to[i] = from[i], i < n: a part of an array of `whole` numbers. One that a cache may hold is copied as any
 * other. */
void ap_stream(int64_t whole, int64_t n, const ap_real *from, ap_real *to);

/* After the last copy and before another thread is told of it. */
void ap_stream_end(void);

#endif
