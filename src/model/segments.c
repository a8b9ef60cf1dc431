#include "model/segments.h"

#include "antiphon/ops.h"
#include "antiphon/status.h"
#include "base/bounds.h"

/* Segments that go through the network as items of one batch: an LSTM's weights are then read once for all of
 * them. More need more memory. */
#define AT_ONCE 8

int64_t ap_segments_count(const ap_segments *s, int64_t S)
{
    return s->length ? ap_divide_up(S, s->stride) : 1;
}

static int64_t length_of(const ap_segments *s, int64_t k, int64_t S)
{
    return s->length ? ap_least(s->length, S - k * s->stride) : S;
}

static int64_t frames_of(const ap_segments *s, int64_t k, int64_t S)
{
    return ap_divide_up(length_of(s, k, S), s->hop);
}

int64_t ap_segments_frames(const ap_segments *s, int64_t S)
{
    int64_t frames = 0, count = ap_segments_count(s, S);
    for (int64_t k = 0; k < count; k++) frames += frames_of(s, k, S);
    return frames;
}

/* How many segments from k on are as long as segment k, and go through the network together. */
static int batch_size(const ap_segments *s, int64_t k, int64_t S)
{
    int n = 1;
    while (n < AT_ONCE && k + n < ap_segments_count(s, S) && length_of(s, k + n, S) == length_of(s, k, S))
        n++;
    return n;
}

/* ---------------------------------------------------------------- cutting and joining */

static ap_var *cut(ap_tape *tape, ap_var *x, int axis, int64_t start, int64_t length)
{
    return length == x->value.shape.at[axis] ? x : ap_slice(tape, x, axis, start, length);
}

static ap_var *joined(ap_tape *tape, int axis, int64_t count, ap_var *const *parts)
{
    return count == 1 ? parts[0] : ap_concat(tape, axis, (int)count, parts);
}

/* n parts of x [B, C, T], each `length` long and `stride` after the one before, as [n B, C, length] */
static ap_var *batch_of(ap_tape *tape, ap_var *x, int n, int64_t start, int64_t stride, int64_t length)
{
    ap_var *parts[AT_ONCE];
    for (int i = 0; i < n; i++) parts[i] = cut(tape, x, 2, start + i * stride, length);
    return joined(tape, 0, n, parts);
}

/* The n parts of y [n B, ...], each [B, ...] */
static void part(ap_tape *tape, ap_var *y, int n, ap_var **parts)
{
    int64_t B = y->value.shape.at[0] / n;
    for (int i = 0; i < n; i++) parts[i] = cut(tape, y, 0, i * B, B);
}

static ap_var **pointers(ap_tape *tape, int64_t count)
{
    return ap_arena_alloc(ap_tape_arena(tape), (size_t)count * sizeof(ap_var *));
}

/* ---------------------------------------------------------------- encoding */

/* [B, 1, S]: the mean of the channels of x [B, C, S] */
static ap_var *mid(ap_tape *tape, ap_var *x)
{
    int64_t C = x->value.shape.at[1];
    ap_var *sum = cut(tape, x, 1, 0, 1);
    for (int64_t c = 1; c < C; c++) sum = ap_add(tape, sum, ap_slice(tape, x, 1, c, 1));
    return C == 1 ? sum : ap_scale(tape, sum, 1 / (ap_real)C);
}

/* Encodes segments k .. k + n - 1 into latents[k ..], and gives their scale, or NULL. */
static ap_var *encode_batch(ap_tape *tape, const ap_segments *s, ap_seanet *seanet, ap_var *audio, int64_t k,
                            int n, ap_var **latents)
{
    ap_tape_enter(tape);
    ap_var *results[AT_ONCE + 1];
    int64_t S = audio->value.shape.at[2];
    ap_var *x = batch_of(tape, audio, n, k * s->stride, s->stride, length_of(s, k, S)), *scale = NULL;
    if (s->normalize) {
        scale = ap_volume(tape, mid(tape, x));
        x = ap_mul_items(tape, x, ap_reciprocal(tape, scale));
    }
    part(tape, ap_seanet_encode(tape, seanet, x), n, results);
    for (int i = 0; i < n; i++) latents[k + i] = results[i];
    results[n] = scale;
    ap_tape_leave_all(tape, scale ? n + 1 : n, results);
    return scale;
}

ap_var *ap_segments_encode(ap_tape *tape, const ap_segments *s, ap_seanet *seanet, ap_var *audio,
                           ap_var **scale)
{
    int64_t S = audio->value.shape.at[2], count = ap_segments_count(s, S), batches = 0;
    ap_tape_enter(tape);
    ap_var **latents = pointers(tape, count), **scales = pointers(tape, count);
    for (int64_t k = 0, n; k < count; k += n) {
        n = batch_size(s, k, S);
        scales[batches++] = encode_batch(tape, s, seanet, audio, k, (int)n, latents);
    }
    ap_var *results[2] = {joined(tape, 2, count, latents), NULL};
    if (s->normalize) results[1] = *scale = joined(tape, 0, batches, scales);
    ap_tape_leave_all(tape, s->normalize ? 2 : 1, results);
    return results[0];
}

/* ---------------------------------------------------------------- decoding */

/* Decodes segments k .. k + n - 1, whose frames begin at `start`, into segments[k ..]. */
static void decode_batch(ap_tape *tape, ap_seanet *seanet, ap_var *latents, int64_t start, int64_t frames,
                         ap_var *scale, int64_t k, int n, ap_var **segments)
{
    ap_tape_enter(tape);
    int64_t B = latents->value.shape.at[0];
    ap_var *z = batch_of(tape, latents, n, start, frames, frames);
    ap_var *y = ap_tape_carry(tape, ap_seanet_decode(tape, seanet, z));
    if (scale) y = ap_tape_carry(tape, ap_mul_items(tape, y, cut(tape, scale, 0, k * B, n * B)));
    part(tape, y, n, segments + k);
    ap_tape_leave_all(tape, n, segments + k);
}

ap_var *ap_segments_decode(ap_tape *tape, const ap_segments *s, ap_seanet *seanet, ap_var *latents,
                           ap_var *scale, int64_t S)
{
    int64_t count = ap_segments_count(s, S), start = 0;
    if (latents->value.shape.at[2] != ap_segments_frames(s, S))
        ap_fatal("segments: latents %s are not of %lld samples", ap_shape_print(latents->value.shape).text,
                 (long long)S);
    ap_tape_enter(tape);
    ap_var **segments = pointers(tape, count);
    for (int64_t k = 0, n; k < count; k += n) {
        int64_t frames = frames_of(s, k, S);
        n = batch_size(s, k, S);
        decode_batch(tape, seanet, latents, start, frames, scale, k, (int)n, segments);
        start += n * frames;
    }
    return ap_tape_leave(tape, count == 1 ? cut(tape, segments[0], 2, 0, S)
                                          : ap_overlap_add(tape, (int)count, segments, s->stride, S));
}
