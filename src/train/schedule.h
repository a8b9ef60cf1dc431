/* Tracks the position of the learning rate's cosine, also when a run is resumed with other settings. */
#ifndef ANTIPHON_TRAIN_SCHEDULE_H
#define ANTIPHON_TRAIN_SCHEDULE_H

#include "antiphon/checkpoint.h"

/* The number of items in an epoch over a training set of `windows`: the whole set once, or what
 * train.steps_per_epoch asks for, be it less or more; and the number of steps for that many items. */
int64_t ap_schedule_items(const ap_config *config, int64_t windows);
int64_t ap_schedule_steps(const ap_config *config, int64_t items);

/* The number of steps left, for a training set of `windows`. */
int64_t ap_schedule_steps_left(const ap_config *config, const ap_progress *progress, int64_t windows);

/* Plans the schedule of a new run of `steps` steps. */
void ap_schedule_begin(ap_progress *progress, int64_t steps);

/* The share of the cosine, 0 to 1, that is done at optimiser step `step`, which is not before
 * progress->share_step. It grows by equal amounts per step from share_step (or the end of the warm-up, if
 * that is later) to the planned end. A constant schedule does not change it. */
double ap_schedule_share(const ap_config *config, const ap_progress *progress, int64_t step);

/* Reconstructs the plan of an older checkpoint, which does not store it: the run used `before` from its
 * beginning. `windows` is the size of the training set, assumed not to have changed unless something else
 * tells. */
void ap_schedule_recover(const ap_config *before, int64_t windows, ap_progress *progress);

/* Plans the schedule of a resumed run, which reached `progress` with the settings `before` and has
 * `steps_left` with `config`. If the plan is the same, nothing changes, and the rates are those of a run
 * that was never interrupted. Otherwise the cosine keeps the share that is done, and the rest is spread over
 * the steps left. A cosine that has ended stays at its end unless train.lr changes: then a new one begins.
 * Returns a message about the change, to be freed, or NULL. */
char *ap_schedule_resume(const ap_config *before, const ap_config *config, int64_t steps_left,
                         ap_progress *progress);

#endif
