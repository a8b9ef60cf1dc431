/* The drum kit. Each drum is a few layers of swept tones, noise and metal. */
#include "synth/noise.h"
#include "synth/synth.h"

#include "antiphon/stop.h"
#include "base/memory.h"
#include "synth/bank.h"

#include <math.h>
#include <stdlib.h>

typedef enum layer_kind {
    LAYER_END,
    LAYER_TONE,  /* a sine that falls from `high` to `low` Hz: a membrane, tighter at large amplitudes */
    LAYER_NOISE, /* noise between `low` and `high` Hz: snare wires, sticks, breath of cymbals */
    LAYER_METAL  /* partials without a common fundamental between `low` and `high` Hz: cymbals */
} layer_kind;

typedef struct layer {
    layer_kind kind;
    double low, high;
    double sweep; /* time for a tone to fall by 1/e of the way */
    double decay; /* time for the amplitude to fall by 1/e */
    double gain;
} layer;

#define LAYERS_MAX 5

static const layer drums[DRUM_COUNT][LAYERS_MAX] = {
    [DRUM_KICK] = {{LAYER_TONE, 52, 170, 0.030, 0.130, 1.0},
                   {LAYER_TONE, 95, 420, 0.006, 0.016, 0.35},
                   {LAYER_NOISE, 1500, 6000, 0, 0.004, 0.35}},
    [DRUM_SNARE] = {{LAYER_TONE, 185, 260, 0.012, 0.055, 0.50},
                    {LAYER_TONE, 331, 420, 0.010, 0.035, 0.25},
                    {LAYER_NOISE, 1400, 9000, 0, 0.075, 0.65},
                    {LAYER_NOISE, 2500, 11000, 0, 0.012, 0.60}},
    [DRUM_RIM] = {{LAYER_TONE, 510, 560, 0.01, 0.012, 0.40},
                  {LAYER_TONE, 1720, 1800, 0.01, 0.010, 0.45},
                  {LAYER_NOISE, 1800, 7000, 0, 0.005, 0.40}},
    [DRUM_HAT] = {{LAYER_METAL, 4000, 10800, 0, 0.022, 0.60}, {LAYER_NOISE, 6500, 11500, 0, 0.020, 0.32}},
    [DRUM_HAT_OPEN] = {{LAYER_METAL, 4000, 10800, 0, 0.200, 0.56},
                       {LAYER_NOISE, 6500, 11500, 0, 0.170, 0.26}},
    [DRUM_HAT_FOOT] = {{LAYER_METAL, 3500, 10000, 0, 0.035, 0.37},
                       {LAYER_NOISE, 5000, 10000, 0, 0.025, 0.20}},
    [DRUM_RIDE] = {{LAYER_METAL, 2700, 3700, 0, 0.110, 0.37},
                   {LAYER_METAL, 4000, 10500, 0, 0.380, 0.41},
                   {LAYER_NOISE, 6000, 11000, 0, 0.012, 0.20}},
    [DRUM_CRASH] = {{LAYER_METAL, 1800, 10800, 0, 0.550, 0.60}, {LAYER_NOISE, 3000, 11500, 0, 0.400, 0.35}},
    [DRUM_TOM_HIGH] = {{LAYER_TONE, 165, 240, 0.050, 0.160, 0.75},
                       {LAYER_TONE, 262, 330, 0.030, 0.060, 0.20},
                       {LAYER_NOISE, 600, 5000, 0, 0.010, 0.30}},
    [DRUM_TOM_MIDDLE] = {{LAYER_TONE, 122, 185, 0.055, 0.190, 0.80},
                         {LAYER_TONE, 194, 250, 0.035, 0.070, 0.20},
                         {LAYER_NOISE, 500, 4500, 0, 0.011, 0.30}},
    [DRUM_TOM_LOW] = {{LAYER_TONE, 86, 135, 0.060, 0.230, 0.90},
                      {LAYER_TONE, 137, 190, 0.040, 0.085, 0.20},
                      {LAYER_NOISE, 400, 4000, 0, 0.012, 0.30}},
};

/* The differences between kits: factors of each drum's frequencies, decays and noise. */
typedef struct kit {
    double tune[DRUM_COUNT], decay[DRUM_COUNT], noise[DRUM_COUNT];
    uint64_t metal; /* the seed of the cymbals' partials */
} kit;

static kit draw_kit(ap_rng *rng)
{
    kit k = {.metal = ap_rng_next(rng)};
    double shells = ap_synth_between(rng, 0.85, 1.2), cymbals = ap_synth_between(rng, 0.9, 1.1);
    double damping = ap_synth_between(rng, 0.75, 1.3), wires = ap_synth_between(rng, 0.75, 1.25);
    for (int d = 0; d < DRUM_COUNT; d++) {
        int cymbal = d >= DRUM_HAT && d <= DRUM_CRASH;
        k.tune[d] = cymbal ? cymbals : shells * ap_synth_between(rng, 0.96, 1.04);
        k.decay[d] = damping * ap_synth_between(rng, 0.9, 1.1);
        k.noise[d] = wires;
    }
    return k;
}

