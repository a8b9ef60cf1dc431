/* Decaying sines in numbers: strings and cymbals. */
#ifndef ANTIPHON_SYNTH_BANK_H
#define ANTIPHON_SYNTH_BANK_H

#include <stdint.h>

/* So many are computed side by side, in vector registers. */
#define SYNTH_LANES 8

/* A decaying sine is what a resonator of two poles rings: y[n] = a y[n-1] - b y[n-2], with a = 2 r cos(w), b
 * = r^2, w the turn and r the decay in a sample. */
typedef struct synth_bank {
    int rate;
    int64_t length; /* of out */
    double *out;    /* what rings is added to it; borrowed */
    double a[SYNTH_LANES], b[SYNTH_LANES], last[SYNTH_LANES], before[SYNTH_LANES];
    int used;       /* lanes that wait to ring */
    double samples; /* until all of them have fallen into silence */
} synth_bank;

/* An empty bank for `length` samples at `rate`. */
synth_bank ap_synth_bank_start(int rate, int64_t length, double *out);

/* Adds strength e^(-t / decay) sin(2 pi frequency t + phase); it may ring at once or by ap_synth_bank_finish.
 * Those that are added one after the other should decay alike. */
void ap_synth_bank_add(synth_bank *bank, double frequency, double phase, double decay, double strength);

/* Lets ring what still waits. */
void ap_synth_bank_finish(synth_bank *bank);

#endif
