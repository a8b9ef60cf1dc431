#include "model/score.h"

#include "antiphon/listen.h"
#include "antiphon/rate.h"
#include "base/bounds.h"
#include "kernels/array.h"
#include "model/attacks.h"
#include "model/harmony.h"
#include "ops/band_gains.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- hits */

ap_hits ap_hits_at(ap_arena *arena, ap_onsets onsets)
{
    ap_hits hits = {onsets.count, ap_arena_alloc(arena, (size_t)onsets.count * sizeof *hits.at)};
    for (int64_t i = 0; i < onsets.count; i++) hits.at[i] = onsets.times[i] * AP_SAMPLE_RATE;
    return hits;
}

/* ---------------------------------------------------------------- the score */

/* How a take is made of the hits. */
typedef struct take_style {
    double reach; /* how far away the note may be, in seconds: one that fits the harmony at the hit; 0: what
                     the target has at the hit */
    int every;    /* each such hit */
    double late;  /* how far behind the hit, as a share of the gap to the next */
    bool held;    /* to the next of its hits; false: no longer than DECAYING_MOST, and gone by then */
    double decay; /* of a held one, dB a second */
} take_style;

static const take_style styles[AP_TAKE_INPUT] = {
    {0},
    {.every = 1, .held = true, .decay = 8},
    {.reach = 0.8, .every = 1},
    {.reach = 0.8, .every = 1, .held = true},
    {.every = 1, .late = 0.5},
    {.reach = 1.6, .every = 2, .held = true, .decay = 8},
};

bool ap_take_wanders(int take)
{
    return take < AP_TAKE_INPUT && styles[take].reach > 0;
}

bool ap_take_is_late(int take)
{
    return take < AP_TAKE_INPUT && styles[take].late > 0;
}

#define SECOND ((double)AP_SAMPLE_RATE)
/* A grain begins this much before the hit, so that the note's own attack is in it. */
#define LEAD (0.005 * SECOND)
/* What the target has at the hit sounds a little late, so that it does not add up with the target itself. */
#define LATE (0.013 * SECOND)
/* A held grain ends this much before the next, so that this one is heard to begin. More would be heard, too:
 * the loudness would follow the input upside down, a moment ahead of it. */
#define GAP (0.006 * SECOND)
#define LENGTH_LEAST (0.05 * SECOND)
#define DECAYING_MOST (0.6 * SECOND)
#define HELD_MOST (2 * SECOND)
#define DECAYING 26.0     /* dB to its end */
#define HEIGHT_SPREAD 5.0 /* dB */
#define HEIGHT_MOST 10.0

/* What of a grain is above HIGHS is that of a string that is plucked: it is as bright at a soft stroke as at
 * a loud one, nearly, and fades sooner. So strokes are heard, while the loudness, which the lows make, stays
 * free. The target's own attacks would be heard between the strokes, so the highs end before they come. */
#define HIGHS 800.0      /* Hz */
#define HIGHS_SHARE 0.3  /* of a stroke's height in dB */
#define HIGHS_DECAY 60.0 /* dB a second more than the lows */
#define HIGHS_FALL 0.03  /* seconds */
#define HIGHS_GAP (0.02 * SECOND)
#define BRIGHT_LEAST (0.06 * SECOND)

/* The width over which the target is made level, so that its own loudness is gone from its takes; and the
 * floor below which nothing is raised, as a share of the whole's level. */
#define LEVEL_HOP (AP_SAMPLE_RATE / 100)
#define LEVEL_WIDTH (AP_SAMPLE_RATE * 6 / 100)
#define LEVEL_FLOOR 0.01

