#include "core/barrier.h"

/* Some twenty microseconds. */
#define SPINS 1000

void ap_barrier_init(ap_barrier *barrier, int threads)
{
    barrier->threads = threads;
    atomic_init(&barrier->arrived, 0);
    atomic_init(&barrier->meeting, 0);
    pthread_mutex_init(&barrier->mutex, NULL);
    pthread_cond_init(&barrier->over, NULL);
}

void ap_barrier_free(ap_barrier *barrier)
{
    pthread_mutex_destroy(&barrier->mutex);
    pthread_cond_destroy(&barrier->over);
}

static void pause_briefly(void)
{
#ifdef __SSE2__
    __builtin_ia32_pause();
#endif
}

void ap_barrier_wait(ap_barrier *barrier)
{
    unsigned meeting = atomic_load(&barrier->meeting);
    if (atomic_fetch_add(&barrier->arrived, 1) == barrier->threads - 1) {
        /* under the mutex, so that nobody falls asleep between looking and being woken */
        pthread_mutex_lock(&barrier->mutex);
        atomic_store(&barrier->arrived, 0);
        atomic_store(&barrier->meeting, meeting + 1);
        pthread_cond_broadcast(&barrier->over);
        pthread_mutex_unlock(&barrier->mutex);
        return;
    }
    for (int spin = 0; spin < SPINS; spin++) {
        if (atomic_load(&barrier->meeting) != meeting) return;
        pause_briefly();
    }
    pthread_mutex_lock(&barrier->mutex);
    while (atomic_load(&barrier->meeting) == meeting) pthread_cond_wait(&barrier->over, &barrier->mutex);
    pthread_mutex_unlock(&barrier->mutex);
}
