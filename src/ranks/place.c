#include "ranks/place.h"

#include "base/bounds.h"
#include "base/processors.h"
#include "ranks/launcher.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void ap_place_unbind(void)
{
    cpu_set_t all;
    if (!ap_launcher_binds_unasked()) return;
    memset(&all, 0xFF, sizeof all); /* the system leaves those that are granted */
    sched_setaffinity(0, sizeof all, &all);
}

ap_rank_place ap_place_here(void)
{
    ap_rank_place place = {.host = ""};
    gethostname(place.host, sizeof place.host - 1);
    ap_place_unbind();
    CPU_ZERO(&place.processors);
    sched_getaffinity(0, sizeof place.processors, &place.processors);
    return place;
}

/* The processors of all ranks of a host, and whether two ranks share one. `index` receives how many of them
 * come before this one. */
static int count_neighbours(int rank, int count, const ap_rank_place *places, int *index, cpu_set_t *all,
                            bool *shared)
{
    int neighbours = 0;
    CPU_ZERO(all);
    *shared = false;
    for (int k = 0; k < count; k++) {
        cpu_set_t both;
        if (strcmp(places[k].host, places[rank].host) != 0) continue;
        if (k == rank) *index = neighbours;
        neighbours++;
        CPU_AND(&both, all, &places[k].processors);
        *shared |= CPU_COUNT(&both) > 0;
        CPU_OR(all, all, &places[k].processors);
    }
    return neighbours;
}

/* Binds this process to part `index` of `parts` equal parts of the set. */
static bool bind_to_part(const cpu_set_t *all, int index, int parts, int size)
{
    cpu_set_t own;
    CPU_ZERO(&own);
    int at = 0, first = CPU_COUNT(all) / parts * index;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, all)) continue;
        if (at >= first && at < first + size) CPU_SET(cpu, &own);
        at++;
    }
    return sched_setaffinity(0, sizeof own, &own) == 0;
}

ap_share ap_place_settle(int rank, int count, const ap_rank_place *places)
{
    cpu_set_t all;
    bool shared;
    int index = 0;
    ap_share share = {.ranks = count_neighbours(rank, count, places, &index, &all, &shared)};
    int here = CPU_COUNT(&all), part = (int)ap_most(here / share.ranks, 1);
    share.granted = (int)ap_least(here, ap_processors_granted(""));
    if (!shared) share.granted = here;
    share.unchanged = !shared && share.ranks > 1;
    int threads = share.unchanged ? CPU_COUNT(&places[rank].processors) : share.granted / share.ranks;
    if (getenv("OMP_NUM_THREADS")) threads = atoi(getenv("OMP_NUM_THREADS"));
    share.threads = (int)ap_most(threads, 1);
    if (shared && share.threads <= part && here >= share.ranks && !getenv("OMP_PROC_BIND") &&
        !getenv("GOMP_CPU_AFFINITY"))
        share.bound = bind_to_part(&all, index, share.ranks, part);
    omp_set_num_threads(share.threads);
    return share;
}
