/* Replays what `watch record` wrote down, as a loss of power at any moment may leave it: what was not yet
 * flushed to the disk is there or not, whole or torn, independently of the rest.
 *
 *     replay BEFORE LOG FOLDER MOST CHECK...
 *
 * BEFORE is a copy of the folder from before. Each state that differs from all others is laid out in FOLDER,
 * and the command CHECK is run; MOST (0: no limit) bounds how many, taken at even distances, of those before
 * the program's end and again of those at its end, where all that it promised must be there. The environment
 * says what was finished by then: FINISHED is a list of NAME=COUNT, how often a file had been renamed to its
 * place, and ENDED is 1 once the program had come to its end. */
#include "crash/disk.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* So few changes that are not certain are tried in all combinations. */
#define COMBINED_MOST 6
#define TEXT_MOST 16384
/* Twice as many states as are kept at most. */
#define SLOTS (1 << 18)

extern char **environ;

typedef struct state {
    int p, torn;
    bool *kept;
    tear how;
} state;

typedef struct states {
    state *at;
    int count, tried;
    uint64_t finished;     /* a hash of what is finished at the moment */
    uint64_t slots[SLOTS]; /* hashes of what is there, each at its place or behind it */
} states;

/* ---------------------------------------------------------------- what is finished */

/* Whether the program has gone on after the change: what follows it at once are only calls that flush. */
static bool went_on(const history *h, int i, int p)
{
    int next = i + 1;
    while (next < h->count && h->at[next].kind == SYNC) next++;
    return p > next || p == h->count;
}

/* " NAME=COUNT NAME=COUNT" for what had its place before the power went. */
static void list_finished(const history *h, int p, char text[TEXT_MOST])
{
    size_t length = 0;
    text[0] = '\0';
    for (int i = 0; i < p; i++) {
        if (h->at[i].kind != MOVE || !went_on(h, i, p)) continue;
        int count = 0;
        bool last = true;
        for (int k = 0; k < p; k++) {
            if (h->at[k].kind != MOVE || strcmp(h->at[k].path, h->at[i].path) != 0 || !went_on(h, k, p))
                continue;
            count++;
            last = last && k <= i;
        }
        if (last && length < TEXT_MOST)
            length += (size_t)snprintf(text + length, TEXT_MOST - length, " %s=%d", h->at[i].path, count);
    }
}

/* ---------------------------------------------------------------- the states */

static void try(states *all, const history *h, int p, const bool *kept, int torn, tear how)
{
    disk d = history_disk(h, p, kept, torn, how, false);
    uint64_t hash = disk_hash(&d) + all->finished;
    disk_free(&d);
    all->tried++;
    size_t slot = hash % SLOTS;
    for (; all->slots[slot]; slot = (slot + 1) % SLOTS)
        if (all->slots[slot] == hash) return;
    if (all->count >= SLOTS / 2) return;
    all->slots[slot] = hash;
    all->at = realloc(all->at, (size_t)(all->count + 1) * sizeof *all->at);
    bool *copy = malloc((size_t)p + 1);
    if (!all->at || !copy) abort();
    memcpy(copy, kept, (size_t)p);
    all->at[all->count++] = (state){p, torn, copy, how};
}

/* Each of the combinations, by the bits of a number. */
static void try_all(states *all, const history *h, int p, bool *kept, const int *open, int count)
{
    for (unsigned long bits = 0; bits < 1ul << count; bits++) {
        for (int k = 0; k < count; k++) kept[open[k]] = bits >> k & 1;
        try(all, h, p, kept, -1, WHOLE);
    }
}

static bool is_data(const change *c)
{
    return c->kind == DATA || c->kind == SIZE;
}

/* So many ones of many are looked at. */
#define ONES_MOST 24

