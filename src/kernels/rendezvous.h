/* A meeting point of the threads of a parallel region, for loops that meet thousands of times.
 *
 * OpenMP's own barrier spins for milliseconds before it sleeps. Where other programs want the same cores this
 * burns the time slice in which the late thread could have been waited for asleep, and the threads end up
 * running in turns, one meeting a slice. This one spins for about as long as threads of equal work differ,
 * then sleeps. */
#ifndef ANTIPHON_KERNELS_RENDEZVOUS_H
#define ANTIPHON_KERNELS_RENDEZVOUS_H

#include <pthread.h>
#include <stdatomic.h>

typedef struct ap_rendezvous {
    int threads;
    atomic_int arrived;
    atomic_uint meeting; /* how many have taken place */
    pthread_mutex_t mutex;
    pthread_cond_t over;
} ap_rendezvous;

/* For `threads` threads, in memory of the caller's. */
void ap_rendezvous_init(ap_rendezvous *r, int threads);

/* Returns when all threads have called it. What they wrote before can be read afterwards. */
void ap_rendezvous_wait(ap_rendezvous *r);

/* When no thread waits any more. */
void ap_rendezvous_free(ap_rendezvous *r);

#endif
