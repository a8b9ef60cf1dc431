/* Makes up what the drums play: a groove of two bars, varied from bar to bar, with fills at the ends of
 * phrases. */
#include "synth/noise.h"
#include "synth/synth.h"

#include "base/memory.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define STEPS_MAX 16
/* Length of the repeated pattern. */
#define PATTERN_BARS 2

/* One bar of a style: for each drum one digit per step, 1 (soft) to 9 (accented), or a dot for nothing. 16
 * steps are sixteenths; 12 steps are triplets, or the eighths of a 12/8 bar. */
typedef struct groove {
    const char *name;
    double slowest, fastest; /* bars a minute */
    double swing_least, swing_most;
    double ghosts; /* probability of a soft snare stroke on a free weak step */
    int steps;
    const char *lanes[DRUM_COUNT];
} groove;

static const groove grooves[] = {
    {"rock",
     24,
     35,
     0.5,
     0.52,
     0.04,
     16,
     {[DRUM_KICK] = "9.......9.7.....", [DRUM_SNARE] = "....9.......9...", [DRUM_HAT] = "8.5.8.5.8.5.8.5."}},
    {"half time",
     16,
     21,
     0.5,
     0.55,
     0.08,
     16,
     {[DRUM_KICK] = "9.....6...8....5", [DRUM_SNARE] = "........9.......", [DRUM_HAT] = "8.5.7.5.8.5.7.6."}},
    {"funk",
     23,
     28,
     0.5,
     0.56,
     0.20,
     16,
     {[DRUM_KICK] = "9..6..7...8..5..",
      [DRUM_SNARE] = "....9..2.2..9..2",
      [DRUM_HAT] = "8575857585758.75",
      [DRUM_HAT_OPEN] = ".............6.."}},
    {"disco",
     28,
     32,
     0.5,
     0.5,
     0.03,
     16,
     {[DRUM_KICK] = "9...9...9...9...",
      [DRUM_SNARE] = "....8.......8...",
      [DRUM_HAT] = "75..75..75..75..",
      [DRUM_HAT_OPEN] = "..8...8...8...8."}},
    {"hip-hop",
     20,
     25,
     0.54,
     0.62,
     0.10,
     16,
     {[DRUM_KICK] = "9......7..9.....", [DRUM_SNARE] = "....9.......9...", [DRUM_HAT] = "8.6.7.658.6.7.6."}},
    {"drum and bass",
     40,
     44,
     0.5,
     0.53,
     0.15,
     16,
     {[DRUM_KICK] = "9.........9.....", [DRUM_SNARE] = "....9..2.2..9...", [DRUM_HAT] = "8.6.7.6.8.6.7.6."}},
    {"bossa nova",
     30,
     38,
     0.5,
     0.5,
     0,
     16,
     {[DRUM_KICK] = "8..58...8..58...", [DRUM_RIM] = "8..8..8...8..8..", [DRUM_HAT] = "6.5.6.5.6.5.6.5."}},
    {"one drop",
     17,
     21,
     0.52,
     0.6,
     0.05,
     16,
     {[DRUM_KICK] = "........9.......",
      [DRUM_RIM] = "........9.....4.",
      [DRUM_HAT] = "..7...7...7.5.7.",
      [DRUM_HAT_FOOT] = "4...4...4...4..."}},
    {"tom-tom",
     24,
     30,
     0.5,
     0.5,
     0.05,
     16,
     {[DRUM_KICK] = "9.....7.9.......",
      [DRUM_SNARE] = "....8.......8...",
      [DRUM_TOM_LOW] = "..6.....6.6...6.",
      [DRUM_TOM_MIDDLE] = "...5.........5..",
      [DRUM_TOM_HIGH] = "......5........."}},
    {"shuffle",
     24,
     34,
     0.5,
     0.5,
     0.06,
     12,
     {[DRUM_KICK] = "9....69....6",
      [DRUM_SNARE] = "...9.....9..",
      [DRUM_RIDE] = "8.68.68.68.6",
      [DRUM_HAT_FOOT] = "...5.....5.."}},
    {"jazz",
     28,
     46,
     0.5,
     0.5,
     0.12,
     12,
     {[DRUM_KICK] = "3..2..3..2..",
      [DRUM_SNARE] = ".....3......",
      [DRUM_RIDE] = "7..8.67..8.6",
      [DRUM_HAT_FOOT] = "...7.....7.."}},
    {"ballad in 12/8",
     15,
     20,
     0.5,
     0.5,
     0.04,
     12,
     {[DRUM_KICK] = "9....58.....", [DRUM_SNARE] = "...8.....8..", [DRUM_HAT] = "7.56.57.56.5"}},
};
#define GROOVES ((int64_t)(sizeof grooves / sizeof *grooves))

