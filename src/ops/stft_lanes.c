#include "ops/stft_lanes.h"

#include "antiphon/ops.h"
#include "base/bounds.h"

#include <omp.h>
#include <string.h>

/* Lines turned at a time: in the first-level cache. */
#define BLOCK 256

/* ---------------------------------------------------------------- geometry */

static ap_stft_lanes with_frames(ap_stft_lanes of, int n, int hop)
{
    bool zeros = of.stft.zeros;
    of.stft = ap_stft_of(n, hop);
    of.stft.zeros = zeros;
    of.frames = ap_stft_frames(of.S, hop);
    of.each = of.step / hop;
    return of;
}

ap_stft_lanes ap_stft_lanes_of(int64_t B, int64_t S, int n, int hop, bool zeros)
{
    ap_stft_lanes of = {.B = B, .S = S, .margin = n / 2};
    of.stft.zeros = zeros;
    of.step = hop * ap_divide_up(ap_stft_frames(S, hop), AP_LANES);
    of.lines = of.step + 2 * of.margin;
    return with_frames(of, n, hop);
}

ap_stft_lanes ap_stft_lanes_shorter(const ap_stft_lanes *of, int n, int hop)
{
    return with_frames(*of, n, hop);
}

ap_stft_lanes ap_stft_lanes_part(const ap_stft_lanes *of, int64_t from)
{
    ap_stft_lanes part = *of;
    part.B = ap_least(omp_get_max_threads(), of->B - from);
    return part;
}

size_t ap_stft_lanes_bytes(const ap_stft_lanes *of)
{
    return (size_t)(of->B * of->lines) * sizeof(ap_lanes);
}

/* ---------------------------------------------------------------- signals to and from lines */

/* The index in the signal of sample i of its extension; -1: it is 0. Frames that exist reach beyond an end by
 * less than the signal is long. */
static int64_t place_of(const ap_stft_lanes *of, int64_t i)
{
    if (i >= 0 && i < of->S) return i;
    int64_t mirrored = i < 0 ? -i : 2 * (of->S - 1) - i;
    return of->stft.zeros || mirrored < 0 || mirrored >= of->S ? -1 : mirrored;
}

/* The sample of lane i at a line. */
static int64_t sample_at(const ap_stft_lanes *of, int i, int64_t line)
{
    return i * of->step + line - of->margin;
}

static bool inside(const ap_stft_lanes *of, int64_t start, int64_t count)
{
    return start >= 0 && start + count <= of->S;
}

static void fill_block(const ap_stft_lanes *of, const ap_real *x, int64_t line, int64_t count,
                       ap_lanes *lines)
{
    ap_real beyond[AP_LANES][BLOCK];
    const ap_real *rows[AP_LANES];
    for (int i = 0; i < AP_LANES; i++) {
        int64_t start = sample_at(of, i, line);
        rows[i] = inside(of, start, count) ? x + start : beyond[i];
        for (int64_t t = 0; rows[i] == beyond[i] && t < count; t++) {
            int64_t at = place_of(of, start + t);
            beyond[i][t] = at < 0 ? 0 : x[at];
        }
    }
    ap_lanes_gather(count, NULL, rows, lines + line);
}

ap_lanes *ap_stft_lanes_fill(ap_arena *arena, const ap_stft_lanes *of, const ap_real *x)
{
    ap_lanes *lines = ap_arena_alloc(arena, ap_stft_lanes_bytes(of));
    int64_t blocks = ap_divide_up(of->lines, BLOCK);
#pragma omp parallel for schedule(static)
    for (int64_t k = 0; k < of->B * blocks; k++) {
        int64_t b = k / blocks, line = k % blocks * BLOCK;
        fill_block(of, x + b * of->S, line, ap_least(BLOCK, of->lines - line), lines + b * of->lines);
    }
    return lines;
}

static void fold_block(const ap_stft_lanes *of, ap_lanes *lines, int64_t line, int64_t count, ap_real *dx)
{
    ap_real beyond[AP_LANES][BLOCK], *rows[AP_LANES];
    for (int i = 0; i < AP_LANES; i++) {
        int64_t start = sample_at(of, i, line);
        rows[i] = inside(of, start, count) ? dx + start : memset(beyond[i], 0, (size_t)count * sizeof *dx);
    }
    ap_lanes_scatter(count, NULL, lines + line, AP_LANES, rows);
    for (int i = 0; i < AP_LANES; i++)
        for (int64_t t = 0; rows[i] == beyond[i] && t < count; t++) {
            int64_t at = place_of(of, sample_at(of, i, line) + t);
            if (at >= 0) dx[at] += beyond[i][t];
        }
}

