/* Copies data that is not read again soon past the caches, so that the overwritten lines need not be loaded
 * first. */
#ifndef ANTIPHON_KERNELS_STREAM_H
#define ANTIPHON_KERNELS_STREAM_H

#include "antiphon/real.h"

#include <stdint.h>

/* to[i] = from[i], i < n: part of an array of `whole` numbers. If the array fits a cache, this is an
 * ordinary copy. */
void ap_stream(int64_t whole, int64_t n, const ap_real *from, ap_real *to);

/* To be called after the last copy, before another thread is told of it. */
void ap_stream_end(void);

#endif
