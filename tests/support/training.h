/* Trainings as tests have them: small sets of recordings, a small model, and what a run tells. */
#ifndef ANTIPHON_TESTS_TRAINING_H
#define ANTIPHON_TESTS_TRAINING_H

#include "antiphon/config.h"
#include "antiphon/trainer.h"
#include "train/dataset.h"

#define TRAINING_STEPS_MAX 400
#define TRAINING_EPOCHS_MAX 40

/* Writes the pair `number` of a split of the set at `folder`, which is made: `seconds` of noise whose
 * standard deviation is `input_level` and `target_level`, as float samples. Each tenth of a second is 1.1
 * times as loud as the one before. */
void training_write_pair(const char *folder, const char *split, int number, double seconds,
                         double input_level, double target_level);

/* The smallest model without BatchNorm or dropout, whose loss (loss.level) is the mean of those of the items;
 * its output part is the only one that is trained. Items of a tenth of a second from the set at `folder`. */
ap_config training_config(const char *folder);

/* A data set in memory of `count` pieces of `length` samples, copied from audio [count, 2, length], and cut
 * into windows of S. */
ap_dataset training_dataset(int64_t count, int64_t length, int64_t S, const ap_real *audio);

/* What was told of a run. */
typedef struct training_record {
    int steps, epochs;
    double loss[TRAINING_STEPS_MAX], rate[TRAINING_STEPS_MAX], norm[TRAINING_STEPS_MAX];
    int64_t epoch[TRAINING_STEPS_MAX]; /* the one under way at that step, from 1 */
    double train[TRAINING_EPOCHS_MAX], validation[TRAINING_EPOCHS_MAX]; /* loss */
    char notes[8192];                                                   /* a line each */
    ap_status status;
} training_record;

/* Trains in `run` from the checkpoint (NULL: from the start), and asks it to stop after `stop_after` steps
 * (0: never). What goes wrong before the first step fails the test. */
training_record training_run(const ap_config *config, const char *run, const char *checkpoint,
                             int stop_after);

#endif
