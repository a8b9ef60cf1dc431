/* How far the learning rate's cosine has come, also where a run goes on with other settings. */
#ifndef ANTIPHON_TRAIN_SCHEDULE_H
#define ANTIPHON_TRAIN_SCHEDULE_H

#include "antiphon/checkpoint.h"

/* How many items an epoch has over a training set of `windows`: the whole set once, or what
 * train.steps_per_epoch asks for, be it less or more; and how many steps that many items are. */
int64_t ap_schedule_items(const ap_config *config, int64_t windows);
int64_t ap_schedule_steps(const ap_config *config, int64_t items);

/* The steps that are left to take, over a training set of `windows`. */
int64_t ap_schedule_steps_left(const ap_config *config, const ap_progress *progress, int64_t windows);

/* Plans the schedule of a run from its first step on; `steps`: how many it will take. */
void ap_schedule_begin(ap_progress *progress, int64_t steps);

/* The share of its way, 0 to 1, that the cosine has behind it at optimiser step `step`, which is not before
 * progress->share_step. It moves in equal parts a step from share_step (or the end of the warm-up, if that is
 * later) to the planned end. A constant schedule does not move along the way. */
double ap_schedule_share(const ap_config *config, const ap_progress *progress, int64_t step);

/* The plan of a checkpoint that says nothing of it, as those of before did not: the run went by `before` from
 * its beginning. `windows` are those of a training set which is taken for the same where nothing else tells.
 */
void ap_schedule_recover(const ap_config *before, int64_t windows, ap_progress *progress);

/* Plans anew where a run goes on: with the settings `before`, it came to where `progress` is; by `config`
 * there are `steps_left` to take. With the same plan nothing changes, and the rates are those of a run that
 * was not interrupted. With another the cosine keeps its share of the way, and the rest of the way is spread
 * over the steps left. A cosine that had come to its end stays there, unless train.lr is another than before:
 * then a new one begins. Gives a line that tells what becomes of a cosine, to be freed, or NULL where there
 * is nothing to tell. */
char *ap_schedule_resume(const ap_config *before, const ap_config *config, int64_t steps_left,
                         ap_progress *progress);

#endif
