/* What all ranks do together. Every rank calls the same functions in the same order. With one rank nothing
 * happens. */
#ifndef ANTIPHON_RANKS_COLLECT_H
#define ANTIPHON_RANKS_COLLECT_H

#include "antiphon/ranks.h"
#include "ranks/progress.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Replaces x [n] by its sum over all ranks, the same bits on each. */
void ap_ranks_sum(int64_t n, double *x);

/* Whether it holds on any rank. */
bool ap_ranks_any(bool here);

/* Copies a block from rank 0 to all. */
void ap_ranks_broadcast(size_t bytes, void *data);

/* Whether a number is the same on every rank. */
bool ap_ranks_same(uint64_t number);

/* The failure of the lowest rank that has one, with its name before it; if all have failed alike, that of
 * rank 0. On other ranks than 0 the message is empty, so that it is printed once. */
ap_status ap_ranks_agree(ap_status status);

/* For a failure of this rank that the others know nothing of and do not wait for: if ap_ranks_agree has not
 * returned it, prints it and ends all ranks. Otherwise returns the status. */
ap_status ap_ranks_confirm(ap_status status);

/* "rank 2 (node07, process 1234)". Borrowed. */
const char *ap_ranks_name(int rank);

#endif
