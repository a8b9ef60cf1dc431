/* The short-time Fourier transform of whole signals, a stretch of the signal in each lane (fft_lanes.h): line
 * t of lane i is sample t of stretch i. Signals are turned into lines once, however much their frames
 * overlap and whatever the lengths of the transforms. A group of frames is then a run of lines: frame j of
 * every stretch. */
#ifndef ANTIPHON_OPS_STFT_LANES_H
#define ANTIPHON_OPS_STFT_LANES_H

#include "antiphon/arena.h"
#include "ops/stft_frames.h"

/* How B signals of S samples stand in lines, with the frames of one transform in them. */
typedef struct ap_stft_lanes {
    ap_stft stft;
    int64_t B, S, frames; /* frames of a signal */
    int64_t step, each;   /* samples and frames of a stretch; the last stretches may have none that exist */
    int64_t margin;       /* lines before the first sample of the stretches, and behind the last */
    int64_t lines;        /* of one signal */
} ap_stft_lanes;

/* Lines for transforms of length n and shorter ones, every `hop` samples or a divisor of that, with the
 * frames of length n. n is even and at most 2 (S - 1). Beyond its ends a signal is its mirror image, or
 * `zeros`. And the same lines with the frames of a shorter transform. */
ap_stft_lanes ap_stft_lanes_of(int64_t B, int64_t S, int n, int hop, bool zeros);
ap_stft_lanes ap_stft_lanes_shorter(const ap_stft_lanes *of, int n, int hop);

/* The same for signals `from` and following, as many as there are threads. Their lines stay in the
 * second-level cache, or near it, from one pass over them to the next. */
ap_stft_lanes ap_stft_lanes_part(const ap_stft_lanes *of, int64_t from);

/* The size of the lines of all signals in bytes. */
size_t ap_stft_lanes_bytes(const ap_stft_lanes *of);

/* The lines of x [B, S], from the arena; and dx [B, S] += what the gradient of those lines is to the samples.
 */
ap_lanes *ap_stft_lanes_fill(ap_arena *arena, const ap_stft_lanes *of, const ap_real *x);
void ap_stft_lanes_fold(const ap_stft_lanes *of, ap_lanes *lines, ap_real *dx);

/* Frame j of every stretch of signal b. The frames of the first `live` lanes exist. */
typedef struct ap_stft_group {
    int64_t b, j;
    int live;
    int64_t number; /* in the order of b, then j */
    int64_t line;   /* of all signals' lines: where the frames begin */
} ap_stft_group;

ap_stft_group ap_stft_group_at(const ap_stft_lanes *of, int64_t b, int64_t j);

/* The number of groups; and calls visit for each of them, in several threads, with memory that is the
 * thread's own, `room` lanes of it. In turns: no two groups whose frames share lines at the same time, and in
 * an order that does not depend on the number of threads. */
int64_t ap_stft_groups(const ap_stft_lanes *of);
typedef void ap_stft_visit(void *context, const ap_stft_group *group, ap_lanes *room);
void ap_stft_lanes_each(ap_arena *arena, const ap_stft_lanes *of, bool in_turns, size_t room,
                        ap_stft_visit *visit, void *context);

/* Signals that are visited together: `from` and following of all; their lines, and what the lines' gradient
 * is to be added to. */
typedef struct ap_stft_part {
    int64_t from;
    const ap_lanes *lines;
    ap_lanes *dlines; /* NULL on the way there */
} ap_stft_part;

/* Visits every group of x [B, S] as ap_stft_lanes_each does, part by part (ap_stft_lanes_part), with `part`
 * set before each; a group's signal and number are those within the part. dx NULL: the way there. Otherwise
 * the way back: in turns, and dx [B, S] += the gradient of the samples. */
void ap_stft_lanes_pass(ap_arena *arena, const ap_stft_lanes *of, const ap_real *x, ap_real *dx, size_t room,
                        ap_stft_visit *visit, void *context, ap_stft_part *part);

/* Sample f of a row of frames is that of frame f of a signal: where the frame of a lane of a group is. */
static inline int64_t ap_stft_frame(const ap_stft_lanes *of, const ap_stft_group *group, int lane)
{
    return lane * of->each + group->j;
}

/* Whether all samples of all frames of a group are 0. */
bool ap_stft_lanes_silent(const ap_stft_lanes *of, const ap_stft_group *group, const ap_lanes *lines);

/* Sets the lanes whose frames do not exist to 0, of `count` lines from x on. */
void ap_stft_lanes_clear(const ap_stft_group *group, int64_t count, ap_lanes *x);

#endif
