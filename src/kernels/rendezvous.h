/* A barrier for the threads of a parallel region, for loops that synchronise thousands of times.
 *
 * OpenMP's own barrier spins for milliseconds before it sleeps. If other programs use the same cores, this
 * wastes the time slice that the late thread needs, and the threads end up taking turns, one barrier per
 * time slice. This barrier spins for about as long as threads with equal work differ, then sleeps. */
#ifndef ANTIPHON_KERNELS_RENDEZVOUS_H
#define ANTIPHON_KERNELS_RENDEZVOUS_H

#include <pthread.h>
#include <stdatomic.h>

typedef struct ap_rendezvous {
    int threads;
    atomic_int arrived;
    atomic_uint meeting; /* number of completed barriers */
    pthread_mutex_t mutex;
    pthread_cond_t over;
} ap_rendezvous;

/* Initialises a barrier for `threads` threads, in the caller's memory. */
void ap_rendezvous_init(ap_rendezvous *r, int threads);

/* Returns once all threads have called it. What they wrote before is visible afterwards. */
void ap_rendezvous_wait(ap_rendezvous *r);

/* To be called when no thread is waiting. */
void ap_rendezvous_free(ap_rendezvous *r);

#endif
