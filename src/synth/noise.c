#include "synth/noise.h"

#include <math.h>

double ap_synth_between(ap_rng *rng, double low, double high)
{
    return low + (high - low) * ap_rng_uniform(rng);
}

/* ---------------------------------------------------------------- noise */

/* A state-variable filter in its trapezoidal form (Zavalishin, "The Art of VA Filter Design", 2012, ch. 4).
 */
typedef struct filter {
    double g, a, low_state, band_state;
} filter;

#define FILTER_DAMPING M_SQRT2 /* Butterworth's: flat as far as it passes */

static filter filter_at(double frequency, int rate)
{
    double g = tan(M_PI * fmin(frequency / rate, 0.49)); /* the tangent's pole is at 0.5 */
    return (filter){.g = g, .a = 1 / (1 + g * (g + FILTER_DAMPING))};
}

static void filter_step(filter *f, double x, double *low, double *high)
{
    *high = (x - (FILTER_DAMPING + f->g) * f->band_state - f->low_state) * f->a;
    double band = f->g * *high + f->band_state;
    *low = f->g * band + f->low_state;
    f->band_state = band + f->g * *high;
    f->low_state = *low + f->g * band;
}

void ap_synth_noise(ap_rng *rng, int rate, double low, double high, double decay, double gain, int64_t length,
                    double *out)
{
    filter high_pass = filter_at(low, rate), low_pass = filter_at(high, rate);
    double level = gain, step = exp(-1 / (decay * rate)), passed, unused;
    for (int64_t i = 0; i < length; i++, level *= step) {
        filter_step(&high_pass, ap_synth_between(rng, -1, 1), &unused, &passed);
        filter_step(&low_pass, passed, &passed, &unused);
        out[i] += level * passed;
    }
}
