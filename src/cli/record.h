/* The record of a training: its folder, what the terminal shows, the log, samples, and MLflow. */
#ifndef ANTIPHON_CLI_RECORD_H
#define ANTIPHON_CLI_RECORD_H

#include "antiphon/run_folder.h"
#include "antiphon/track.h"
#include "antiphon/trainer.h"
#include "evaluate/round_trip.h"
#include "track/console.h"

typedef struct record {
    const ap_config *config;
    ap_run_folder folder;
    ap_console console;
    ap_track *track;     /* NULL until training begins */
    ap_round_trip *trip; /* of a codec that is trained alone; NULL: none is */
    ap_status failed;    /* the first failure of a callback, which the trainer cannot return */
} record;

/* What keeps the record while the trainer trains. It borrows `r`. */
ap_observer record_observer(record *r);

/* Trains and keeps the record. */
ap_status record_train(record *r, ap_trainer *trainer, bool resumed);

/* Completes the MLflow record of a run that has nothing left to train, if an earlier program could not
 * deliver it. The record is of the training as it was (`from`, its checkpoint), whatever the configuration
 * says now. */
ap_status record_finish(record *r, const char *from);

#endif
