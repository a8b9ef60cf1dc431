/* The parts of the synthesiser: scores, and the instruments that play them. All times are in seconds. */
#ifndef ANTIPHON_SYNTH_SYNTH_H
#define ANTIPHON_SYNTH_SYNTH_H

#include "antiphon/rng.h"

#include <stddef.h>
#include <stdint.h>

/* ---------------------------------------------------------------- drums */

typedef enum drum {
    DRUM_KICK,
    DRUM_SNARE,
    DRUM_RIM, /* the stick across the snare drum's rim */
    DRUM_HAT, /* the hi-hat, closed */
    DRUM_HAT_OPEN,
    DRUM_HAT_FOOT, /* closed by the pedal */
    DRUM_RIDE,
    DRUM_CRASH,
    DRUM_TOM_HIGH,
    DRUM_TOM_MIDDLE,
    DRUM_TOM_LOW,
    DRUM_COUNT
} drum;

typedef struct drum_stroke {
    double time;
    drum drum;
    double velocity; /* 0 to 1 */
} drum_stroke;

typedef struct drum_score {
    drum_stroke *strokes; /* in the order of bars and steps; owned */
    size_t count;
    const char *groove; /* its name */
    double bar;         /* length of a bar */
    int steps;          /* steps per bar */
    double swing;       /* position of the second step within a pair of steps: 0.5 is even */
} drum_score;

/* Makes up a score of at least `seconds`, from its first bar on. */
drum_score ap_synth_groove(ap_rng *rng, double seconds);
void ap_synth_groove_free(drum_score *score);

/* The time of step `step` of bar `bar`. */
double ap_synth_groove_time(const drum_score *score, int64_t bar, int step);

/* Plays the score on a kit drawn from `rng` and adds the sound to mix. */
void ap_synth_play_drums(const drum_score *score, ap_rng *rng, int rate, int64_t count, double *mix);

/* ---------------------------------------------------------------- piano */

typedef struct piano_note {
    double time, release; /* time of the hammer's strike, and of the damper's fall */
    int pitch;            /* MIDI: 69 is a' at 440 Hz, 60 the middle C */
    double velocity;      /* 0 to 1 */
} piano_note;

typedef struct piano_score {
    piano_note *notes; /* owned; in no particular order */
    size_t count;
    int tonic;   /* pitch class of the key: 0 is C */
    int minor;   /* 1: minor */
    double beat; /* length of a beat */
    int beats;   /* beats per bar */
} piano_score;

/* Makes up a piece of at least `seconds`. */
piano_score ap_synth_tune(ap_rng *rng, double seconds);
void ap_synth_tune_free(piano_score *score);

/* The fundamental of a key, and the inharmonicity B of its strings: partial n is at n f sqrt(1 + B n^2). */
double ap_synth_piano_frequency(int pitch);
double ap_synth_piano_inharmonicity(int pitch);

/* Plays the score on a piano drawn from `rng` and adds the sound to mix. */
void ap_synth_play_piano(const piano_score *score, ap_rng *rng, int rate, int64_t count, double *mix);

#endif