/* Of many: none, all, all but one, one alone, up to one, from one on, data alone, names alone. */
static void try_some(states *all, const history *h, int p, bool *kept, const int *open, int count)
{
    for (int form = 0; form < 8; form++)
        for (int one = 0; one < (form < 4 ? 1 : count); one += 1 + count / ONES_MOST) {
            for (int k = 0; k < count; k++) {
                bool data = is_data(&h->at[open[k]]);
                const bool forms[] = {false, true, data, !data, k != one, k == one, k <= one, k >= one};
                kept[open[k]] = forms[form];
            }
            try(all, h, p, kept, -1, WHOLE);
        }
}

static void try_at(states *all, const history *h, int p)
{
    bool *kept = malloc((size_t)p + 1);
    int *open = malloc((size_t)(p + 1) * sizeof *open), count = 0;
    char finished[TEXT_MOST];
    if (!kept || !open) abort();
    list_finished(h, p, finished);
    all->finished = p == h->count;
    for (const char *c = finished; *c; c++)
        all->finished = all->finished * 0x100000001b3u + (unsigned char)*c;
    for (int i = 0; i < p; i++) {
        kept[i] = true;
        if (h->at[i].certain > p) open[count++] = i;
    }
    if (count <= COMBINED_MOST)
        try_all(all, h, p, kept, open, count);
    else
        try_some(all, h, p, kept, open, count);
    for (int k = 0; k < count; k++) kept[open[k]] = true;
    for (int k = 0; k < count; k += 1 + count / ONES_MOST)
        for (tear how = FIRST_HALF; how <= ZEROS && h->at[open[k]].kind == DATA; how++)
            try(all, h, p, kept, open[k], how);
    free(kept);
    free(open);
}

/* ---------------------------------------------------------------- checking */

static int run(char **command)
{
    pid_t child;
    int status;
    if (posix_spawnp(&child, command[0], NULL, NULL, command, environ) != 0) return 127;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Whether the check found all well. */
static bool check(const history *h, const state *s, const char *folder, char **command)
{
    char finished[TEXT_MOST];
    list_finished(h, s->p, finished);
    setenv("FINISHED", finished, 1);
    setenv("ENDED", s->p == h->count ? "1" : "0", 1);
    run((char *[]){"rm", "-rf", (char *)folder, NULL});
    disk d = history_disk(h, s->p, s->kept, s->torn, s->how, true);
    disk_write(&d, folder);
    disk_free(&d);
    if (run(command) == 0) return true;
    fprintf(stderr, "replay: state after change %d of %d (finished:%s), without", s->p, h->count, finished);
    for (int i = 0; i < s->p; i++)
        if (!s->kept[i]) fprintf(stderr, " %d(%d %s)", i, (int)h->at[i].kind, h->at[i].name);
    fprintf(stderr, s->torn < 0 ? "\n" : ", with %d torn (%d)\n", s->torn, (int)s->how);
    return false;
}

/* Of `count` states `most` are chosen, at even distances; 0: all. */
static bool is_chosen(long k, long count, long most)
{
    return most <= 0 || most >= count || k == 0 || k * most / count != (k - 1) * most / count;
}

int main(int count, char **words)
{
    if (count < 6) {
        fprintf(stderr, "usage: replay BEFORE LOG FOLDER MOST CHECK...\n");
        return 2;
    }
    history h = history_read(words[1], words[2]);
    static states all;
    for (int p = 0; p <= h.count; p++) try_at(&all, &h, p);
    long most = atol(words[4]), end = all.count;
    int checked = 0, bad = 0;
    while (end > 0 && all.at[end - 1].p == h.count) end--;
    for (long k = 0; k < all.count; k++) {
        if (!(k < end ? is_chosen(k, end, most) : is_chosen(k - end, all.count - end, most))) continue;
        checked++;
        bad += !check(&h, &all.at[k], words[3], words + 5);
    }
    printf("%d changes, %d states, %d of them different, %d checked, %d bad\n", h.count, all.tried, all.count,
           checked, bad);
    return bad > 0 || checked == 0;
}