/* Ways to fill the last half of a bar of 16 steps, and of 12: from the high tom to the low, a roll, broken
 * strokes. */
static const char *const fills_16[][DRUM_COUNT] = {
    {[DRUM_SNARE] = "78......",
     [DRUM_TOM_HIGH] = "..87....",
     [DRUM_TOM_MIDDLE] = "....87..",
     [DRUM_TOM_LOW] = "......98"},
    {[DRUM_SNARE] = "34455679", [DRUM_KICK] = "8...8..."},
    {[DRUM_SNARE] = "8..8..8.", [DRUM_TOM_LOW] = ".7..7..8", [DRUM_KICK] = "8..8..8."},
    {[DRUM_TOM_HIGH] = "8.7.....",
     [DRUM_TOM_MIDDLE] = "...8.7..",
     [DRUM_TOM_LOW] = "......89",
     [DRUM_KICK] = "8...8..."},
};
static const char *const fills_12[][DRUM_COUNT] = {
    {[DRUM_SNARE] = "867...", [DRUM_TOM_HIGH] = "...8..", [DRUM_TOM_LOW] = "....79"},
    {[DRUM_SNARE] = "345679", [DRUM_KICK] = "8..8.."},
    {[DRUM_TOM_HIGH] = "8.7...",
     [DRUM_TOM_MIDDLE] = "...8..",
     [DRUM_TOM_LOW] = ".....8",
     [DRUM_SNARE] = "..6.6."},
};
#define FILLS_16 ((int64_t)(sizeof fills_16 / sizeof *fills_16))
#define FILLS_12 ((int64_t)(sizeof fills_12 / sizeof *fills_12))

/* Velocities, 0: no stroke. */
typedef struct bar {
    double at[DRUM_COUNT][STEPS_MAX];
} bar;

static double velocity_of(char digit)
{
    return digit >= '1' && digit <= '9' ? (digit - '0') / 9.0 : 0;
}

static bar bar_of(const groove *g)
{
    bar b = {{{0}}};
    for (int d = 0; d < DRUM_COUNT; d++)
        for (int s = 0; g->lanes[d] && s < g->steps; s++) b.at[d][s] = velocity_of(g->lanes[d][s]);
    return b;
}

static bool chance(ap_rng *rng, double probability)
{
    return ap_rng_uniform(rng) < probability;
}

/* Whether the step is on the beat: a quarter of the bar. */
static bool on_beat(const groove *g, int step)
{
    return step % (g->steps / 4) == 0;
}

/* Moves and adds weak strokes, never the beat. `amount` 1 makes a bar that answers another; less makes a
 * slight variation. */
