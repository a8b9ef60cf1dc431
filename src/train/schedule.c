#include "train/schedule.h"

#include "antiphon/trainer.h"
#include "base/bounds.h"
#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>

double ap_learning_rate(const ap_config *config, int64_t step, double share)
{
    double rate = config->train.lr, low = config->train.min_lr;
    int64_t warmup = config->train.warmup_steps;
    if (config->train.schedule == AP_SCHEDULE_COSINE && share > 0)
        rate = low + (rate - low) * 0.5 * (1 + cos(M_PI * share));
    return step < warmup ? rate * (double)(step + 1) / (double)warmup : rate;
}

int64_t ap_schedule_items(const ap_config *config, int64_t windows)
{
    int64_t steps = config->train.steps_per_epoch;
    return steps == 0 ? windows : steps * config->train.accumulate * config->train.batch_size;
}

int64_t ap_schedule_steps(const ap_config *config, int64_t items)
{
    return ap_divide_up(items, (int64_t)config->train.accumulate * config->train.batch_size);
}

int64_t ap_schedule_steps_left(const ap_config *config, const ap_progress *p, int64_t windows)
{
    int64_t items = ap_schedule_items(config, windows), after = config->train.epochs - p->epoch - 1;
    if (after < 0) return 0;
    return ap_schedule_steps(config, ap_most(items - p->items, 0)) + after * ap_schedule_steps(config, items);
}

void ap_schedule_begin(ap_progress *progress, int64_t steps)
{
    progress->share = 0;
    progress->share_step = 0;
    progress->steps = steps;
}

double ap_schedule_share(const ap_config *config, const ap_progress *progress, int64_t step)
{
    int64_t from = ap_most(progress->share_step, config->train.warmup_steps), to = progress->steps;
    if (config->train.schedule == AP_SCHEDULE_CONSTANT || step <= from) return progress->share;
    double part = to > from ? fmin(1, (double)(step - from) / (double)(to - from)) : 0;
    return progress->share + (1 - progress->share) * part;
}

void ap_schedule_recover(const ap_config *before, int64_t windows, ap_progress *p)
{
    int64_t whole = ap_schedule_steps(before, ap_schedule_items(before, windows));
    if (p->epoch > 0) whole = (p->step - ap_schedule_steps(before, p->items)) / p->epoch;
    ap_schedule_begin(p, before->train.epochs * whole);
}

/* The message for a cosine whose number of steps left has changed. */
static char *tell_way(const ap_config *config, const ap_progress *p, int64_t steps_left)
{
    return ap_format_text("train.schedule: %.1f %% of the cosine is done; the rest is spread over the "
                          "%" PRId64 " step%s left: the learning rate continues from %.3g",
                          100 * p->share, steps_left, ap_plural(steps_left),
                          ap_learning_rate(config, p->step, p->share));
}

char *ap_schedule_resume(const ap_config *before, const ap_config *config, int64_t steps_left, ap_progress *p)
{
    const double share = ap_schedule_share(before, p, p->step);
    bool cosine = config->train.schedule == AP_SCHEDULE_COSINE && steps_left > 0;
    bool again = cosine && share >= 1 && config->train.lr != before->train.lr;
    bool longer = p->step + steps_left != p->steps;
    bool other = before->train.schedule != config->train.schedule ||
                 before->train.warmup_steps != config->train.warmup_steps;
    if (longer || other || again) {
        p->share = again ? 0 : share;
        p->share_step = p->step;
        p->steps = p->step + steps_left;
    }
    if (!cosine) return NULL;
    if (again)
        return ap_format_text("train.schedule: the cosine had ended; because train.lr has changed, a new one "
                              "begins at %.3g",
                              ap_learning_rate(config, p->step, 0));
    if (share < 1) return longer && share > 0 ? tell_way(config, p, steps_left) : NULL;
    return ap_format_text("train.schedule: the cosine has ended: the learning rate stays at train.min_lr = "
                          "%g%s; to begin a new cosine, change train.lr",
                          config->train.min_lr, config->train.min_lr == 0 ? ", so nothing is learned" : "");
}
