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
    double bar;         /* how long a bar is */
    int steps;          /* into how many steps it is divided */
    double swing;       /* where the second step of each two lies in their common time: 0.5 is even */
} drum_score;

/* Makes up a score of at least `seconds`, from its first bar on. */
drum_score ap_synth_groove(ap_rng *rng, double seconds);
void ap_synth_groove_free(drum_score *score);

/* When step `step` of bar `bar` is due. */
double ap_synth_groove_time(const drum_score *score, int64_t bar, int step);

/* Adds what a kit drawn from `rng` sounds like playing the score to mix. */
void ap_synth_play_drums(const drum_score *score, ap_rng *rng, int rate, int64_t count, double *mix);

/* ---------------------------------------------------------------- piano */

typedef struct piano_note {
    double time, release; /* when the hammer strikes, when the damper falls */
    int pitch;            /* MIDI: 69 is a' at 440 Hz, 60 the middle C */
    double velocity;      /* 0 to 1 */
} piano_note;

typedef struct piano_score {
    piano_note *notes; /* owned; in no particular order */
    size_t count;
    int tonic;   /* pitch class of the key: 0 is C */
    int minor;   /* 1: minor */
    double beat; /* how long a beat is */
    int beats;   /* how many make a bar */
} piano_score;

/* Makes up a piece of at least `seconds`. */
piano_score ap_synth_tune(ap_rng *rng, double seconds);
void ap_synth_tune_free(piano_score *score);

/* The fundamental of a key, and the inharmonicity B of its strings: partial n lies at n f sqrt(1 + B n^2). */
double ap_synth_piano_frequency(int pitch);
double ap_synth_piano_inharmonicity(int pitch);

/* Adds what a piano drawn from `rng` sounds like playing the score to mix. */
void ap_synth_play_piano(const piano_score *score, ap_rng *rng, int rate, int64_t count, double *mix);

#endif
