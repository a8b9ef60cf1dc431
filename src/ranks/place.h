/* Where the threads of a rank run. */
#ifndef ANTIPHON_RANKS_PLACE_H
#define ANTIPHON_RANKS_PLACE_H

#include <sched.h>
#include <stdbool.h>

/* What a rank tells the others of its machine. */
typedef struct ap_rank_place {
    char host[64];
    cpu_set_t processors; /* where the launcher lets it run */
} ap_rank_place;

/* What was chosen for a rank. */
typedef struct ap_share {
    int ranks;      /* how many there are on its host */
    int granted;    /* processors of the host that they may use in all */
    int threads;    /* of this rank */
    bool bound;     /* to as many processors as it has threads, which are no other rank's */
    bool unchanged; /* the launcher has bound the ranks, each to processors of its own */
} ap_share;

/* Lets this process run on all processors that it is granted if the launcher has bound it unasked. Otherwise
 * does nothing. */
void ap_place_unbind(void);

/* Where this process may run, once it is unbound. */
ap_rank_place ap_place_here(void);

/* Chooses, binds this thread and all that it will start, and sets the number of OpenMP threads.
 * OMP_NUM_THREADS, if set, says how many. */
ap_share ap_place_settle(int rank, int count, const ap_rank_place *places);

#endif
