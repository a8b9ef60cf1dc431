#include "antiphon/synth.h"

#include "antiphon/stop.h"
#include "base/memory.h"
#include "synth/noise.h"
#include "synth/synth.h"

#include <math.h>
#include <stdlib.h>

/* ---------------------------------------------------------------- room */

/* A feedback comb filter with a low-pass filter in its loop, since sound loses high frequencies with every
 * reflection (Moorer, 1979). */
static void comb(const double *x, double *y, int64_t count, int64_t delay, double feedback, double dullness)
{
    double *line = ap_allocate((size_t)delay, sizeof *line), dulled = 0;
    for (int64_t i = 0, at = 0; i < count; i++, at = at + 1 == delay ? 0 : at + 1) {
        y[i] += line[at];
        dulled += (1 - dullness) * (line[at] - dulled);
        line[at] = x[i] + feedback * dulled;
    }
    free(line);
}

/* Schroeder's all-pass filter (1962): smears in time, keeps the spectrum. */
static void all_pass(double *x, int64_t count, int64_t delay, double feedback)
{
    double *line = ap_allocate((size_t)delay, sizeof *line);
    for (int64_t i = 0, at = 0; i < count; i++, at = at + 1 == delay ? 0 : at + 1) {
        double delayed = line[at];
        line[at] = x[i] + feedback * delayed;
        x[i] = delayed - feedback * line[at];
    }
    free(line);
}

typedef struct room {
    double size;    /* 1: delays as below */
    double seconds; /* to -60 dB */
    double wet;     /* level of the reflections */
} room;

/* Delays without a common rhythm, in seconds. */
static const double comb_delays[] = {0.0297, 0.0371, 0.0411, 0.0437, 0.0253, 0.0321};
static const double all_pass_delays[] = {0.0050, 0.0017, 0.0091};
#define COMBS (sizeof comb_delays / sizeof *comb_delays)
#define ALL_PASSES (sizeof all_pass_delays / sizeof *all_pass_delays)

static void add_room(const room *r, int rate, int64_t count, double *mix)
{
    const double dullness = 0.35, diffusion = 0.6;
    double *echo = ap_allocate((size_t)count, sizeof *echo);
    for (size_t k = 0; k < COMBS && !ap_stop_asked(); k++) {
        double delay = comb_delays[k] * r->size;
        comb(mix, echo, count, (int64_t)(delay * rate) + 1, pow(1e-3, delay / r->seconds), dullness);
    }
    for (size_t k = 0; k < ALL_PASSES; k++)
        all_pass(echo, count, (int64_t)(all_pass_delays[k] * r->size * rate) + 1, diffusion);
    for (int64_t i = 0; i < count; i++) mix[i] += r->wet / COMBS * echo[i];
    free(echo);
}

/* ---------------------------------------------------------------- level */

static double rms(const double *x, int64_t count)
{
    double square = 0;
    for (int64_t i = 0; i < count; i++) square += x[i] * x[i];
    return sqrt(square / (double)count);
}

/* Soft clipping: keeps x below the knee and bends larger values smoothly towards the peak. */
static double bend(double x)
{
    const double knee = 0.6;
    double size = fabs(x), room_left = AP_SYNTH_PEAK - knee;
    return size <= knee ? x : copysign(knee + room_left * tanh((size - knee) / room_left), x);
}

/* Bending lowers the level a little; the next round restores it. */
static void set_level(double *mix, int64_t count, ap_real *samples)
{
    for (int round = 0; round < 3; round++) {
        double level = rms(mix, count), gain = level > 0 ? AP_SYNTH_RMS / level : 0;
        for (int64_t i = 0; i < count; i++) mix[i] = bend(gain * mix[i]);
    }
    for (int64_t i = 0; i < count; i++) samples[i] = (ap_real)mix[i];
}

/* ---------------------------------------------------------------- both instruments */

/* The random stream of each instrument. */
enum { STREAM_DRUMS = 1, STREAM_PIANO = 2 };

static ap_rng stream(uint64_t seed, uint64_t which)
{
    ap_rng rng = ap_rng_init(seed);
    rng.counter = which;
    return ap_rng_init(ap_rng_next(&rng));
}

static room small_room(ap_rng *rng, double wet)
{
    return (room){
        .size = ap_synth_between(rng, 0.6, 1.1), .seconds = ap_synth_between(rng, 0.25, 0.5), .wet = wet};
}

void ap_synth_drums(uint64_t seed, int rate, int64_t count, ap_real *samples)
{
    ap_rng rng = stream(seed, STREAM_DRUMS);
    double *mix = ap_allocate((size_t)count, sizeof *mix);
    drum_score score = ap_synth_groove(&rng, (double)count / rate);
    room r = small_room(&rng, ap_synth_between(&rng, 0.1, 0.25));
    ap_synth_play_drums(&score, &rng, rate, count, mix);
    add_room(&r, rate, count, mix);
    set_level(mix, count, samples);
    ap_synth_groove_free(&score);
    free(mix);
}

void ap_synth_piano(uint64_t seed, int rate, int64_t count, ap_real *samples)
{
    ap_rng rng = stream(seed, STREAM_PIANO);
    double *mix = ap_allocate((size_t)count, sizeof *mix);
    piano_score score = ap_synth_tune(&rng, (double)count / rate);
    room r = small_room(&rng, ap_synth_between(&rng, 0.2, 0.4));
    ap_synth_play_piano(&score, &rng, rate, count, mix);
    add_room(&r, rate, count, mix);
    set_level(mix, count, samples);
    ap_synth_tune_free(&score);
    free(mix);
}
