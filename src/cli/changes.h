/* What a configuration changes in a run that is resumed, or in a model that is trained on. */
#ifndef ANTIPHON_CLI_CHANGES_H
#define ANTIPHON_CLI_CHANGES_H

#include "antiphon/trainer.h"

/* Lists the keys whose values differ from the checkpoint's; returns whether there are any. With
 * `model_alone` only keys that change the model count. */
bool changes_tell(const ap_config *config, const char *checkpoint, bool model_alone);

/* Tells that the changes have no effect, because the run of the checkpoint `from` has nothing left to train,
 * and how it can go on. */
void changes_tell_too_late(const ap_config *config, const ap_trainer *trainer, const char *from);

#endif
