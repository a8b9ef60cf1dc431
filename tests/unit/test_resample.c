/* Converting sampling rates: what is kept, what must not fold back, time, length, and streams in blocks. */
#include "audio/resample.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECONDS 2
#define AMPLITUDE 0.5
#define PHASE 0.3

static const int rates[][2] = {{48000, 24000}, {44100, 24000}, {44100, 48000}, {48000, 44100},
                               {24000, 48000}, {24000, 44100}, {96000, 24000}, {22050, 48000},
                               {8000, 24000},  {44101, 24000}};
#define CASES (int)(sizeof rates / sizeof *rates)

static double sine(double hertz, int rate, int64_t i)
{
    return AMPLITUDE * sin(2 * M_PI * hertz * (double)i / rate + PHASE);
}

static ap_real *sines(double hertz, int rate)
{
    ap_real *x = malloc((size_t)rate * SECONDS * sizeof *x);
    for (int64_t i = 0; i < (int64_t)rate * SECONDS; i++) x[i] = (ap_real)sine(hertz, rate, i);
    return x;
}

/* The power of the converted sine less `wanted` times what it should be, in dB of the sine's own power,
 * away from the ends. */
static double difference(int from, int to, double hertz, double wanted)
{
    int64_t m = (int64_t)to * SECONDS;
    ap_real *x = sines(hertz, from), *y = malloc((size_t)m * sizeof *y);
    double sum = 0;
    ap_resample(from, to, (int64_t)from * SECONDS, x, m, y);
    for (int64_t i = to / 4; i < m - to / 4; i++) sum += pow((double)y[i] - wanted * sine(hertz, to, i), 2);
    free(x);
    free(y);
    return 10 * log10(sum / (double)(m - to / 2) / (AMPLITUDE * AMPLITUDE / 2) + 1e-30);
}

static double half(int from, int to)
{
    return 0.5 * (from < to ? from : to);
}

/* At the top a delay of a hundredth of a sample would leave -31 dB. */
static void what_both_rates_have_is_kept_and_in_time(void **state)
{
    (void)state;
    const double places[] = {0.01, 0.2, 0.5, 0.8, 0.9};
    for (int k = 0; k < CASES; k++)
        for (int p = 0; p < 5; p++) {
            double hertz = places[p] * half(rates[k][0], rates[k][1]),
                   rest = difference(rates[k][0], rates[k][1], hertz, 1);
            if (rest > -58)
                fail_msg("%d to %d: %g Hz differs by %.0f dB", rates[k][0], rates[k][1], hertz, rest);
        }
}

static void what_only_the_old_rate_has_disappears(void **state)
{
    (void)state;
    const double places[] = {1.01, 1.1, 1.3, 1.7, 1.9};
    for (int k = 0; k < CASES; k++)
        for (int p = 0; p < 5; p++) {
            double hertz = places[p] * half(rates[k][0], rates[k][1]);
            if (hertz >= 0.5 * rates[k][0]) continue;
            double rest = difference(rates[k][0], rates[k][1], hertz, 0);
            if (rest > -115)
                fail_msg("%d to %d: of %g Hz %.0f dB are left", rates[k][0], rates[k][1], hertz, rest);
        }
}

/* An octave up, half of the samples are new, and mirror images must not be heard. */
static void nothing_appears_above_the_old_rate(void **state)
{
    (void)state;
    enum { FROM = 24000, TO = 48000 };
    static ap_real y[TO * SECONDS];
    ap_real *x = sines(9000, FROM);
    double in_phase = 0, quadrature = 0;
    ap_resample(FROM, TO, (int64_t)FROM * SECONDS, x, (int64_t)TO * SECONDS, y);
    for (int64_t i = TO / 2; i < TO * 3 / 2; i++) { /* whole periods of the image at 15 kHz */
        in_phase += (double)y[i] * cos(2 * M_PI * 15000 * (double)i / TO);
        quadrature += (double)y[i] * sin(2 * M_PI * 15000 * (double)i / TO);
    }
    assert_true(2 * hypot(in_phase, quadrature) / TO < 1e-6 * AMPLITUDE);
    free(x);
}

static void beyond_the_end_is_silence(void **state)
{
    (void)state;
    ap_real x[600], y[1000];
    for (int i = 0; i < 600; i++) x[i] = (ap_real)sine(1000, 48000, i);
    ap_resample(48000, 24000, 600, x, 1000, y);
    for (int i = 302; i < 1000; i++) assert_true(y[i] == 0);
    ap_resample(48000, 48000, 600, x, 1000, y);
    for (int i = 0; i < 1000; i++) assert_true(y[i] == (i < 600 ? x[i] : 0));
    ap_resample(48000, 24000, 600, x, 7, y); /* no more than there is room for */
}

/* Pushes frames of two channels through a stream, `block` at a time; returns how many came. */
static int64_t stream(int from, int to, int64_t n, const float *x, int64_t block, int64_t m, float *y)
{
    ap_resampler *r = ap_resampler_create(from, to, 2);
    int64_t at = 0, made = 0, taken, given;
    do {
        int64_t count = n - at < block ? n - at : block, room = m - made < block ? m - made : block;
        ap_resampler_run(r, count, at < n ? x + 2 * at : NULL, &taken, room, y + 2 * made, &given);
        at += taken;
        made += given;
    } while (at < n || given > 0);
    ap_resampler_free(r);
    return made;
}

static void blocks_do_not_matter_and_channels_are_apart(void **state)
{
    (void)state;
    enum { FROM = 44100, TO = 48000 };
    static float x[2 * FROM], whole[2 * (TO + 8)], pieces[2 * (TO + 8)];
    for (int64_t i = 0; i < FROM; i++) x[2 * i] = (float)sine(500, FROM, i); /* the right is silent */
    int64_t made = stream(FROM, TO, FROM, x, FROM + TO, TO + 8, whole);
    assert_true(llabs(made - TO) <= 1);
    for (int64_t block = 17; block < 9000; block = block * 3 + 1) {
        assert_int_equal(stream(FROM, TO, FROM, x, block, TO + 8, pieces), made);
        for (int64_t i = 0; i < 2 * made; i++) assert_true(pieces[i] == whole[i]);
    }
    for (int64_t i = 0; i < made; i++) assert_true(whole[2 * i + 1] == 0);
}

static void only_ratios_within_bounds_are_converted(void **state)
{
    (void)state;
    assert_true(ap_resampler_converts(96000, 375) && ap_resampler_converts(375, 96000));
    assert_false(ap_resampler_converts(96000, 374) || ap_resampler_converts(374, 96000));
    assert_false(ap_resampler_converts(1, 1000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_both_rates_have_is_kept_and_in_time),
        cmocka_unit_test(what_only_the_old_rate_has_disappears),
        cmocka_unit_test(nothing_appears_above_the_old_rate),
        cmocka_unit_test(beyond_the_end_is_silence),
        cmocka_unit_test(blocks_do_not_matter_and_channels_are_apart),
        cmocka_unit_test(only_ratios_within_bounds_are_converted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
