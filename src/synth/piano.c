/* The piano. Each note is a set of decaying sines: a stiff string that is struck and rings between two
 * bridges. */
#include "synth/noise.h"
#include "synth/synth.h"

#include "antiphon/stop.h"
#include "base/memory.h"
#include "synth/bank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The differences between pianos. */
typedef struct piano {
    double strike;   /* point of the hammer's strike, as a share of the string */
    double hardness; /* of the felt: raises the brightness */
    double detuning; /* of the strings of one note against each other, relative */
    double sustain;  /* factor of all decays */
    double knock;    /* level of the hammer's and key's noise */
} piano;

static piano draw_piano(ap_rng *rng)
{
    return (piano){.strike = ap_synth_between(rng, 0.11, 0.14),
                   .hardness = ap_synth_between(rng, 0.75, 1.3),
                   .detuning = ap_synth_between(rng, 1.5e-4, 4.5e-4),
                   .sustain = ap_synth_between(rng, 0.8, 1.2),
                   .knock = ap_synth_between(rng, 0.6, 1.2)};
}

/* ---------------------------------------------------------------- the string */

double ap_synth_piano_frequency(int pitch)
{
    return 440 * exp2((pitch - 69) / 12.0);
}

/* Rigaud, David, Daudet: "A parametric model of piano tuning" (2011): the strings of the treble bridge, plus
 * those of the bass bridge. */
double ap_synth_piano_inharmonicity(int pitch)
{
    return exp(0.0926 * pitch - 13.64) + exp(-0.0847 * pitch - 5.82);
}

/* Initial decay time (to 1/e) of partial n at `frequency`: strings of low notes hold more energy, high
 * frequencies lose it faster. */
static double prompt_decay(const piano *p, int pitch, double frequency)
{
    const double middle = 0.8, octaves_to_half = 3, damping_frequency = 1600;
    double fundamental = middle * p->sustain * exp2((60 - pitch) / 12.0 / octaves_to_half);
    return fundamental / (1 + pow(frequency / damping_frequency, 1.3));
}

/* The strength of partial n. A partial with a node at the point of the strike gets nothing. Softer strokes
 * sound duller. In the treble, less energy goes into the higher partials. */
static double strike_strength(const piano *p, int n, double f0, double frequency, double velocity)
{
    double cutoff = (250 + 2300 * velocity * velocity) * p->hardness + 2.2 * f0;
    double node = 0.3 + fabs(sin(M_PI * n * p->strike));
    double felt = exp(-(frequency - f0) / cutoff);
    double soundboard = 1 / (1 + pow(50 / frequency, 2)); /* too small to radiate the lowest fundamentals */
    return node * felt * soundboard / pow(n, 0.9);
}

/* ---------------------------------------------------------------- a note */

/* Highest partial, as a share of the rate. */
#define HIGHEST 0.46

/* Each partial has two strings of slightly different pitch. One loses its energy quickly to the soundboard,
 * the other rings on: the two-stage decay of coupled strings (Weinreich, 1977), with slow beating. */
static void add_strings(const piano *p, const piano_note *note, ap_rng *rng, int rate, int64_t length,
                        double *out)
{
    const double after_level = 0.16, after_longer = 4.5;
    double f0 = ap_synth_piano_frequency(note->pitch), B = ap_synth_piano_inharmonicity(note->pitch);
    double apart = p->detuning * ap_synth_between(rng, 0.5, 1.5);
    synth_bank strings = ap_synth_bank_start(rate, length, out);
    for (int n = 1;; n++) {
        double frequency = n * f0 * sqrt(1 + B * n * n);
        if (frequency > HIGHEST * rate) break;
        double strength = strike_strength(p, n, f0, frequency, note->velocity);
        double decay = prompt_decay(p, note->pitch, frequency);
        /* phase 0: the string is at rest when it is struck */
        ap_synth_bank_add(&strings, frequency * (1 - apart), 0, decay, strength * (1 - after_level));
        ap_synth_bank_add(&strings, frequency * (1 + apart), 0, decay * after_longer, strength * after_level);
    }
    ap_synth_bank_finish(&strings);
}

/* The noise of the hammer on the strings and the frame, and of the key on its bed. */
static void add_blow(const piano *p, const piano_note *note, ap_rng *rng, int rate, int64_t length,
                     double *out)
{
    const struct {
        double low, high, decay, gain;
    } parts[] = {{60, 350, 0.030, 0.30}, {700, 3500, 0.006, 0.25}};
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
        int64_t heard = (int64_t)(8 * parts[k].decay * rate);
        ap_synth_noise(rng, rate, parts[k].low, parts[k].high, parts[k].decay,
                       p->knock * parts[k].gain * note->velocity, heard < length ? heard : length, out);
    }
}

/* The damper takes longer on heavy strings, and the highest have none. */
static double damper_decay(int pitch)
{
    const int undamped = 89;
    return pitch >= undamped ? INFINITY : 0.045 * exp2((60 - pitch) / 24.0);
}

/* Contact time of the felt and the string: a few milliseconds, less for hard strokes and for the light
 * hammers of the treble. */
static double contact_time(const piano_note *note)
{
    return 0.0035 * exp2((48 - note->pitch) / 36.0) * (1.3 - note->velocity);
}

/* Multiplies by the envelope: a rise while the hammer touches the string, a decay from the damper on, and
 * the loudness. */
static void shape(const piano_note *note, int rate, int64_t length, double *out)
{
    double loudness = 0.12 + 0.88 * pow(note->velocity, 1.8), rise = contact_time(note) * rate;
    double damped = (note->release - note->time) * rate, step = exp(-1 / (damper_decay(note->pitch) * rate));
    double level = loudness;
    for (int64_t i = 0; i < length; i++) {
        double touch = (double)i < rise ? 0.5 - 0.5 * cos(M_PI * (double)i / rise) : 1;
        if ((double)i > damped) level *= step;
        out[i] *= touch * level;
    }
}

void ap_synth_play_piano(const piano_score *score, ap_rng *rng, int rate, int64_t count, double *mix)
{
    const double fade = 10; /* damper decay times until silence */
    piano p = draw_piano(rng);
    double *ring = ap_allocate((size_t)count, sizeof *ring);
    for (size_t k = 0; k < score->count && !ap_stop_asked(); k++) {
        const piano_note *note = score->notes + k;
        int64_t start = (int64_t)(note->time * rate), length = count - start;
        double end = (note->release - note->time + fade * damper_decay(note->pitch)) * rate;
        if (start < 0 || length <= 0) continue;
        if (end < (double)length) length = (int64_t)end;
        memset(ring, 0, (size_t)length * sizeof *ring);
        add_strings(&p, note, rng, rate, length, ring);
        add_blow(&p, note, rng, rate, length, ring);
        shape(note, rate, length, ring);
        for (int64_t i = 0; i < length; i++) mix[start + i] += ring[i];
    }
    free(ring);
}
