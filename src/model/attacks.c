#include "model/attacks.h"

#include "antiphon/rate.h"
#include "ops/band_gains.h"
#include "ops/stft_bands.h"

#include <math.h>

/* 1 - s / l, where l is a band's level and s follows it with the time constant FOLLOW. */
#define LENGTH 512
#define HOP 120
#define BANDS 24
#define FOLLOW 0.06
/* The least level that counts, as a magnitude of the transform: -80 dB of a full-scale tone. */
#define FLOOR 0.0128

ap_band_gains_geometry ap_attack_geometry(void)
{
    return (ap_band_gains_geometry){.n = LENGTH, .rate = AP_SAMPLE_RATE, .bands = BANDS, .spacing = HOP};
}

/* gains [BANDS, T] of one item's levels [T, BANDS] */
static void follow(int64_t T, const ap_real *levels, ap_real *gains)
{
    const double keep = exp(-HOP / (FOLLOW * AP_SAMPLE_RATE));
    for (int m = 0; m < BANDS; m++) {
        double slow = (double)levels[m];
        for (int64_t t = 0; t < T; t++) {
            double level = (double)levels[t * BANDS + m];
            gains[m * T + t] = (ap_real)fmax(0, (level - slow) / (level + FLOOR));
            slow = level + keep * (slow - level);
        }
    }
}

ap_tensor ap_attack_gains(ap_tape *tape, ap_var *x)
{
    int64_t B = x->value.shape.at[0], T = ap_stft_frames(x->value.shape.at[2], HOP);
    ap_tensor gains = {AP_SHAPE(B, BANDS, T),
                       ap_arena_alloc(ap_tape_arena(tape), (size_t)(B * BANDS * T) * sizeof(ap_real))};
    ap_tape_enter(tape);
    const ap_var *levels =
        ap_stft_bands(tape, x, LENGTH, HOP, ap_band_means(tape, ap_attack_geometry())->value);
    for (int64_t b = 0; b < B; b++) follow(T, levels->value.data + b * T * BANDS, gains.data + b * T * BANDS);
    ap_tape_leave(tape, x);
    return gains;
}

ap_var *ap_attacks(ap_tape *tape, ap_var *x)
{
    return ap_band_gains(tape, x, ap_tape_constant(tape, ap_attack_gains(tape, x)), ap_attack_geometry());
}
