/* Gives the batches of a training one after the other. Those of a set that is not in memory are read ahead of
 * the step, by a thread of their own. */
#ifndef ANTIPHON_TRAIN_FEED_H
#define ANTIPHON_TRAIN_FEED_H

#include "train/batch.h"

#include <signal.h>

typedef struct ap_feed ap_feed;

/* Which items of an epoch a batch has. */
typedef struct ap_span {
    int64_t epoch, at, count;
} ap_span;

/* A feed for batches of up to train.batch_size items. The set is borrowed and must outlive it. */
ap_feed *ap_feed_create(const ap_config *config, const ap_dataset *set);

/* Stops reading, after the batch that is being read. NULL is allowed. */
void ap_feed_free(ap_feed *feed);

/* Draws the items of a span. */
void ap_feed_draw(const ap_feed *feed, ap_span span, ap_choice *choices);

/* The batch of a span, filled: of several ranks each has a part of it (ap_together_rows). It stays as it is
 * until the next call. If it is not the one that follows the last, a step begins with it, and reading goes on
 * from there. A file that cannot be read is a failure that names it; AP_INTERRUPTED if *stop (NULL: never)
 * becomes nonzero meanwhile. *waited grows by the seconds until it was read; it stays as it is for a set in
 * memory. */
ap_status ap_feed_take(ap_feed *feed, ap_span span, const volatile sig_atomic_t *stop, const ap_batch **batch,
                       double *waited);

#endif