static void make_level(ap_arena *arena, ap_score *score, const ap_real *x)
{
    int64_t S = score->S;
    double *sum = ap_arena_alloc(arena, (size_t)(S + 1) * sizeof *sum);
    sum[0] = 0;
    for (int64_t i = 0; i < S; i++) sum[i + 1] = sum[i] + (double)x[i] * (double)x[i];
    double whole = sqrt(sum[S] / (double)S);
    score->levels = S / LEVEL_HOP + 1;
    score->level = ap_arena_alloc(arena, (size_t)score->levels * sizeof *score->level);
    for (int64_t l = 0; l < score->levels; l++) {
        int64_t from = ap_most(0, l * LEVEL_HOP - LEVEL_WIDTH / 2),
                to = ap_least(S, l * LEVEL_HOP + LEVEL_WIDTH / 2);
        double here = to > from ? sqrt(fmax(sum[to] - sum[from], 0) / (double)(to - from)) : 0;
        score->level[l] = (ap_real)(whole > 0 ? whole / (here + LEVEL_FLOOR * whole) : 1);
    }
    ap_arena_recycle(arena, sum, (size_t)(S + 1) * sizeof *sum);
}

/* The numbers that chance gives to one grain: the same for the same seed, take and time. */
static ap_rng chance(uint64_t seed, int take, double time)
{
    uint64_t frame = (uint64_t)llround(time / AP_ONSET_HOP);
    return (ap_rng){seed * AP_TAKES + (uint64_t)take, frame * 8};
}

/* How long the highs of a grain last: until the target strikes a note of its own. */
static double until_next_note(const ap_grain *grain, ap_hits notes)
{
    for (int64_t i = 0; i < notes.count; i++)
        if (notes.at[i] > grain->from + BRIGHT_LEAST)
            return fmin(notes.at[i] - HIGHS_GAP - grain->from, grain->length);
    return grain->length;
}

static ap_grain grain_of(const take_style *style, double hit, double next, double S, ap_harmony harmony,
                         ap_hits notes, ap_rng *rng)
{
    double gap = next - hit, reach = style->reach * SECOND;
    ap_rng which = {~rng->seed, rng->counter << 20};
    double height = fmax(-HEIGHT_MOST, fmin(HEIGHT_SPREAD * ap_rng_normal(rng), HEIGHT_MOST));
    ap_grain grain = {.from = reach > 0 ? ap_harmony_note(harmony, notes.count, notes.at, hit, reach, which)
                                        : hit - LATE,
                      .decay = style->held ? style->decay : 0};
    grain.at = fmax(hit + style->late * fmin(gap, DECAYING_MOST) - LEAD, 0);
    grain.from = fmax(grain.from - LEAD, 0);
    grain.length =
        fmax(LENGTH_LEAST, style->held ? fmin(gap - GAP, HELD_MOST) : fmin(1.2 * gap, DECAYING_MOST));
    grain.length = fmin(grain.length, S - fmax(grain.at, grain.from));
    if (!style->held) grain.decay = DECAYING * SECOND / grain.length;
    grain.height = pow(10, height / 20);
    grain.highs_height = pow(10, HIGHS_SHARE * height / 20);
    grain.highs_length = until_next_note(&grain, notes);
    return grain;
}

static void write_take(ap_arena *arena, ap_score *score, int take, ap_hits hits, ap_harmony harmony,
                       ap_hits notes, uint64_t seed, int64_t origin)
{
    const take_style *style = &styles[take];
    ap_grain *grains = ap_arena_alloc(arena, (size_t)ap_most(hits.count, 1) * sizeof *grains);
    int64_t count = 0;
    for (int64_t i = 0; i < hits.count; i += style->every) {
        double next = i + style->every < hits.count ? hits.at[i + style->every] : (double)score->S;
        ap_rng rng = chance(seed, take, hits.at[i] + (double)origin);
        ap_grain grain = grain_of(style, hits.at[i], next, (double)score->S, harmony, notes, &rng);
        if (grain.length > 0) grains[count++] = grain;
    }
    score->grains[take] = grains;
    score->count[take] = count;
}

static double power(int64_t S, const ap_real *x)
{
    return ap_array_dot(S, x, x) / (double)S;
}

ap_score ap_score_write(ap_arena *arena, const ap_score_sources *s, uint64_t seed, int64_t origin)
{
    ap_score score = {.S = s->S, .attacks = s->attacks, .attack_T = s->T};
    double input = power(s->S, s->input), target = power(s->S, s->target);
    score.input_factor = input > 0 ? sqrt(target / input) : 0;
    make_level(arena, &score, s->target);
    ap_harmony harmony = ap_harmony_find(arena, s->S, s->target);
    for (int take = 1; take < AP_TAKE_INPUT; take++)
        write_take(arena, &score, take, s->input_hits, harmony, s->target_hits, seed, origin);
    return score;
}

