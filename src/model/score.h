/* Takes: the target struck anew by the input's hits, in several ways.
 *
 * A take is a whole signal of its own: grains of the target, one at each of the input's hits, or at some of
 * them. Which grain sounds where, how long and how loud is a score. It is written for mono signals at 24 kHz,
 * and played from recordings of any rate, a channel at a time, so that the takes of a stereo recording are
 * the same grains in both channels. The output part (output.h) then writes gains over the takes.
 *
 * What is chosen by chance comes from the seed and from the time of the hit alone: windows that overlap agree
 * about it. */
#ifndef ANTIPHON_MODEL_SCORE_H
#define ANTIPHON_MODEL_SCORE_H

#include "antiphon/arena.h"
#include "antiphon/listen.h"
#include "antiphon/real.h"

#include <stdbool.h>
#include <stdint.h>

/* The target as it is, level; the same struck at each hit; a note from nearby at each hit, short, and another
 * one held to the next hit; what the target has at the hit, half way to the next; a note from farther away at
 * every other hit; last the input's attacks, at the target's level. */
#define AP_TAKES 7
#define AP_TAKE_INPUT (AP_TAKES - 1)

/* Whether the notes of a take come from elsewhere in the target than where it is at the hit. */
bool ap_take_wanders(int take);

/* Whether the notes of a take come after the hit. */
bool ap_take_is_late(int take);

/* Times of sudden rises in samples at 24 kHz, ascending. */
typedef struct ap_hits {
    int64_t count;
    double *at; /* on the arena */
} ap_hits;

/* Those of the onsets, on the arena. */
ap_hits ap_hits_at(ap_arena *arena, ap_onsets onsets);

typedef struct ap_grain {
    double at, from, length;     /* where it sounds and where it stands in the target, in samples at 24 kHz */
    double height, highs_height; /* factors of what is low and high in it */
    double highs_length;         /* until the target strikes a note of its own */
    double decay;                /* dB a second */
} ap_grain;

typedef struct ap_score {
    int64_t S; /* samples at 24 kHz */
    int64_t levels;
    ap_real *level; /* [levels] the factor that makes the target level, every 10 ms */
    int64_t count[AP_TAKES];
    ap_grain *grains[AP_TAKES]; /* the first and the last take have none */
    const ap_real *attacks;     /* [bands, attack_T] gains that leave the input's attacks (attacks.h); NULL:
                                   silence */
    int64_t attack_T;
    double input_factor; /* what brings the input to the target's level */
} ap_score;

/* What the score of a window is written from: signals of S samples, their hits, and the gains of the input's
 * attacks; NULL: the input stays silent. */
typedef struct ap_score_sources {
    int64_t S;
    const ap_real *input, *target;
    ap_hits input_hits, target_hits;
    const ap_real *attacks; /* [bands, T] */
    int64_t T;
} ap_score_sources;

/* `origin` is where the window begins in the recording, in samples. On the arena, which must outlive it as
 * the attacks must. */
ap_score ap_score_write(ap_arena *arena, const ap_score_sources *sources, uint64_t seed, int64_t origin);

/* Plays it from one channel of both sources, [n] each at `rate`: takes [AP_TAKES, n]. */
void ap_score_play(ap_arena *arena, const ap_score *score, int rate, int64_t n, const ap_real *input,
                   const ap_real *target, ap_real *takes);

#endif
