/** @file ranks.h
 * Training by several processes, the ranks, on one machine or many, which an MPI launcher has started
 * (mpirun, srun). Each has a part of every batch; together they do what one process does with the whole
 * batch.
 */
#ifndef ANTIPHON_RANKS_H
#define ANTIPHON_RANKS_H

#include "antiphon/api.h"
#include "antiphon/status.h"

AP_API_BEGIN

/** Joins the ranks, to be called before a trainer is created. Where the process was started alone, as one of
 * one, or without a launcher, it does nothing and no MPI is needed. Otherwise it loads the module for the
 * launcher's MPI library, sees that all ranks run the same build, and divides the processors of each machine
 * among its ranks: the threads of this process are then bound to its share, unless launcher or user have said
 * otherwise. A rank that cannot join is named.
 *
 * From then on a rank that gives no sign of life for ANTIPHON_RANK_TIMEOUT seconds (an environment variable;
 * 60) ends the job with a line that names it. */
ap_status ap_ranks_begin(void);

/** Leaves the ranks once all of them have come here, and returns the status, or that of a rank that failed.
 * Does nothing if there is but one. */
ap_status ap_ranks_end(ap_status status);

/** Which rank this is, from 0, and how many there are: 0 and 1 before ap_ranks_begin. */
int ap_ranks_own(void);
int ap_ranks_count(void);

/** What was chosen: hosts, threads, processors. One line; empty if there is but one rank. Borrowed. */
const char *ap_ranks_line(void);

AP_API_END

#endif
