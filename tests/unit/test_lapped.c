/* The codecs without weights: what their bands give back, and what gains on their frames leave behind.
 * Prints what it measures. */
#include "antiphon/codec.h"
#include "antiphon/ops.h"

#include "support/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOP 320
#define SAMPLES 24000
#define EDGE 2000 /* samples at the ends that are not judged */

typedef struct fixture {
    ap_params *params;
    ap_codec *codec;
    ap_tape *tape;
} fixture;

static fixture open(ap_codec_type type, int dim, int bands, int hop)
{
    fixture f = {.params = ap_params_create(), .tape = ap_tape_create(0)};
    const ap_codec_config config = {.type = type, .dim = dim, .bands = bands, .hop = hop, .gain = 8};
    f.codec = ap_codec_create(f.params, &config);
    return f;
}

static void close(fixture *f)
{
    ap_tape_free(f->tape);
    ap_codec_free(f->codec);
    ap_params_free(f->params);
}

static ap_var *encode(const fixture *f, ap_tensor x)
{
    return ap_codec_encode(f->tape, f->codec, ap_tape_constant(f->tape, x));
}

static const ap_real *decode(const fixture *f, ap_var *z)
{
    return ap_codec_decode(f->tape, f->codec, z, SAMPLES)->value.data;
}

/* two tones, of `low` and `high` radians a sample */
static ap_tensor tones(double low, double high)
{
    ap_tensor x = random_tensor(1, 1, AP_SHAPE(1, 1, SAMPLES));
    for (int t = 0; t < SAMPLES; t++) x.data[t] = (ap_real)(0.5 * sin(low * t) + 0.2 * sin(high * t + 1));
    return x;
}

static double power(int n, const ap_real *x)
{
    double sum = 0;
    for (int t = 0; t < n; t++) sum += (double)x[t] * (double)x[t];
    return sum / n;
}

/* |sum of x e^(-i w t)|^2 / n under a Hann window */
static double line(int n, const ap_real *x, double w)
{
    double re = 0, im = 0;
    for (int t = 0; t < n; t++) {
        double window = 1 - cos(2 * M_PI * (t + 0.5) / n);
        re += window * (double)x[t] * cos(w * t);
        im += window * (double)x[t] * sin(w * t);
    }
    return (re * re + im * im) / n;
}

/* ---------------------------------------------------------------- bands */

/* What stands for the part above: the output less that of the same codec without levels. */
static ap_real *above(ap_codec_type type, int dim, int bands, ap_tensor x)
{
    fixture f = open(type, dim, bands, HOP);
    ap_var *z = encode(&f, x);
    ap_real *upper = malloc(SAMPLES * sizeof *upper);
    ap_real *copy = malloc((size_t)ap_var_count(z) * sizeof *copy);
    memcpy(copy, z->value.data, (size_t)ap_var_count(z) * sizeof *copy);
    int64_t T = z->value.shape.at[2];
    memset(copy + (dim - bands) * T, 0, (size_t)(bands * T) * sizeof *copy);
    const ap_real *low = decode(&f, ap_tape_constant(f.tape, (ap_tensor){z->value.shape, copy}));
    const ap_real *y = decode(&f, z);
    for (int t = 0; t < SAMPLES; t++) upper[t] = y[t] - low[t];
    free(copy);
    close(&f);
    return upper;
}

/* The level above the cut comes back, of noise and of tones. */
static void test_levels_come_back(void **state)
{
    (void)state;
    const double cut = M_PI * 112 / HOP;
    ap_tensor noise = random_tensor(5, (ap_real)0.1, AP_SHAPE(1, 1, SAMPLES)), two = tones(0.9, 2.0);
    ap_real *of_noise = above(AP_CODEC_MDCT, 128, 16, noise), *of_two = above(AP_CODEC_MDCT, 128, 16, two);
    double want_noise = 0.01 * (1 - cut / M_PI), want_two = 0.02;
    double got_noise = power(SAMPLES - 2 * EDGE, of_noise + EDGE),
           got_two = power(SAMPLES - 2 * EDGE, of_two + EDGE);
    printf("level above the cut: noise %+.2f dB, tone %+.2f dB\n", 10 * log10(got_noise / want_noise),
           10 * log10(got_two / want_two));
    assert_true(fabs(10 * log10(got_noise / want_noise)) < 0.3);
    assert_true(fabs(10 * log10(got_two / want_two)) < 1);
    free(of_noise);
    free(of_two);
    free(noise.data);
    free(two.data);
}

