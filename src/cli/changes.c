#include "cli/changes.h"

#include "base/memory.h"
#include "base/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether a key determines what the model is, not how it is trained. */
static bool says_what_model(const char *name)
{
    static const char *const sections[] = {"codec.", "agent.", "cascade."};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        if (strncmp(name, sections[i], strlen(sections[i])) == 0) return true;
    return false;
}

bool changes_tell(const ap_config *config, const char *checkpoint, bool model_alone)
{
    bool changed = false;
    ap_config before;
    ap_status status = ap_checkpoint_config(checkpoint, &before);
    for (size_t i = 0; !ap_failed(&status) && i < ap_config_count(); i++) {
        char was[AP_CONFIG_TEXT], is[AP_CONFIG_TEXT];
        const char *name = ap_config_name(i);
        ap_config_value(&before, i, was);
        ap_config_value(config, i, is);
        if (strcmp(was, is) == 0 || (model_alone && !says_what_model(name))) continue;
        bool held = strcmp(name, "codec.weights") == 0 && before.codec.type == AP_CODEC_SEANET;
        ap_text_print_wrapped(stdout, "changed: %s was %s, is %s%s\n", name, was, is,
                              held ? ", which has no effect: the checkpoint contains the codec" : "");
        changed = true;
    }
    return changed;
}

/* Whether more epochs alone would not help: the cosine has ended, and only another train.lr begins a new one.
 */
static bool cosine_has_ended(const ap_config *now, const ap_trainer *trainer, const char *from)
{
    ap_config before;
    ap_status status = ap_checkpoint_config(from, &before);
    return !ap_failed(&status) && before.train.schedule == AP_SCHEDULE_COSINE &&
           now->train.schedule == AP_SCHEDULE_COSINE && now->train.lr == before.train.lr &&
           ap_trainer_epoch(trainer) >= before.train.epochs;
}

/* The words in parentheses are the names used by run_train_compositional.sh. */
void changes_tell_too_late(const ap_config *config, const ap_trainer *trainer, const char *from)
{
    bool early = ap_trainer_epoch(trainer) < config->train.epochs;
    char *rate =
        cosine_has_ended(config, trainer, from)
            ? ap_format_text(
                  " and change train.lr (LEARNING_RATE): the cosine has ended, and the learning rate "
                  "would stay at train.min_lr = %g",
                  config->train.min_lr)
            : ap_copy_text("");
    ap_text_print_wrapped(
        stdout,
        "the changes have no effect on the model: %s; to continue, raise %s%s; to start anew, name "
        "another --out (OUT)\n",
        early ? "training stopped early" : "all epochs are done",
        early ? "train.patience" : "train.epochs (EPOCHS)", rate);
    free(rate);
}
