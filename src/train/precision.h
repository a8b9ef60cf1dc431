/* train.precision: how exactly matrix products are computed while a trainer, or a bench, lives. */
#ifndef ANTIPHON_TRAIN_PRECISION_H
#define ANTIPHON_TRAIN_PRECISION_H

#include "antiphon/config.h"
#include "antiphon/trainer.h"

/* Sets it for the whole process. The observer is told if the kernel has no products that are faster than
 * those of float. NULL: nobody is. */
void ap_precision_begin(const ap_config *config, const ap_observer *observer);

/* Float again, as everywhere outside of training. */
void ap_precision_end(void);

/* Tells the observer if it is not what it was. */
void ap_precision_compare(const ap_config *before, const ap_config *now, const ap_observer *observer);

#endif
