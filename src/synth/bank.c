#include "synth/bank.h"

#include <math.h>

/* 90 dB below full strength: inaudible. */
#define SILENCE 3e-5

synth_bank ap_synth_bank_start(int rate, int64_t length, double *out)
{
    return (synth_bank){.rate = rate, .length = length, .out = out};
}

static void empty(synth_bank *bank)
{
    for (int j = 0; j < SYNTH_LANES; j++) bank->a[j] = bank->b[j] = bank->last[j] = bank->before[j] = 0;
    bank->used = 0;
    bank->samples = 0;
}

static void ring(synth_bank *bank)
{
    double a[SYNTH_LANES], b[SYNTH_LANES], last[SYNTH_LANES], before[SYNTH_LANES];
    int64_t length = bank->samples < (double)bank->length ? (int64_t)bank->samples : bank->length;
    for (int j = 0; j < SYNTH_LANES; j++) {
        a[j] = bank->a[j], b[j] = bank->b[j];
        last[j] = bank->last[j], before[j] = bank->before[j];
    }
    for (int64_t i = 0; i < length; i++) {
        double y[SYNTH_LANES];
        for (int j = 0; j < SYNTH_LANES; j++) {
            y[j] = a[j] * last[j] - b[j] * before[j];
            before[j] = last[j];
            last[j] = y[j];
        }
        bank->out[i] += ((y[0] + y[4]) + (y[1] + y[5])) + ((y[2] + y[6]) + (y[3] + y[7]));
    }
    empty(bank);
}

void ap_synth_bank_add(synth_bank *bank, double frequency, double phase, double decay, double strength)
{
    if (strength <= SILENCE) return;
    double turn = 2 * M_PI * frequency / bank->rate, r = exp(-1 / (decay * bank->rate));
    int lane = bank->used++;
    bank->a[lane] = 2 * r * cos(turn);
    bank->b[lane] = r * r;
    bank->last[lane] = strength / r * sin(phase - turn);
    bank->before[lane] = strength / (r * r) * sin(phase - 2 * turn);
    bank->samples = fmax(bank->samples, decay * bank->rate * log(strength / SILENCE));
    if (bank->used == SYNTH_LANES) ring(bank);
}

void ap_synth_bank_finish(synth_bank *bank)
{
    if (bank->used) ring(bank);
}
