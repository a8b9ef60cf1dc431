/* A meeting point of the threads of a parallel region, for loops that meet thousands of times.
 *
 * OpenMP's own barrier spins for milliseconds before it sleeps. Where other programs want the same cores this burns
 * the time slice in which the late thread could have been waited for asleep, and the threads end up running in turns,
 * one meeting a slice. This one spins for about as long as threads of equal work differ, then sleeps. */
#ifndef ANTIPHON_CORE_BARRIER_H
#define ANTIPHON_CORE_BARRIER_H

#include <pthread.h>
#include <stdatomic.h>

typedef struct ap_barrier {
    int threads;
    atomic_int arrived;
    atomic_uint meeting; /* how many have taken place */
    pthread_mutex_t mutex;
    pthread_cond_t over;
} ap_barrier;

/* For `threads` threads, in memory of the caller's. */
void ap_barrier_init(ap_barrier *barrier, int threads);

/* Returns when all threads have called it. What they wrote before can be read afterwards. */
void ap_barrier_wait(ap_barrier *barrier);

/* When no thread waits any more. */
void ap_barrier_free(ap_barrier *barrier);

#endif