/* ---------------------------------------------------------------- playing */

/* A grain rises and falls over these times. */
#define RISE 0.004
#define FALL 0.012

/* From each level to the next the factor moves evenly. */
static void play_level(const ap_score *score, int rate, int64_t n, const ap_real *x, ap_real *y)
{
    const double step = (double)AP_SAMPLE_RATE / rate / LEVEL_HOP;
#pragma omp parallel for schedule(static)
    for (int64_t l = 0; l < score->levels; l++) {
        bool last = l == score->levels - 1;
        int64_t from = ap_least(n, (int64_t)ceil((double)l / step)),
                to = last ? n : ap_least(n, (int64_t)ceil((double)(l + 1) / step));
        double here = (double)score->level[l], next = last ? here : (double)score->level[l + 1];
        double late = (double)from * step - (double)l;
        ap_array_ramp(to - from, here + late * (next - here), step * (next - here), x + from, y + from);
    }
}

/* Parts x at HIGHS, by a filter of the first order. */
static void part(int rate, int64_t n, const ap_real *x, ap_real *lows, ap_real *highs)
{
    double low = 0, follow = 1 - exp(-2 * M_PI * HIGHS / rate);
    for (int64_t i = 0; i < n; i++) {
        low += follow * ((double)x[i] - low);
        lows[i] = (ap_real)low;
        highs[i] = (ap_real)((double)x[i] - low);
    }
}

static double kept(double decay, int rate)
{
    return pow(10, -decay / 20 / rate);
}

static void play_grain(const ap_grain *grain, int rate, int64_t n, const ap_real *lows, const ap_real *highs,
                       ap_real *y)
{
    double scale = (double)rate / AP_SAMPLE_RATE, rise = 1 / (RISE * rate);
    int64_t at = llround(grain->at * scale), from = llround(grain->from * scale);
    int64_t length = ap_least(llround(grain->length * scale), n - ap_most(at, from));
    int64_t bright = ap_least(llround(grain->highs_length * scale), length);
    const ap_array_fade low = {grain->height, kept(grain->decay, rate), rise, 1 / (FALL * rate)};
    const ap_array_fade high = {grain->highs_height, kept(grain->decay + HIGHS_DECAY, rate), rise,
                                1 / (HIGHS_FALL * rate)};
    ap_array_grain(length, &low, lows + from, y + at);
    ap_array_grain(bright, &high, highs + from, y + at);
}

static void play_attacks(ap_arena *arena, const ap_score *score, int rate, int64_t n, const ap_real *x,
                         ap_real *y)
{
    if (!score->attacks) return;
    ap_band_gains_geometry geometry = ap_band_gains_at(ap_attack_geometry(), rate);
    ap_band_gains_forward(arena, &geometry, 1, 1, n, score->attack_T, x, score->attacks, 0, y);
    for (int64_t i = 0; i < n; i++) y[i] *= (ap_real)score->input_factor;
}

void ap_score_play(ap_arena *arena, const ap_score *score, int rate, int64_t n, const ap_real *input,
                   const ap_real *target, ap_real *takes)
{
    play_level(score, rate, n, target, takes);
    ap_real *lows = ap_arena_alloc(arena, (size_t)(2 * n) * sizeof *lows), *highs = lows + n;
    part(rate, n, takes, lows, highs);
#pragma omp parallel for schedule(static, 1)
    for (int take = 1; take < AP_TAKES; take++) {
        memset(takes + take * n, 0, (size_t)n * sizeof *takes);
        for (int64_t i = 0; take < AP_TAKE_INPUT && i < score->count[take]; i++)
            play_grain(&score->grains[take][i], rate, n, lows, highs, takes + take * n);
    }
    ap_arena_recycle(arena, lows, (size_t)(2 * n) * sizeof *lows);
    play_attacks(arena, score, rate, n, input, takes + AP_TAKE_INPUT * n);
}
