/* The thread that speaks to the other ranks, so that their sums go on while this one computes, and that
 * notices when one of them is gone. */
#ifndef ANTIPHON_RANKS_PROGRESS_H
#define ANTIPHON_RANKS_PROGRESS_H

#include "antiphon/status.h"
#include "ranks/module.h"

/* Seconds without a sign of life, or for all ranks to join, before the job ends. */
#define AP_RANKS_TIMEOUT 60

typedef enum ap_job_kind { AP_JOB_SUM, AP_JOB_BROADCAST, AP_JOB_GATHER } ap_job_kind;

/* A collective operation. What is filled in by the caller stays until it is complete; every rank posts the
 * same jobs in the same order. */
typedef struct ap_job {
    ap_job_kind kind;
    ap_number number; /* of a sum */
    void *data;       /* what is summed or copied; of AP_JOB_GATHER: this rank's part */
    void *all;        /* of AP_JOB_GATHER: room for those of all ranks */
    int64_t count;    /* numbers of a sum, otherwise bytes */
    /* filled in by the thread */
    ap_ranks_request *request;
    double begun, ended; /* clock */
    bool done;
    struct ap_job *next;
} ap_job;

/* Joins the other ranks within `timeout` seconds, but at least AP_RANKS_TIMEOUT, and starts the thread. */
ap_status ap_progress_begin(const ap_ranks_module *module, double timeout, int *rank, int *count);

/* Begins to exchange signs of life. `name` tells who a rank is. */
void ap_progress_watch(const char *(*name)(int rank));

/* Begins a job; waits until it is complete. */
void ap_progress_post(ap_job *job);
void ap_progress_wait(ap_job *job);

/* Ends the thread. Every rank must have reached this. */
void ap_progress_end(void);

/* Prints the line and ends all ranks with exit code 1. Does not return. */
void ap_progress_abort(const char *line) __attribute__((noreturn));

#endif
