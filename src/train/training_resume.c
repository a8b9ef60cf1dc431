#include "train/training_resume.h"

#include "base/memory.h"
#include "train/notes.h"
#include "train/precision.h"
#include "train/order.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void ap_training_forget_best(ap_trainer *trainer, const char *why)
{
    ap_observer_note(&trainer->observer, "%s: the best epoch is judged anew", why);
    trainer->progress.has_best = false;
    trainer->progress.stale = 0;
}

/* Whether a key determines the validation loss or its data. */
static bool says_what_is_best(const char *name)
{
    return strncmp(name, "loss.", 5) == 0 || strcmp(name, "data.path") == 0 ||
           strcmp(name, "data.seconds") == 0 || strcmp(name, "data.unity_test") == 0;
}

/* Why the order of the current epoch differs from the one that was begun; NULL: it does not. An older
 * checkpoint does not store its set, only the path. */
static char *why_another_order(const ap_trainer *trainer, const ap_config *before)
{
    const ap_config *now = &trainer->config;
    uint64_t set = trainer->progress.set;
    const char *key = ap_order_key_changed(before, now);
    if (set && set != trainer->set) return ap_copy_text("the training set");
    if (!set && strcmp(before->data.path, now->data.path) != 0) key = "data.path";
    if (!set && before->data.seconds != now->data.seconds) key = "data.seconds";
    return key ? ap_copy_text(key) : NULL;
}

/* Continues the current epoch with the item after the last one done, so that none is repeated or left out.
 * If that is impossible, tells so. */
static void go_on_in_epoch(ap_trainer *trainer, const ap_config *before)
{
    ap_progress *p = &trainer->progress;
    char *why = why_another_order(trainer, before);
    int64_t items = ap_training_items(trainer);
    if (why && p->items > 0) {
        ap_observer_note(&trainer->observer,
                         "%s has changed: epoch %" PRId64 ", with %" PRId64 " item%s done, starts again", why,
                         p->epoch + 1, p->items, p->items == 1 ? "" : "s");
        p->items = p->counted = 0;
        p->sums = (ap_measures){0};
    } else if (p->items > items)
        ap_observer_note(&trainer->observer,
                         "epoch %" PRId64 " has %" PRId64 " items done, and an epoch has only %" PRId64
                         " now: it ends here",
                         p->epoch + 1, p->items, items);
    free(why);
}

/* Adjusts the progress to settings that differ from `before`. */
static void go_on(ap_trainer *trainer, const ap_config *before)
{
    ap_progress *p = &trainer->progress;
    if (p->steps == 0) ap_schedule_recover(before, trainer->train.windows, p);
    bool done = ap_training_done(trainer);
    if (!done) go_on_in_epoch(trainer, before);
    p->set = trainer->set;
    char *line = ap_schedule_resume(before, &trainer->config, ap_training_steps_left(trainer), p);
    if (line && !done) ap_observer_note(&trainer->observer, "%s", line);
    free(line);
}

ap_status ap_training_resume(ap_trainer *trainer, const char *checkpoint)
{
    ap_config before;
    AP_TRY(ap_checkpoint_config(checkpoint, &before));
    AP_TRY(ap_checkpoint_resume(checkpoint, trainer->model, &trainer->optimiser, &trainer->progress));
    *ap_tape_rng(trainer->tape) = trainer->progress.rng;
    for (size_t i = 0; trainer->progress.has_best && i < ap_config_count(); i++) {
        char was[AP_CONFIG_TEXT], is[AP_CONFIG_TEXT];
        ap_config_value(&before, i, was);
        ap_config_value(&trainer->config, i, is);
        if (strcmp(was, is) == 0 || !says_what_is_best(ap_config_name(i))) continue;
        char *why = ap_format_text("%s has changed", ap_config_name(i));
        ap_training_forget_best(trainer, why);
        free(why);
    }
    ap_precision_compare(&before, &trainer->config, &trainer->observer);
    go_on(trainer, &before);
    return ap_ok();
}
