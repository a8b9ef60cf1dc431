/* The module for an MPI library (MPI: A Message-Passing Interface Standard, version 3.1). Not part of the
 * library: built for each MPI that is installed. */
#include "ranks/module.h"

#include <mpi.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct ap_ranks_request {
    MPI_Request request;
};

/* Sums and the like, and the signs of life: messages of one never meet those of the other. */
static MPI_Comm world, signs;
static MPI_Op add_bfloats;

static float widen(uint16_t x)
{
    uint32_t bits = (uint32_t)x << 16;
    float y;
    memcpy(&y, &bits, sizeof y);
    return y;
}

/* To the nearest, ties to even. What is not finite stays so. */
static uint16_t narrow(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if ((bits & 0x7F800000u) == 0x7F800000u)
        return (uint16_t)(bits >> 16 | ((bits & 0x007FFFFFu) ? 0x40 : 0));
    return (uint16_t)((bits + 0x7FFFu + (bits >> 16 & 1)) >> 16);
}

static void sum_bfloats(void *in, void *inout, int *n, MPI_Datatype *type)
{
    const uint16_t *x = in;
    uint16_t *y = inout;
    (void)type;
    for (int i = 0; i < *n; i++) y[i] = narrow(widen(x[i]) + widen(y[i]));
}

static const char *begin(int *rank, int *count)
{
    int given;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &given) != MPI_SUCCESS)
        return "MPI_Init_thread fails";
    if (given < MPI_THREAD_SERIALIZED) return "the MPI library does not serve programs with threads";
    MPI_Comm_dup(MPI_COMM_WORLD, &world);
    MPI_Comm_dup(MPI_COMM_WORLD, &signs);
    MPI_Comm_set_errhandler(world, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(signs, MPI_ERRORS_RETURN);
    MPI_Op_create(sum_bfloats, 1, &add_bfloats);
    MPI_Comm_rank(world, rank);
    MPI_Comm_size(world, count);
    return NULL;
}

static ap_ranks_request *started(ap_ranks_request *request, int code)
{
    if (code == MPI_SUCCESS) return request;
    free(request);
    return NULL;
}

static ap_ranks_request *sum(void *data, int64_t n, ap_number kind)
{
    ap_ranks_request *r = malloc(sizeof *r);
    const MPI_Datatype types[] = {MPI_FLOAT, MPI_DOUBLE, MPI_UINT16_T};
    const MPI_Op op = kind == AP_NUMBER_BFLOAT ? add_bfloats : MPI_SUM;
    if (!r) return NULL;
    return started(r, MPI_Iallreduce(MPI_IN_PLACE, data, (int)n, types[kind], op, world, &r->request));
}

static ap_ranks_request *broadcast(void *data, int64_t bytes)
{
    ap_ranks_request *r = malloc(sizeof *r);
    if (!r) return NULL;
    return started(r, MPI_Ibcast(data, (int)bytes, MPI_BYTE, 0, world, &r->request));
}

static ap_ranks_request *gather(const void *own, int64_t bytes, void *all)
{
    ap_ranks_request *r = malloc(sizeof *r);
    if (!r) return NULL;
    return started(r,
                   MPI_Iallgather(own, (int)bytes, MPI_BYTE, all, (int)bytes, MPI_BYTE, world, &r->request));
}

static ap_ranks_request *send(int to, const uint64_t *word)
{
    ap_ranks_request *r = malloc(sizeof *r);
    if (!r) return NULL;
    return started(r, MPI_Isend(word, 1, MPI_UINT64_T, to, 0, signs, &r->request));
}

static ap_ranks_request *receive(int from, uint64_t *word)
{
    ap_ranks_request *r = malloc(sizeof *r);
    if (!r) return NULL;
    return started(r, MPI_Irecv(word, 1, MPI_UINT64_T, from, 0, signs, &r->request));
}

static int test(ap_ranks_request *r)
{
    int done;
    if (MPI_Test(&r->request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) return -1;
    if (done) free(r);
    return done != 0;
}

static void cancel(ap_ranks_request *r)
{
    MPI_Cancel(&r->request);
    MPI_Request_free(&r->request);
    free(r);
}

static void end(void)
{
    MPI_Op_free(&add_bfloats);
    MPI_Comm_free(&signs);
    MPI_Comm_free(&world);
    MPI_Finalize();
}

static void stop(int code)
{
    MPI_Abort(MPI_COMM_WORLD, code);
}

__attribute__((visibility("default"))) const ap_ranks_module antiphon_ranks_module = {
    .version = AP_RANKS_MODULE_VERSION,
    .begin = begin,
    .sum = sum,
    .broadcast = broadcast,
    .gather = gather,
    .send = send,
    .receive = receive,
    .test = test,
    .cancel = cancel,
    .end = end,
    .abort = stop,
};
