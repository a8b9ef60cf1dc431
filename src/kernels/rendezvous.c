#include "kernels/rendezvous.h"

/* About twenty microseconds. */
#define SPINS 1000

void ap_rendezvous_init(ap_rendezvous *r, int threads)
{
    r->threads = threads;
    atomic_init(&r->arrived, 0);
    atomic_init(&r->meeting, 0);
    pthread_mutex_init(&r->mutex, NULL);
    pthread_cond_init(&r->over, NULL);
}

void ap_rendezvous_free(ap_rendezvous *r)
{
    pthread_mutex_destroy(&r->mutex);
    pthread_cond_destroy(&r->over);
}

static void pause_briefly(void)
{
#ifdef __SSE2__
    __builtin_ia32_pause();
#endif
}

void ap_rendezvous_wait(ap_rendezvous *r)
{
    unsigned meeting = atomic_load(&r->meeting);
    if (atomic_fetch_add(&r->arrived, 1) == r->threads - 1) {
        /* under the mutex, so that no thread falls asleep between checking and being woken */
        pthread_mutex_lock(&r->mutex);
        atomic_store(&r->arrived, 0);
        atomic_store(&r->meeting, meeting + 1);
        pthread_cond_broadcast(&r->over);
        pthread_mutex_unlock(&r->mutex);
        return;
    }
    for (int spin = 0; spin < SPINS; spin++) {
        if (atomic_load(&r->meeting) != meeting) return;
        pause_briefly();
    }
    pthread_mutex_lock(&r->mutex);
    while (atomic_load(&r->meeting) == meeting) pthread_cond_wait(&r->over, &r->mutex);
    pthread_mutex_unlock(&r->mutex);
}
