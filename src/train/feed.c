#include "train/feed.h"

#include "base/clock.h"
#include "base/bounds.h"
#include "base/memory.h"
#include "base/thread.h"
#include "kernels/denormals.h"
#include "ranks/collect.h"
#include "train/order.h"
#include "train/schedule.h"
#include "train/together.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* One batch is in the step's hands while up to three more are read. */
#define SLOTS 4

typedef struct slot {
    ap_batch batch;
    ap_span span;
    ap_status status; /* of reading it */
} slot;

struct ap_feed {
    ap_config config;
    const ap_dataset *set;
    ap_choice *choices;
    slot slots[SLOTS]; /* of a set in memory, only the first is used, and nothing below */

    pthread_t reader;
    pthread_mutex_t mutex; /* of all below */
    pthread_cond_t changed;
    ap_span next;    /* what is read next; count 0: nothing */
    int64_t step;    /* the item at which its step began */
    int first, full; /* slots that are read, the first of which may be in the step's hands */
    bool taken;      /* whether it is */
    unsigned course; /* changes when reading starts elsewhere: what is being read then is not wanted */
    bool over;
};

static bool same(ap_span a, ap_span b)
{
    return a.epoch == b.epoch && a.at == b.at && a.count == b.count;
}

/* ---------------------------------------------------------------- which items */

void ap_feed_draw(const ap_feed *f, ap_span span, ap_choice *choices)
{
    uint64_t seed = ap_order_seed(&f->config, span.epoch);
    for (int64_t k = 0; k < span.count; k++)
        choices[k] = ap_order_item(&f->config, f->set, seed, span.at + k);
}

/* Draws this rank's items of a span, and returns their number. Without any it draws one, which counts for
 * nothing. */
static int64_t draw_own(ap_feed *f, ap_span span)
{
    const ap_tape_rows rows = ap_together_rows(span.count);
    span.at += rows.first;
    span.count = ap_most(rows.count, 1);
    ap_feed_draw(f, span, f->choices);
    return span.count;
}

/* The span that the trainer asks for after this one: the next batch of the step, or the first of the next
 * step, or of the next epoch; count 0 after the last. */
static ap_span span_after(ap_feed *f, ap_span span)
{
    int64_t items = ap_schedule_items(&f->config, f->set->windows), size = f->config.train.batch_size,
            most = size * f->config.train.accumulate;
    span.at += span.count;
    if (span.at >= items) {
        span.epoch++;
        span.at = 0;
    }
    if (span.at == 0 || span.at - f->step >= most) f->step = span.at;
    span.count =
        span.epoch < f->config.train.epochs ? ap_least(size, ap_least(f->step + most, items) - span.at) : 0;
    return span;
}

/* ---------------------------------------------------------------- the reader */

/* Waits for something to read and room to read it to; NULL at the end. The mutex is locked. */
static slot *wait_for_room(ap_feed *f)
{
    while (!f->over && (f->next.count == 0 || f->full == SLOTS)) pthread_cond_wait(&f->changed, &f->mutex);
    return f->over ? NULL : &f->slots[(f->first + f->full) % SLOTS];
}

static void *read_ahead(void *context)
{
    ap_feed *f = context;
    ap_denormals_flush(); /* as in the step */
    pthread_mutex_lock(&f->mutex);
    for (slot *s = wait_for_room(f); s; s = wait_for_room(f)) {
        unsigned course = f->course;
        s->span = f->next;
        pthread_mutex_unlock(&f->mutex); /* nobody else touches a slot that is not full */
        int64_t count = draw_own(f, s->span);
        s->status = ap_batch_read(&s->batch, f->set, count, f->choices);
        pthread_mutex_lock(&f->mutex);
        if (course != f->course) continue;
        f->full++;
        f->next = ap_failed(&s->status) ? (ap_span){.count = 0} : span_after(f, s->span);
        pthread_cond_broadcast(&f->changed);
    }
    pthread_mutex_unlock(&f->mutex);
    return NULL;
}

static void start_reader(ap_feed *f)
{
    if (ap_thread_start(&f->reader, read_ahead, f)) ap_fatal("the thread that reads ahead cannot be started");
}

ap_feed *ap_feed_create(const ap_config *config, const ap_dataset *set)
{
    ap_feed *f = ap_allocate(1, sizeof *f);
    int64_t capacity = ap_divide_up(config->train.batch_size, ap_ranks_count());
    pthread_condattr_t clock;
    f->config = *config;
    f->set = set;
    f->choices = ap_allocate((size_t)capacity, sizeof *f->choices);
    for (int k = 0; k < (set->held ? 1 : SLOTS); k++) f->slots[k].batch = ap_batch_init(set, capacity);
    if (set->held) return f;
    pthread_mutex_init(&f->mutex, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&f->changed, &clock);
    pthread_condattr_destroy(&clock);
    start_reader(f);
    return f;
}

static void stop_reader(ap_feed *f)
{
    pthread_mutex_lock(&f->mutex);
    f->over = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->mutex);
    pthread_join(f->reader, NULL);
    pthread_mutex_destroy(&f->mutex);
    pthread_cond_destroy(&f->changed);
}

void ap_feed_free(ap_feed *f)
{
    if (!f) return;
    if (!f->set->held) stop_reader(f);
    for (int k = 0; k < SLOTS; k++) ap_batch_free(&f->slots[k].batch);
    free(f->choices);
    free(f);
}

/* ---------------------------------------------------------------- the step */

/* Gives back the batch that was taken. */
static void release(ap_feed *f)
{
    if (!f->taken) return;
    f->taken = false;
    f->first = (f->first + 1) % SLOTS;
    f->full--;
    pthread_cond_broadcast(&f->changed);
}

/* Makes the reader go on with another span. */
static void read_from(ap_feed *f, ap_span span)
{
    f->next = span;
    f->step = span.at;
    f->full = 0;
    f->course++;
    pthread_cond_broadcast(&f->changed);
}

/* Whether the span is the first that is there, or is to come. */
static bool is_expected(const ap_feed *f, ap_span span)
{
    return f->full ? same(f->slots[f->first].span, span) : same(f->next, span);
}

/* Wakes up now and then to see whether it is to stop. */
static void wait_a_while(ap_feed *f)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += 50000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&f->changed, &f->mutex, &until);
}

/* Waits for the batch of a span. */
static ap_status wait_for(ap_feed *f, ap_span span, const volatile sig_atomic_t *stop, ap_batch **batch)
{
    ap_status status;
    pthread_mutex_lock(&f->mutex);
    release(f);
    if (!is_expected(f, span)) read_from(f, span);
    while (f->full == 0 && !(stop && *stop)) wait_a_while(f);
    f->taken = f->full > 0;
    *batch = &f->slots[f->first].batch;
    status = f->taken ? f->slots[f->first].status : ap_error(AP_INTERRUPTED, "interrupted");
    pthread_mutex_unlock(&f->mutex);
    return status;
}

ap_status ap_feed_take(ap_feed *f, ap_span span, const volatile sig_atomic_t *stop, const ap_batch **batch,
                       double *waited)
{
    ap_batch *own = &f->slots[0].batch;
    *batch = own;
    if (f->set->held) {
        int64_t count = draw_own(f, span);
        return ap_batch_fill(own, f->set, count, f->choices);
    }
    double began = ap_clock_seconds();
    ap_status status = wait_for(f, span, stop, &own);
    *waited += ap_clock_seconds() - began;
    if (!ap_failed(&status)) ap_batch_finish(own, f->set);
    *batch = own;
    return status;
}