/* 80 dB down: inaudible. */
#define SILENCE 1e-4

static int64_t audible(double decay, double gain, int rate, int64_t length)
{
    double samples = gain > SILENCE ? decay * rate * log(gain / SILENCE) : 0;
    return samples < (double)length ? (int64_t)samples : length;
}

static void add_tone(const layer *l, double tune, double decay, double gain, int rate, int64_t length,
                     double *out)
{
    double phase = 0, level = gain, fall = 1, level_step = exp(-1 / (decay * rate)),
           fall_step = exp(-1 / (l->sweep * rate));
    for (int64_t i = 0; i < length; i++, level *= level_step, fall *= fall_step) {
        out[i] += level * sin(phase);
        phase += 2 * M_PI * tune * (l->low + (l->high - l->low) * fall) / rate;
    }
}

/* Enough to sound like metal, not like a chord. */
#define METAL_PARTIALS 32

/* Each drum has its own partials, the same for all strokes. Higher ones decay faster. */
static void add_metal(const layer *l, uint64_t seed, double tune, double decay, double gain, int rate,
                      int64_t length, double *out)
{
    const double highest = 0.48; /* as a share of the rate */
    ap_rng partials = ap_rng_init(seed);
    synth_bank cymbal = ap_synth_bank_start(rate, length, out);
    for (int p = 0; p < METAL_PARTIALS; p++) {
        double place = (p + ap_rng_uniform(&partials)) / METAL_PARTIALS,
               phase = 2 * M_PI * ap_rng_uniform(&partials);
        double frequency = tune * l->low * pow(l->high / l->low, place);
        double strength = ap_synth_between(&partials, 0.4, 1) * gain * sqrt(1.0 / METAL_PARTIALS);
        if (frequency < highest * rate)
            ap_synth_bank_add(&cymbal, frequency, phase, decay / (0.6 + 0.8 * place), strength);
    }
    ap_synth_bank_finish(&cymbal);
}

/* The cymbal that is struck. The three sounds of the hi-hat share one. */
static uint64_t cymbal_of(drum d)
{
    return d == DRUM_HAT_OPEN || d == DRUM_HAT_FOOT ? DRUM_HAT : d;
}

/* Adds the layers of a stroke to `out`, starting at the stroke. Harder strokes are brighter, not only
 * louder. */
static void add_stroke(const kit *k, const drum_stroke *s, ap_rng *rng, int rate, int64_t length, double *out)
{
    double level = pow(s->velocity, 1.4), bright = 0.45 + 0.55 * s->velocity;
    for (int j = 0; j < LAYERS_MAX && drums[s->drum][j].kind != LAYER_END; j++) {
        const layer *l = &drums[s->drum][j];
        double tune = k->tune[s->drum], decay = k->decay[s->drum] * l->decay, gain = level * l->gain;
        int64_t heard;
        switch (l->kind) {
        case LAYER_TONE:
            add_tone(l, tune, decay, gain, rate, audible(decay, gain, rate, length), out);
            break;
        case LAYER_NOISE:
            gain *= k->noise[s->drum] * bright;
            heard = audible(decay, gain, rate, length);
            ap_synth_noise(rng, rate, l->low, l->low + (l->high - l->low) * bright, decay, gain, heard, out);
            break;
        case LAYER_METAL:
            add_metal(l, k->metal + cymbal_of(s->drum), tune, decay, gain * bright, rate, length, out);
            break;
        case LAYER_END:
            break;
        }
    }
}

static int is_hat(drum d)
{
    return d == DRUM_HAT || d == DRUM_HAT_OPEN || d == DRUM_HAT_FOOT;
}

/* When the stroke is choked: an open hi-hat by its next stroke. */
static double choked_at(const drum_score *score, size_t stroke)
{
    const drum_stroke *s = score->strokes + stroke;
    double end = INFINITY;
    if (s->drum != DRUM_HAT_OPEN) return end;
    for (size_t j = 0; j < score->count; j++)
        if (is_hat(score->strokes[j].drum) && score->strokes[j].time > s->time)
            end = fmin(end, score->strokes[j].time);
    return end;
}

void ap_synth_play_drums(const drum_score *score, ap_rng *rng, int rate, int64_t count, double *mix)
{
    const double choke = 0.012; /* how fast the cymbals close on each other */
    kit k = draw_kit(rng);
    double *ring = ap_allocate((size_t)count, sizeof *ring);
    for (size_t j = 0; j < score->count && !ap_stop_asked(); j++) {
        const drum_stroke *s = score->strokes + j;
        int64_t start = (int64_t)(s->time * rate), length = count - start;
        if (start < 0 || length <= 0) continue;
        double stop = (choked_at(score, j) - s->time) * rate;
        if (stop < (double)length) length = (int64_t)fmin(stop + 5 * choke * rate, (double)length);
        for (int64_t i = 0; i < length; i++) ring[i] = 0;
        add_stroke(&k, s, rng, rate, length, ring);
        for (int64_t i = 0; i < length; i++)
            mix[start + i] += (double)i < stop ? ring[i] : ring[i] * exp((stop - (double)i) / (choke * rate));
    }
    free(ring);
}
