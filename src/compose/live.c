#include "compose/live.h"

#include "base/bounds.h"
#include "base/memory.h"
#include "base/thread.h"
#include "kernels/denormals.h"

#include <errno.h>
#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* A ring holds this many hops: more than can be waiting, unless composing takes longer than playing. */
#define HOPS 8

/* A queue of samples from one thread to another, without locks: each counts what it has moved, and the other
 * reads that. */
typedef struct ring {
    float *samples; /* [size] */
    int64_t size;
    atomic_llong written, read;
} ring;

static ring ring_of(int64_t size)
{
    return (ring){.samples = ap_allocate((size_t)size, sizeof(float)), .size = size};
}

/* Samples that can be read. */
static int64_t filled(ring *r)
{
    return atomic_load_explicit(&r->written, memory_order_acquire) -
           atomic_load_explicit(&r->read, memory_order_acquire);
}

/* The part of a ring from sample `at` on that is in one piece, at most n samples. */
static int64_t piece(const ring *r, int64_t at, int64_t n)
{
    return ap_least(n, r->size - at % r->size);
}

/* Writes n samples, for which there must be room. */
static void put(ring *r, int64_t n, const float *x)
{
    const int64_t at = atomic_load_explicit(&r->written, memory_order_relaxed), first = piece(r, at, n);
    memcpy(r->samples + at % r->size, x, (size_t)first * sizeof *x);
    memcpy(r->samples, x + first, (size_t)(n - first) * sizeof *x);
    atomic_store_explicit(&r->written, at + n, memory_order_release);
}

/* Reads n samples, which must be there. */
static void take(ring *r, int64_t n, float *x)
{
    const int64_t at = atomic_load_explicit(&r->read, memory_order_relaxed), first = piece(r, at, n);
    memcpy(x, r->samples + at % r->size, (size_t)first * sizeof *x);
    memcpy(x + first, r->samples, (size_t)(n - first) * sizeof *x);
    atomic_store_explicit(&r->read, at + n, memory_order_release);
}

static void drop(ring *r, int64_t n)
{
    atomic_fetch_add_explicit(&r->read, n, memory_order_release);
}

struct ap_live {
    ap_live_plan plan;
    int64_t lead; /* samples of silence before the first answer */
    ring heard[2], answer;
    float *hops[3]; /* of the thread that composes: input, target, answer */
    int64_t owed;   /* samples that were silence, and whose answers are still to come: these are late */
    atomic_llong missed, composed;
    sem_t news; /* posted when samples have come, or the end */
    atomic_bool over;
    pthread_t thread;
};

/* ---------------------------------------------------------------- the thread that composes */

static void compose_hop(ap_live *l)
{
    for (int k = 0; k < 2; k++) take(&l->heard[k], l->plan.hop, l->hops[k]);
    l->plan.compose(l->plan.context, l->hops[0], l->hops[1], l->hops[2]);
    put(&l->answer, l->plan.hop, l->hops[2]);
    atomic_fetch_add(&l->composed, l->plan.hop);
}

/* A hop takes few milliseconds: threads would wait for each other longer than they help. */
static void *composing(void *context)
{
    ap_live *l = context;
    omp_set_num_threads(1);
    if (l->plan.priority > 0) /* where that is forbidden, it stays a usual one */
        pthread_setschedparam(pthread_self(), SCHED_FIFO,
                              &(struct sched_param){.sched_priority = l->plan.priority});
    bool flushed = ap_denormals_flush();
    while (!atomic_load(&l->over)) {
        while (sem_wait(&l->news) && errno == EINTR) continue;
        while (!atomic_load(&l->over) && filled(&l->heard[1]) >= l->plan.hop) compose_hop(l);
    }
    ap_denormals_restore(flushed);
    return NULL;
}

ap_status ap_live_start(const ap_live_plan *plan, ap_live **live)
{
    ap_live *l = *live = ap_allocate(1, sizeof *l);
    l->plan = *plan;
    /* a hop has to be complete, and that may be seen a period late */
    l->lead = plan->hop + plan->period + plan->margin;
    const int64_t size = HOPS * plan->hop + 2 * l->lead;
    for (int k = 0; k < 2; k++) l->heard[k] = ring_of(size);
    l->answer = ring_of(2 * size); /* all that has been heard, and the lead */
    for (int k = 0; k < 3; k++) l->hops[k] = ap_allocate((size_t)plan->hop, sizeof(float));
    atomic_store(&l->answer.written, l->lead); /* of zeros */
    sem_init(&l->news, 0, 0);
    int failure = ap_thread_start(&l->thread, composing, l);
    if (!failure) return ap_ok();
    atomic_store(&l->over, true);
    ap_live_stop(l);
    *live = NULL;
    return ap_error(AP_FAILED, "a thread cannot be started: %s", strerror(failure));
}

void ap_live_stop(ap_live *l)
{
    if (!l) return;
    if (!atomic_exchange(&l->over, true)) {
        sem_post(&l->news);
        pthread_join(l->thread, NULL);
    }
    sem_destroy(&l->news);
    for (int k = 0; k < 2; k++) free(l->heard[k].samples);
    for (int k = 0; k < 3; k++) free(l->hops[k]);
    free(l->answer.samples);
    free(l);
}

/* ---------------------------------------------------------------- the thread that may not wait */

/* What does not fit is lost, and its answer will not come. */
static void listen_to(ap_live *l, int64_t n, const float *input, const float *target)
{
    int64_t room = l->heard[0].size - filled(&l->heard[0]), fits = ap_least(n, room);
    put(&l->heard[0], fits, input);
    put(&l->heard[1], fits, target); /* last: the other thread looks here */
    l->owed -= n - fits;
    sem_post(&l->news);
}

static void answer(ap_live *l, int64_t n, float *output)
{
    int64_t late = ap_most(0, ap_least(l->owed, filled(&l->answer)));
    drop(&l->answer, late);
    int64_t ready = ap_least(n, filled(&l->answer)), missing = n - ready;
    take(&l->answer, ready, output);
    memset(output + ready, 0, (size_t)missing * sizeof *output);
    l->owed += missing - late;
    atomic_fetch_add(&l->missed, missing);
}

void ap_live_exchange(ap_live *l, int64_t n, const float *input, const float *target, float *output)
{
    listen_to(l, n, input, target);
    answer(l, n, output);
}

int64_t ap_live_delay(const ap_live *l)
{
    return l->lead + l->plan.behind;
}

int64_t ap_live_missed(const ap_live *l)
{
    return atomic_load(&l->missed);
}

int64_t ap_live_waiting(const ap_live *l)
{
    return atomic_load(&l->heard[1].written) - atomic_load(&l->composed);
}
