#include "antiphon/ranks.h"

#include "antiphon/real.h"

#include "base/bounds.h"
#include "base/memory.h"
#include "base/text.h"
#include "ranks/collect.h"
#include "ranks/launcher.h"
#include "ranks/place.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The most that is copied at once: MPI counts in int. */
#define BROADCAST_MOST ((int64_t)1 << 28)

/* What a rank tells the others of itself. */
typedef struct introduction {
    char version[32];
    uint64_t build; /* a hash of the program */
    int64_t number; /* bytes of an ap_real */
    int64_t process;
    ap_rank_place place;
} introduction;

static struct {
    int rank, count; /* count 0: not begun */
    char (*names)[128];
    char line[256];
    bool agreed; /* the last failure is known to all */
} ranks;

int ap_ranks_own(void)
{
    return ranks.rank;
}

int ap_ranks_count(void)
{
    return ranks.count ? ranks.count : 1;
}

const char *ap_ranks_line(void)
{
    return ranks.line;
}

const char *ap_ranks_name(int rank)
{
    return ranks.names ? ranks.names[rank] : "rank 0";
}

/* ---------------------------------------------------------------- together */

static void perform(ap_job *job)
{
    ap_progress_post(job);
    ap_progress_wait(job);
}

void ap_ranks_sum(int64_t n, double *x)
{
    ap_job job = {.kind = AP_JOB_SUM, .number = AP_NUMBER_DOUBLE, .data = x, .count = n};
    if (ap_ranks_count() > 1) perform(&job);
}

bool ap_ranks_any(bool here)
{
    double sum = here;
    ap_ranks_sum(1, &sum);
    return sum > 0;
}

void ap_ranks_broadcast(size_t bytes, void *data)
{
    if (ap_ranks_count() == 1) return;
    for (int64_t at = 0; at < (int64_t)bytes; at += BROADCAST_MOST) {
        ap_job job = {.kind = AP_JOB_BROADCAST,
                      .data = (char *)data + at,
                      .count = ap_least(BROADCAST_MOST, (int64_t)bytes - at)};
        perform(&job);
    }
}

/* The block of every rank, to be freed. */
static void *gather(size_t bytes, void *own)
{
    void *all = ap_allocate((size_t)ap_ranks_count(), bytes);
    ap_job job = {.kind = AP_JOB_GATHER, .data = own, .all = all, .count = (int64_t)bytes};
    perform(&job);
    return all;
}

bool ap_ranks_same(uint64_t number)
{
    if (ap_ranks_count() == 1) return true;
    uint64_t *all = gather(sizeof number, &number);
    bool same = true;
    for (int k = 1; k < ranks.count; k++) same &= all[k] == all[0];
    free(all);
    return same;
}

ap_status ap_ranks_agree(ap_status status)
{
    if (ap_ranks_count() == 1) return status;
    ap_status *all = gather(sizeof status, &status), failed = ap_ok();
    int first = -1;
    bool alike = true;
    for (int k = ranks.count - 1; k >= 0; k--) {
        if (ap_failed(&all[k])) first = k;
        alike &= all[k].code == all[0].code;
    }
    if (first >= 0)
        failed =
            alike ? all[0] : ap_error(all[first].code, "%s: %s", ap_ranks_name(first), all[first].message);
    if (first >= 0 && ranks.rank > 0) failed.message[0] = '\0';
    ranks.agreed = first >= 0;
    free(all);
    return failed;
}

ap_status ap_ranks_confirm(ap_status status)
{
    if (ap_ranks_count() == 1 || !ap_failed(&status) || ranks.agreed) return status;
    char *line = ap_format_text("%s: %s", ap_ranks_name(ranks.rank), status.message);
    ap_progress_abort(line);
}

/* ---------------------------------------------------------------- joining and leaving */

/* A hash of the program's file (FNV-1a, Fowler, Noll, Vo): ranks that run different builds would compute
 * different numbers, if not worse. */
