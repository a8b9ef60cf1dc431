/* Where the threads of a rank run. */
#ifndef ANTIPHON_RANKS_PLACE_H
#define ANTIPHON_RANKS_PLACE_H

#include <sched.h>
#include <stdbool.h>

/* What a rank tells the others of its machine. */
typedef struct ap_place {
    char host[64];
    cpu_set_t processors; /* where the launcher lets it run */
} ap_place;

/* What was chosen for a rank. */
typedef struct ap_share {
    int ranks;      /* how many there are on its host */
    int granted;    /* processors of the host that they may use in all */
    int threads;    /* of this rank */
    bool bound;     /* to as many processors as it has threads, which are no other rank's */
    bool unchanged; /* the launcher has bound the ranks, each to processors of its own */
} ap_share;

/* Where this process may run. What a launcher has bound unasked is undone first. */
ap_place ap_place_here(void);

/* Chooses, binds this thread and all that it will start, and sets the number of OpenMP threads.
 * OMP_NUM_THREADS, if set, says how many. */
ap_share ap_place_settle(int rank, int count, const ap_place *places);

#endif