/* The standard deviation of the level of 10 ms, over its mean, of a signal that should be steady. */
static double unsteadiness(const ap_real *x)
{
    enum { WIDTH = 240 };
    double sum = 0, square = 0;
    int count = 0;
    for (int at = EDGE; at + WIDTH <= SAMPLES - EDGE; at += WIDTH, count++) {
        double level = sqrt(power(WIDTH, x + at));
        sum += level;
        square += level * level;
    }
    double mean = sum / count;
    return sqrt(fmax(square / count - mean * mean, 0)) / mean;
}

/* The share of the energy that is in the strongest line and its neighbours: of a tone all, of hiss next to
 * none. */
static double tonality(const ap_real *x)
{
    enum { N = 2048 };
    double strongest = 0, all = power(N, x + EDGE) * N, lines[N / 2];
    for (int k = 0; k < N / 2; k++) lines[k] = line(N, x + EDGE, 2 * M_PI * k / N);
    for (int k = 2; k + 2 < N / 2; k++) {
        double sum = 0;
        for (int side = -2; side <= 2; side++) sum += lines[k + side];
        strongest = fmax(strongest, 4.0 / 3 * sum); /* the window takes a quarter of each half */
    }
    return strongest / all;
}

/* A steady tone above the cut stays one, where noise would flutter and hiss. */
static void test_tones_stay_tones(void **state)
{
    (void)state;
    const ap_codec_type types[] = {AP_CODEC_MDCT, AP_CODEC_MCLT};
    ap_tensor x = tones(0.9, 2.0), noise = random_tensor(5, (ap_real)0.1, AP_SHAPE(1, 1, SAMPLES));
    for (int k = 0; k < 2; k++) {
        int dim = k ? 240 : 128;
        ap_real *upper = above(types[k], dim, 16, x), *hiss = above(types[k], dim, 16, noise);
        double flutter = unsteadiness(upper), share = tonality(upper), of_hiss = tonality(hiss);
        printf("%s: a tone above the cut flutters by %.1f %%, %.0f %% of it in one line; of noise %.1f %%\n",
               k ? "mclt" : "mdct", 100 * flutter, 100 * share, 100 * of_hiss);
        assert_true(flutter < 0.06);
        assert_true(share > 0.8);
        assert_true(of_hiss < 0.05);
        free(upper);
        free(hiss);
    }
    free(x.data);
    free(noise.data);
}

/* Whatever scales the latents scales the sound: gains mean in the levels what they mean elsewhere. */
static void test_levels_are_in_proportion(void **state)
{
    (void)state;
    ap_tensor x = random_tensor(5, (ap_real)0.1, AP_SHAPE(1, 1, SAMPLES));
    fixture f = open(AP_CODEC_MDCT, 128, 16, HOP);
    ap_var *z = encode(&f, x);
    const ap_real *whole = decode(&f, z), *less = decode(&f, ap_scale(f.tape, z, (ap_real)0.125));
    for (int t = 0; t < SAMPLES; t++) assert_true(fabs((double)less[t] - 0.125 * (double)whole[t]) < 1e-6);
    close(&f);
    free(x.data);
}

static void test_silence_stays_silent(void **state)
{
    (void)state;
    ap_tensor x = random_tensor(5, 0, AP_SHAPE(1, 1, SAMPLES));
    fixture f = open(AP_CODEC_MCLT, 128, 16, HOP);
    const ap_real *y = decode(&f, encode(&f, x));
    for (int t = 0; t < SAMPLES; t++) assert_true(y[t] == 0);
    close(&f);
    free(x.data);
}