static uint64_t hash_program(void)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    unsigned char block[1 << 16];
    FILE *file = fopen("/proc/self/exe", "re");
    for (size_t got; file && (got = fread(block, 1, sizeof block, file)) > 0;)
        for (size_t i = 0; i < got; i++) hash = (hash ^ block[i]) * UINT64_C(0x100000001b3);
    if (file) fclose(file);
    return hash;
}

static ap_status check_build(const introduction *own, const introduction *first)
{
    if (strcmp(own->version, first->version) == 0 && own->build == first->build &&
        own->number == first->number)
        return ap_ok();
    return ap_error(AP_FAILED,
                    "runs another build of the program (%s, hash %016" PRIx64
                    ") than rank 0 (%s, hash %016" PRIx64 ")",
                    own->version, own->build, first->version, first->build);
}

static void name_ranks(const introduction *all)
{
    ranks.names = ap_allocate((size_t)ranks.count, sizeof *ranks.names);
    for (int k = 0; k < ranks.count; k++)
        snprintf(ranks.names[k], sizeof *ranks.names, "rank %d (%s, process %" PRId64 ")", k,
                 all[k].place.host, all[k].process);
}

static int count_hosts(const ap_rank_place *places)
{
    int hosts = 0;
    for (int k = 0, before; k < ranks.count; k++) {
        for (before = 0; before < k && strcmp(places[before].host, places[k].host) != 0;) before++;
        hosts += before == k;
    }
    return hosts;
}

static void settle(const introduction *all)
{
    ap_rank_place *places = ap_allocate((size_t)ranks.count, sizeof *places);
    for (int k = 0; k < ranks.count; k++) places[k] = all[k].place;
    ap_share share = ap_place_settle(ranks.rank, ranks.count, places);
    int hosts = count_hosts(places);
    const char *where = share.unchanged ? "bound by the launcher"
                        : share.bound   ? "each bound to processors of its own"
                        : share.ranks * share.threads > share.granted
                            ? "more than there are processors, and not bound"
                            : "not bound";
    snprintf(ranks.line, sizeof ranks.line, "%d ranks on %d host%s; %d thread%s each, %s", ranks.count, hosts,
             ap_plural(hosts), share.threads, ap_plural(share.threads), where);
    free(places);
}

/* Every rank meets the others. */
static ap_status introduce(introduction *own)
{
    introduction *all = gather(sizeof *own, own);
    name_ranks(all);
    ap_progress_watch(ap_ranks_name);
    ap_status status = ap_ranks_agree(check_build(own, &all[0]));
    if (!ap_failed(&status)) settle(all);
    free(all);
    return status;
}

static ap_status read_timeout(double *seconds)
{
    const char *text = getenv("ANTIPHON_RANK_TIMEOUT");
    *seconds = AP_RANKS_TIMEOUT;
    if (!text || !*text) return ap_ok();
    char *end;
    *seconds = strtod(text, &end);
    if (*end || !(*seconds >= 1 && *seconds <= 86400))
        return ap_error(
            AP_MISUSE, "ANTIPHON_RANK_TIMEOUT must be a number of seconds from 1 to 86400, not \"%s\"", text);
    return ap_ok();
}

ap_status ap_ranks_begin(void)
{
    ap_status status;
    double timeout;
    const ap_ranks_module *module;
    introduction own = {.version = AP_VERSION,
                        .build = hash_program(),
                        .number = sizeof(ap_real),
                        .process = getpid(),
                        .place = ap_place_here()};
    int wanted = ap_launcher_ranks(&status);
    if (ap_failed(&status)) return status;
    if (wanted == 1) {
        ap_place_settle(0, 1, &own.place);
        return ap_ok();
    }
    AP_TRY(read_timeout(&timeout));
    AP_TRY(ap_launcher_load(&module));
    AP_TRY(ap_progress_begin(module, timeout, &ranks.rank, &ranks.count));
    status = introduce(&own);
    return ap_failed(&status) ? ap_ranks_end(status) : status;
}

ap_status ap_ranks_end(ap_status status)
{
    if (ap_ranks_count() == 1) return status;
    status = ap_ranks_agree(status);
    ap_progress_end();
    free(ranks.names);
    memset(&ranks, 0, sizeof ranks);
    return status;
}
