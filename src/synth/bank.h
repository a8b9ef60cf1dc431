/* Banks of decaying sines, for strings and cymbals. */
#ifndef ANTIPHON_SYNTH_BANK_H
#define ANTIPHON_SYNTH_BANK_H

#include <stdint.h>

/* Sines computed at the same time, in vector registers. */
#define SYNTH_LANES 8

/* A decaying sine is the impulse response of a two-pole resonator: y[n] = a y[n-1] - b y[n-2], with a = 2 r
 * cos(w), b = r^2, w the phase and r the decay per sample. */
typedef struct synth_bank {
    int rate;
    int64_t length; /* of out */
    double *out;    /* the sines are added to it; borrowed */
    double a[SYNTH_LANES], b[SYNTH_LANES], last[SYNTH_LANES], before[SYNTH_LANES];
    int used;       /* lanes filled but not yet computed */
    double samples; /* until all of them are inaudible */
} synth_bank;

/* An empty bank for `length` samples at `rate`. */
synth_bank ap_synth_bank_start(int rate, int64_t length, double *out);

/* Adds strength e^(-t / decay) sin(2 pi frequency t + phase), computed now or by ap_synth_bank_finish. Sines
 * added in succession should have similar decays. */
void ap_synth_bank_add(synth_bank *bank, double frequency, double phase, double decay, double strength);

/* Computes the sines that are still waiting. */
void ap_synth_bank_finish(synth_bank *bank);

#endif
