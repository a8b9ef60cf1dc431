#include "train/reducer.h"

#include "base/clock.h"
#include "base/memory.h"
#include "ranks/collect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Parts are large enough that starting one costs little beside sending it, and small enough that the last
 * one, which nothing hides, is short. */
#define PART_BYTES ((int64_t)1 << 20)

/* Successive gradients of whole parameters. */
typedef struct part {
    int64_t first, count;
    int64_t leaf; /* place on the tape of the first of their leaves, which is told last; -1: none */
    int waiting;  /* leaves that have not been told */
    ap_job job;
} part;

struct ap_reducer {
    ap_real *grads;
    int64_t total;
    ap_wire wire;
    uint16_t *narrow; /* [total], for AP_WIRE_BFLOAT16 */
    ap_tape *tape;
    part *parts, **order; /* in the order in which they are complete, on every rank the same */
    int count, next;      /* how many parts there are, and how many are under way or done */
    bool known;           /* the order of this step */
    ap_reduction last;
};

static void add_part(ap_reducer *r, int64_t first, int64_t count)
{
    r->parts = ap_reallocate(r->parts, (size_t)r->count + 1, sizeof *r->parts);
    r->parts[r->count++] = (part){.first = first, .count = count};
}

ap_reducer *ap_reducer_create(ap_params *params, ap_wire wire)
{
    if (ap_ranks_count() == 1) return NULL;
    ap_reducer *r = ap_allocate(1, sizeof *r);
    r->grads = ap_params_trained_grads(params);
    r->total = ap_params_trained_count(params);
    r->wire = wire;
    if (wire == AP_WIRE_BFLOAT16) r->narrow = ap_allocate((size_t)r->total, sizeof *r->narrow);
    int64_t most = PART_BYTES / (int64_t)sizeof(ap_real), first = 0, at = 0;
    for (size_t i = 0; i < ap_params_count(params); i++) {
        const ap_param *param = ap_params_at(params, i);
        int64_t n = param->grad ? ap_shape_count(param->value.shape) : 0;
        if (at > first && at + n - first > most) {
            add_part(r, first, at - first);
            first = at;
        }
        at += n;
    }
    if (at > first) add_part(r, first, at - first);
    r->order = ap_allocate((size_t)r->count, sizeof *r->order);
    return r;
}

void ap_reducer_free(ap_reducer *r)
{
    if (!r) return;
    free(r->parts);
    free(r->order);
    free(r->narrow);
    free(r);
}

/* ---------------------------------------------------------------- which part is complete when */

/* The part of a leaf's gradient; NULL: it is no parameter of the set. */
static part *part_of(const ap_reducer *r, const ap_var *leaf)
{
    if (!leaf->leaf || !leaf->grad || leaf->grad < r->grads || leaf->grad >= r->grads + r->total) return NULL;
    int64_t at = leaf->grad - r->grads;
    int low = 0, high = r->count - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (r->parts[middle].first <= at)
            low = middle;
        else
            high = middle - 1;
    }
    return &r->parts[low];
}

static int later_leaf_first(const void *a, const void *b)
{
    const part *p = *(part *const *)a, *q = *(part *const *)b;
    if (p->leaf != q->leaf) return p->leaf > q->leaf ? -1 : 1;
    return p->first < q->first ? -1 : p->first > q->first;
}

/* Finds the order, from the tape as it stands before backward. */
static void find_order(ap_reducer *r)
{
    for (int k = 0; k < r->count; k++) {
        r->parts[k].leaf = -1;
        r->parts[k].waiting = 0;
        r->order[k] = &r->parts[k];
    }
    for (size_t i = 0; i < ap_tape_count(r->tape); i++) {
        part *p = part_of(r, ap_tape_at(r->tape, i));
        if (!p) continue;
        if (p->leaf < 0) p->leaf = (int64_t)i;
        p->waiting++;
    }
    qsort(r->order, (size_t)r->count, sizeof *r->order, later_leaf_first);
    r->known = true;
}

/* ---------------------------------------------------------------- sums */

static uint16_t narrow(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (!isfinite(x)) return (uint16_t)(bits >> 16 | (isnan(x) ? 0x40 : 0));
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16); /* to the nearest, ties to even */
}

static float widen(uint16_t x)
{
    uint32_t bits = (uint32_t)x << 16;
    float y;
    memcpy(&y, &bits, sizeof y);
    return y;
}

static void post(ap_reducer *r, part *p)
{
    p->job = (ap_job){.kind = AP_JOB_SUM,
                      .number = sizeof(ap_real) == sizeof(float) ? AP_NUMBER_FLOAT : AP_NUMBER_DOUBLE,
                      .data = r->grads + p->first,
                      .count = p->count};
    if (r->narrow) {
        for (int64_t i = p->first; i < p->first + p->count; i++) r->narrow[i] = narrow((float)r->grads[i]);
        p->job.number = AP_NUMBER_BFLOAT;
        p->job.data = r->narrow + p->first;
    }
    ap_progress_post(&p->job);
}

/* Begins the sums of complete parts: in the order, since every rank begins them in the same one. */
static void post_complete(ap_reducer *r)
{
    while (r->next < r->count && r->order[r->next]->waiting == 0) post(r, r->order[r->next++]);
}

static void on_leaf(void *context, const ap_var *leaf)
{
    ap_reducer *r = context;
    part *p = part_of(r, leaf);
    if (!p) return;
    if (!r->known) find_order(r);
    p->waiting--;
    post_complete(r);
}

void ap_reducer_begin(ap_reducer *r, ap_tape *tape)
{
    if (!r) return;
    r->tape = tape;
    r->next = 0;
    r->known = false;
    ap_tape_leaf_done_set(tape, on_leaf, r);
}

static void measure(ap_reducer *r, double from)
{
    double until = 0, under_way = 0;
    for (int k = 0; k < r->count; k++) {
        const ap_job *job = &r->order[k]->job;
        under_way += fmax(0, job->ended - fmax(job->begun, until));
        until = fmax(until, job->ended);
    }
    r->last = (ap_reduction){.bytes = (double)r->total * (r->narrow ? sizeof *r->narrow : sizeof *r->grads),
                             .under_way = under_way,
                             .waited = fmax(0, until - from),
                             .parts = r->count};
}

void ap_reducer_end(ap_reducer *r)
{
    if (!r) return;
    double from = ap_clock_seconds();
    ap_tape_leaf_done_set(r->tape, NULL, NULL);
    if (!r->known) find_order(r);
    for (int k = 0; k < r->count; k++) r->parts[k].waiting = 0; /* where there was no backward */
    post_complete(r);
    for (int k = 0; k < r->count; k++) ap_progress_wait(&r->order[k]->job);
    for (int64_t i = 0; r->narrow && i < r->total; i++) r->grads[i] = (ap_real)widen(r->narrow[i]);
    measure(r, from);
}

ap_reduction ap_reducer_last(const ap_reducer *r)
{
    return r ? r->last : (ap_reduction){0};
}