/* ---------------------------------------------------------------- gains on frames */

/* The gain of sample t where frames have gains: interpolated by the squared window. */
static double envelope(const double *gains, int hop, int t)
{
    int frame = t / hop + 1; /* the later of the two frames over t */
    double w = sin(M_PI / 2 * ((t % hop) + 0.5) / hop);
    return gains[frame - 1] * (1 - w * w) + gains[frame] * w * w;
}

typedef struct gated {
    double alias; /* dB: what is neither the signal nor what the gains take away, below what they take away */
    double flutter; /* standard deviation over mean of output level over wanted level, every 1 ms */
} gated;

/* A tone of full bandwidth under a gate of 12 dB that opens for 80 of every 240 ms. */
static gated gate(ap_codec_type type, int hop, double radians)
{
    fixture f = open(type, type == AP_CODEC_MCLT ? 2 * hop : hop, 0, hop);
    ap_tensor x = tones(radians, 0);
    ap_var *z = encode(&f, x);
    int64_t T = z->value.shape.at[2], D = z->value.shape.at[1];
    double *gains = malloc((size_t)T * sizeof *gains), aliases = 0, taken = 0, sum = 0, square = 0;
    int count = 0;
    for (int64_t k = 0; k < T; k++) gains[k] = k * hop % 5760 < 1920 ? 1 : pow(10, -12.0 / 20);
    for (int64_t i = 0; i < D * T; i++) z->value.data[i] *= (ap_real)gains[i % T];
    const ap_real *y = decode(&f, z);
    for (int t = EDGE; t + 24 < SAMPLES - EDGE; t += 24) {
        double is = 0, wanted = 0;
        for (int i = t; i < t + 24; i++) {
            double want = envelope(gains, hop, i) * (double)x.data[i];
            aliases += pow((double)y[i] - want, 2);
            taken += pow((double)x.data[i] - want, 2);
            is += pow((double)y[i], 2);
            wanted += want * want;
        }
        double ratio = sqrt(is / wanted);
        sum += ratio;
        square += ratio * ratio;
        count++;
    }
    free(gains);
    free(x.data);
    close(&f);
    double mean = sum / count;
    return (gated){10 * log10(aliases / taken), sqrt(fmax(square / count - mean * mean, 0)) / mean};
}

static gated gate_tones(ap_codec_type type, int hop)
{
    const double radians[] = {0.11, 0.23, 0.37, 0.59, 0.97};
    gated mean = {0, 0};
    for (int k = 0; k < 5; k++) {
        gated one = gate(type, hop, radians[k]);
        mean.alias += one.alias / 5;
        mean.flutter += one.flutter / 5;
    }
    return mean;
}

static void test_gains_leave_no_aliases_in_mclt(void **state)
{
    (void)state;
    const int hops[] = {320, 160, 80};
    printf("a gate of 12 dB:   hop  aliases dB  flutter %%\n");
    for (int k = 0; k < 3; k++) {
        gated mdct = gate_tones(AP_CODEC_MDCT, hops[k]), mclt = gate_tones(AP_CODEC_MCLT, hops[k]);
        printf("  mdct %15d %10.1f %10.1f\n  mclt %15d %10.1f %10.2f\n", hops[k], mdct.alias,
               100 * mdct.flutter, hops[k], mclt.alias, 100 * mclt.flutter);
        assert_true(mdct.alias > -30 && mdct.flutter > 0.01); /* else the test measures nothing */
        assert_true(mclt.alias < -80);
        assert_true(mclt.flutter < 0.01);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels_come_back),
        cmocka_unit_test(test_tones_stay_tones),
        cmocka_unit_test(test_levels_are_in_proportion),
        cmocka_unit_test(test_silence_stays_silent),
        cmocka_unit_test(test_gains_leave_no_aliases_in_mclt),
    };
    return cmocka_run_group_tests_name("lapped", tests, NULL, NULL);
}
