/* The terms of the compose objective on signals of which one knows what they should say. */
#include "antiphon/guidance.h"

#include "antiphon/audio.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES 12000 /* half a second */

typedef ap_var *term_fn(ap_tape *tape, ap_var *output, ap_var *reference);

static ap_var *variation(ap_tape *tape, ap_var *output, ap_var *reference)
{
    (void)reference;
    return ap_variation_loss(tape, output, (ap_real)0.6, 50);
}

static ap_var *onset(ap_tape *tape, ap_var *output, ap_var *reference)
{
    return ap_onset_loss(tape, output, reference, NULL, AP_ONSET_BINS);
}

static ap_var *onset_in_bands(ap_tape *tape, ap_var *output, ap_var *reference)
{
    return ap_onset_loss(tape, output, reference, NULL, AP_ONSET_BANDS);
}

/* the second source of the mixture is no signal of a test's */
static ap_var *mixture(ap_tape *tape, ap_var *output, ap_var *reference)
{
    static ap_real other[SAMPLES];
    for (int t = 0; t < SAMPLES; t++) other[t] = (ap_real)(0.2 * sin(0.001 * t * sqrt(t)));
    ap_var *second = ap_tape_constant(tape, (ap_tensor){AP_SHAPE(1, 1, SAMPLES), other});
    return ap_mixture_loss(tape, output, reference, second, 0);
}

static term_fn *const TERMS[] = {onset,     onset_in_bands, ap_chroma_loss, ap_timbre_loss,
                                 variation, ap_level_loss,  mixture};
#define TERM_COUNT ((int)(sizeof TERMS / sizeof *TERMS))

typedef struct signal {
    ap_real x[SAMPLES], dx[SAMPLES];
} signal;

static double term(term_fn *build, signal *output, signal *reference)
{
    ap_shape shape = AP_SHAPE(1, 1, SAMPLES);
    memset(output->dx, 0, sizeof output->dx);
    memset(reference->dx, 0, sizeof reference->dx);
    ap_tape *tape = ap_tape_create(0);
    ap_var *a = ap_tape_leaf(tape, (ap_tensor){shape, output->x}, output->dx);
    ap_var *b = ap_tape_leaf(tape, (ap_tensor){shape, reference->x}, reference->dx);
    ap_var *y = build(tape, a, b);
    double value = (double)y->value.data[0];
    ap_tape_backward(tape, y, 1);
    ap_tape_free(tape);
    return value;
}

/* bursts of a decaying tone every `period` samples, after `delay`; period 0: one steady tone */
static void play(signal *s, double hertz, int period, int delay, double level)
{
    for (int t = 0; t < SAMPLES; t++) {
        double since = period ? (t + period - delay) % period : 0;
        s->x[t] = (ap_real)(level * exp(-since / 600) * sin(2 * M_PI * hertz * t / AP_SAMPLE_RATE));
    }
}

static void check_small(const char *what, double value, double most)
{
    if (!(fabs(value) <= most)) fail_msg("%s: %g is more than %g", what, value, most);
}

static void check_less(const char *what, double low, double high)
{
    if (!(low < high)) fail_msg("%s: %g is not less than %g", what, low, high);
}

static signal a, b;

static void test_the_same_signal_costs_nothing(void **state)
{
    (void)state;
    play(&a, 330, 3000, 0, 0.3);
    for (int k = 0; k < TERM_COUNT; k++) {
        if (TERMS[k] == variation || TERMS[k] == mixture) continue;
        memcpy(b.x, a.x, sizeof b.x);
        check_small("same signal", term(TERMS[k], &a, &b), 1e-5);
    }
}

static void test_onset_hears_time_not_pitch(void **state)
{
    (void)state;
    play(&a, 330, 3000, 0, 0.3);
    play(&b, 440, 3000, 0, 0.2);
    double together = term(onset, &a, &b);
    play(&b, 330, 3000, 1500, 0.3);
    double apart = term(onset, &a, &b);
    check_less("onsets", together, 0.3);
    check_less("onsets", 0.7, apart);
}

static void test_chroma_hears_pitch_class(void **state)
{
    (void)state;
    play(&a, 220, 0, 0, 0.3);
    play(&b, 440, 0, 0, 0.1); /* an octave up and softer */
    double octave = term(ap_chroma_loss, &a, &b);
    play(&b, 311.13, 0, 0, 0.3); /* a tritone up */
    double tritone = term(ap_chroma_loss, &a, &b);
    check_less("chroma", octave, 0.1);
    check_less("chroma", 0.8, tritone);
}