static void vary(bar *b, const groove *g, ap_rng *rng, double amount)
{
    const double kick_more = 0.07, weak_less = 0.12, accent = 0.1;
    for (int s = 0; s < g->steps; s++) {
        double *kick = &b->at[DRUM_KICK][s], *snare = &b->at[DRUM_SNARE][s];
        if (on_beat(g, s)) continue;
        if (*kick == 0 && *snare == 0 && chance(rng, amount * kick_more))
            *kick = ap_synth_between(rng, 0.5, 0.8);
        if (*snare == 0 && *kick == 0 && chance(rng, g->ghosts)) *snare = ap_synth_between(rng, 0.15, 0.28);
        for (int d = 0; d < DRUM_COUNT; d++)
            if (b->at[d][s] > 0 && b->at[d][s] < 0.7 && chance(rng, amount * weak_less)) b->at[d][s] = 0;
        if (b->at[DRUM_HAT][s] > 0 && chance(rng, amount * accent)) {
            b->at[DRUM_HAT_OPEN][s] = b->at[DRUM_HAT][s];
            b->at[DRUM_HAT][s] = 0;
        }
    }
}

static void fill(bar *b, const groove *g, ap_rng *rng)
{
    int half = g->steps / 2;
    const char *const *lanes =
        g->steps == STEPS_MAX ? fills_16[ap_rng_below(rng, FILLS_16)] : fills_12[ap_rng_below(rng, FILLS_12)];
    for (int d = 0; d < DRUM_COUNT; d++)
        for (int s = half; s < g->steps; s++) b->at[d][s] = lanes[d] ? velocity_of(lanes[d][s - half]) : 0;
}

/* Plays one bar like a person: a few milliseconds and a few hundredths of velocity off. */
static void perform(drum_score *score, const bar *b, int64_t index, ap_rng *rng)
{
    const double sloppiness = 0.0025, unevenness = 0.07;
    for (int s = 0; s < score->steps; s++)
        for (int d = 0; d < DRUM_COUNT; d++) {
            if (b->at[d][s] <= 0) continue;
            double late = fmax(-2, fmin(2, ap_rng_normal(rng))) * sloppiness;
            double velocity = b->at[d][s] * (1 + unevenness * ap_rng_normal(rng));
            score->strokes = ap_reallocate(score->strokes, score->count + 1, sizeof *score->strokes);
            score->strokes[score->count++] =
                (drum_stroke){.time = ap_synth_groove_time(score, index, s) + late,
                              .drum = (drum)d,
                              .velocity = fmax(0.05, fmin(1, velocity))};
        }
}

/* The music begins a moment after the recording. */
#define LEAD 0.02

double ap_synth_groove_time(const drum_score *score, int64_t index, int step)
{
    double within = step + (step % 2 ? 2 * score->swing - 1 : 0);
    return LEAD + score->bar * ((double)index + within / score->steps);
}

drum_score ap_synth_groove(ap_rng *rng, double seconds)
{
    const groove *g = grooves + ap_rng_below(rng, GROOVES);
    drum_score score = {.groove = g->name, .steps = g->steps};
    score.bar = 60 / ap_synth_between(rng, g->slowest, g->fastest);
    score.swing = ap_synth_between(rng, g->swing_least, g->swing_most);
    int64_t phrase = chance(rng, 0.3) ? 8 : 4, begun = ap_rng_below(rng, phrase);
    bar pattern[PATTERN_BARS];
    for (int k = 0; k < PATTERN_BARS; k++) {
        pattern[k] = bar_of(g);
        vary(&pattern[k], g, rng, k == 0 ? 0.5 : 1);
    }
    bool crash = chance(rng, 0.5);
    for (int64_t index = 0; (double)index * score.bar < seconds; index++) {
        bar b = pattern[index % PATTERN_BARS];
        vary(&b, g, rng, 0.3);
        if (crash) {
            b.at[DRUM_CRASH][0] = ap_synth_between(rng, 0.6, 0.9);
            b.at[DRUM_KICK][0] = 1;
            b.at[DRUM_HAT][0] = b.at[DRUM_RIDE][0] = 0;
        }
        bool last = (begun + index + 1) % phrase == 0;
        crash = last && chance(rng, 0.7);
        if (last) fill(&b, g, rng);
        perform(&score, &b, index, rng);
    }
    return score;
}

void ap_synth_groove_free(drum_score *score)
{
    free(score->strokes);
    *score = (drum_score){.strokes = NULL};
}
