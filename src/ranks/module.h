/* What a module that speaks to one MPI library offers. The program loads it when it was started as one of
 * several ranks, so that it needs no MPI otherwise. All functions are called by one thread. */
#ifndef ANTIPHON_RANKS_MODULE_H
#define ANTIPHON_RANKS_MODULE_H

#include <stdint.h>

/* Changes whenever this interface does. */
#define AP_RANKS_MODULE_VERSION 1
#define AP_RANKS_MODULE_NAME "antiphon_ranks_module"

typedef enum ap_number { AP_NUMBER_FLOAT, AP_NUMBER_DOUBLE, AP_NUMBER_BFLOAT } ap_number;

/* An operation under way; NULL: it could not be started. */
typedef struct ap_ranks_request ap_ranks_request;

typedef struct ap_ranks_module {
    int version;
    /* Joins the other ranks. NULL, or what failed. */
    const char *(*begin)(int *rank, int *count);
    /* Begins to replace data [n] by its sum over all ranks, to copy data [bytes] from rank 0 to all, and to
     * collect the `bytes` of each rank in `all` [ranks, bytes]. */
    ap_ranks_request *(*sum)(void *data, int64_t n, ap_number kind);
    ap_ranks_request *(*broadcast)(void *data, int64_t bytes);
    ap_ranks_request *(*gather)(const void *own, int64_t bytes, void *all);
    /* Begins to send 8 bytes to a rank, and to receive 8 from one. */
    ap_ranks_request *(*send)(int to, const uint64_t *word);
    ap_ranks_request *(*receive)(int from, uint64_t *word);
    /* 1: it is complete, and freed; 0: not yet; -1: it failed. */
    int (*test)(ap_ranks_request *request);
    /* Drops an operation that nobody will complete. */
    void (*cancel)(ap_ranks_request *request);
    void (*end)(void);
    /* Ends all ranks. Does not return. */
    void (*abort)(int code);
} ap_ranks_module;

#endif