static void test_timbre_hears_spectrum_not_time(void **state)
{
    (void)state;
    play(&a, 330, 3000, 0, 0.3);
    play(&b, 330, 3000, 1500, 0.3);
    double later = term(ap_timbre_loss, &a, &b);
    play(&b, 2640, 3000, 0, 0.3);
    double brighter = term(ap_timbre_loss, &a, &b);
    check_less("timbre", 2 * later, brighter);
}

static void test_variation_makes_drones_pay(void **state)
{
    (void)state;
    play(&a, 330, 3000, 0, 0.3);
    check_small("bursts", term(variation, &a, &b), 0);
    play(&a, 330, 0, 0, 0.3);
    check_less("drone", 0.5, term(variation, &a, &b));
    memset(a.x, 0, sizeof a.x);
    check_small("silence", term(variation, &a, &b) - 0.6, 1e-6);
}

static void test_level_is_a_ratio(void **state)
{
    (void)state;
    play(&a, 330, 0, 0, 0.4);
    play(&b, 330, 0, 0, 0.2);
    check_small("twice the amplitude", term(ap_level_loss, &a, &b) - log(4), 1e-3);
}

static void test_mixture_knows_a_mix(void **state)
{
    (void)state;
    play(&a, 330, 3000, 0, 0.3);
    play(&b, 330, 3000, 0, 0.1);
    check_small("a softer copy", term(mixture, &a, &b) - 1, 3e-3);
    play(&b, 330, 3000, 200, 0.3);
    check_less("later", term(mixture, &a, &b), 0.9);
    play(&b, 494, 3000, 0, 0.3);
    check_small("another tone", term(mixture, &a, &b), 0.02);
    memset(a.x, 0, sizeof a.x);
    check_small("silence", term(mixture, &a, &b), 0);
}

static void test_silence(void **state)
{
    (void)state;
    for (int k = 0; k < TERM_COUNT; k++)
        for (int silent = 1; silent < 4; silent++) {
            play(&a, 330, 3000, 0, 0.3);
            play(&b, 440, 2000, 0, 0.3);
            if (silent & 1) memset(a.x, 0, sizeof a.x);
            if (silent & 2) memset(b.x, 0, sizeof b.x);
            assert_true(isfinite(term(TERMS[k], &a, &b)));
            for (int i = 0; i < SAMPLES; i++) assert_true(isfinite(a.dx[i]) && isfinite(b.dx[i]));
        }
}

/* a small step against the gradient lowers the term by what the gradient says */
static void test_descent(void **state)
{
    (void)state;
    for (int k = 0; k < TERM_COUNT; k++) {
        play(&a, 330, TERMS[k] == variation ? 0 : 3000, 0, 0.3);
        play(&b, 466, 2000, 300, 0.2);
        ap_rng rng = ap_rng_init(5);
        for (int t = 0; t < SAMPLES; t++) a.x[t] += (ap_real)(0.01 * ap_rng_normal(&rng));
        for (int t = 0; t < SAMPLES; t++) b.x[t] += (ap_real)(0.01 * ap_rng_normal(&rng));
        double before = term(TERMS[k], &a, &b), square = 0;
        for (int t = 0; t < SAMPLES; t++) square += (double)a.dx[t] * (double)a.dx[t];
        assert_true(square > 0);
        double expected = 1e-4, step = expected / square;
        for (int t = 0; t < SAMPLES; t++) a.x[t] -= (ap_real)(step * (double)a.dx[t]);
        double fall = before - term(TERMS[k], &a, &b);
        if (!(fall > 0.8 * expected && fall < 1.2 * expected))
            fail_msg("term %d falls by %g, not %g", k, fall, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_signal_costs_nothing),
        cmocka_unit_test(test_onset_hears_time_not_pitch),
        cmocka_unit_test(test_chroma_hears_pitch_class),
        cmocka_unit_test(test_timbre_hears_spectrum_not_time),
        cmocka_unit_test(test_variation_makes_drones_pay),
        cmocka_unit_test(test_level_is_a_ratio),
        cmocka_unit_test(test_mixture_knows_a_mix),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_descent),
    };
    return cmocka_run_group_tests_name("guidance", tests, NULL, NULL);
}