void ap_stft_lanes_fold(const ap_stft_lanes *of, ap_lanes *lines, ap_real *dx)
{
#pragma omp parallel for schedule(static)
    for (int64_t b = 0; b < of->B; b++)
        for (int64_t line = 0; line < of->lines; line += BLOCK)
            fold_block(of, lines + b * of->lines, line, ap_least(BLOCK, of->lines - line), dx + b * of->S);
}

/* ---------------------------------------------------------------- groups */

int64_t ap_stft_groups(const ap_stft_lanes *of)
{
    return of->B * of->each;
}

ap_stft_group ap_stft_group_at(const ap_stft_lanes *of, int64_t b, int64_t j)
{
    int64_t live = j < of->frames ? ap_divide_up(of->frames - j, of->each) : 0;
    return (ap_stft_group){.b = b,
                           .j = j,
                           .live = (int)ap_least(live, AP_LANES),
                           .number = b * of->each + j,
                           .line = b * of->lines + of->margin - of->stft.n / 2 + j * of->stft.hop};
}

/* Groups are visited by runs of them. Those of every second run share no lines if a run is as long as a frame
 * reaches. */
void ap_stft_lanes_each(ap_arena *arena, const ap_stft_lanes *of, bool in_turns, size_t room,
                        ap_stft_visit *visit, void *context)
{
    size_t bytes = (size_t)omp_get_max_threads() * room * sizeof(ap_lanes);
    ap_lanes *rooms = ap_arena_alloc(arena, bytes);
    int64_t run = in_turns ? ap_divide_up(of->stft.n, of->stft.hop) : 1, runs = ap_divide_up(of->each, run);
    int64_t turns = in_turns ? 2 : 1, tasks = ap_divide_up(runs, turns);
    for (int64_t turn = 0; turn < turns; turn++) {
#pragma omp parallel for schedule(static)
        for (int64_t k = 0; k < of->B * tasks; k++) {
            int64_t first = (k % tasks * turns + turn) * run;
            for (int64_t j = first; j < ap_least(first + run, of->each); j++) {
                ap_stft_group group = ap_stft_group_at(of, k / tasks, j);
                if (group.live > 0) visit(context, &group, rooms + (size_t)omp_get_thread_num() * room);
            }
        }
    }
    ap_arena_recycle(arena, rooms, bytes);
}

void ap_stft_lanes_pass(ap_arena *arena, const ap_stft_lanes *of, const ap_real *x, ap_real *dx, size_t room,
                        ap_stft_visit *visit, void *context, ap_stft_part *part)
{
    for (int64_t from = 0, count; from < of->B; from += count) {
        const ap_stft_lanes here = ap_stft_lanes_part(of, from);
        const size_t bytes = ap_stft_lanes_bytes(&here);
        ap_lanes *lines = ap_stft_lanes_fill(arena, &here, x + from * of->S),
                 *dlines = dx ? ap_arena_zeros(arena, bytes) : NULL;
        *part = (ap_stft_part){from, lines, dlines};
        ap_stft_lanes_each(arena, &here, dx != NULL, room, visit, context);
        if (dx) {
            ap_stft_lanes_fold(&here, dlines, dx + from * of->S);
            ap_arena_recycle(arena, dlines, bytes);
        }
        ap_arena_recycle(arena, lines, bytes);
        count = here.B;
    }
}

bool ap_stft_lanes_silent(const ap_stft_lanes *of, const ap_stft_group *group, const ap_lanes *lines)
{
    for (int64_t t = 0; t < of->stft.n; t++)
        for (int i = 0; i < AP_LANES; i++)
            if (lines[group->line + t][i] != 0) return false;
    return true;
}

void ap_stft_lanes_clear(const ap_stft_group *group, int64_t count, ap_lanes *x)
{
    if (group->live == AP_LANES) return;
    for (int64_t k = 0; k < count; k++)
        for (int i = group->live; i < AP_LANES; i++) x[k][i] = 0;
}
