/* The codecs without weights: what their bands give back, and what gains on their frames leave behind.
 * Prints what it measures. */
#include "antiphon/audio.h"
#include "antiphon/codec.h"
#include "antiphon/metrics.h"
#include "antiphon/ops.h"
#include "antiphon/synth.h"
#include "model/output.h"

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

/* ---------------------------------------------------------------- gates */

/* The gate: 12 dB, open for the first 80 of every 240 ms. */
#define GATED 48000 /* samples: 2 s */
#define PERIOD 5760
#define OPEN 1920
#define SHUT 0.251
#define STEPS (2.0 * AP_SAMPLE_RATE / PERIOD) /* a second */

static double gain_at(double sample)
{
    return fmod(sample, PERIOD) < OPEN ? 1 : SHUT;
}

/* A way to apply the gate. play writes y and the gain that each sample should have, both [GATED]. */
typedef struct way {
    const char *name;
    ap_codec_type type;
    int hop;
    void (*play)(const struct way *how, const ap_real *x, ap_real *y, double *wanted);
    bool apart; /* every band has a gate of its own, so that there is no gain of a sample */
} way;

static ap_tensor signal_of(const ap_real *x)
{
    return (ap_tensor){AP_SHAPE(1, 1, GATED), (ap_real *)x};
}

/* Each frame of latents has the gain of its middle. Samples have those of the two frames over them,
 * interpolated by the squared window. */
static void play_frames(const way *how, const ap_real *x, ap_real *y, double *wanted)
{
    fixture f = open(how->type, how->type == AP_CODEC_MCLT ? 2 * how->hop : how->hop, 0, how->hop);
    ap_var *z = encode(&f, signal_of(x));
    int64_t T = z->value.shape.at[2], count = ap_var_count(z);
    for (int64_t i = 0; i < count; i++) z->value.data[i] *= (ap_real)gain_at((double)(i % T * how->hop));
    memcpy(y, ap_codec_decode(f.tape, f.codec, z, GATED)->value.data, GATED * sizeof *y);
    for (int t = 0; t < GATED; t++) {
        int frame = t / how->hop;
        double w = sin(M_PI / 2 * ((t % how->hop) + 0.5) / how->hop);
        wanted[t] = gain_at(frame * how->hop) * (1 - w * w) + gain_at((frame + 1) * how->hop) * w * w;
    }
    close(&f);
}

/* What the default plays with: a column of gains every 53 ms, so that each step is one between two columns.
 */
static void play_takes(const way *how, const ap_real *x, ap_real *y, double *wanted)
{
    fixture f = open(AP_CODEC_MDCT, 256, 0, HOP);
    ap_takes *takes = ap_takes_create(f.params, (ap_takes_config){256, HOP, 32, 24, 8}, "takes.");
    const ap_band_gains_geometry geometry = ap_takes_geometry(takes);
    const int bands = geometry.bands, quarter = geometry.n / 4, columns = GATED / (int)geometry.spacing + 2;
    ap_tensor g = random_tensor(1, 0, AP_SHAPE(1, bands, columns));
    /* a gate of its own begins 7 columns before that of the band below */
    for (int i = 0; i < bands * columns; i++)
        g.data[i] = (ap_real)gain_at((i % columns + how->apart * 7 * (i / columns)) * geometry.spacing);
    ap_var *mixed =
        ap_band_gains(f.tape, ap_tape_constant(f.tape, signal_of(x)), ap_tape_constant(f.tape, g), geometry);
    memcpy(y, mixed->value.data, GATED * sizeof *y);
    for (int t = 0; t < GATED; t++) {
        wanted[t] = 0;
        for (int at = (t / quarter - 1) * quarter; at <= t + 2 * quarter; at += quarter) {
            double from_middle = (double)(t - at) / (4 * quarter), column = fmax(at, 0) / geometry.spacing;
            if (fabs(from_middle) >= 0.5) continue;
            const ap_real *before = g.data + (int)column;
            double late = column - floor(column);
            double gain = (1 - late) * (double)before[0] + late * (double)before[1];
            wanted[t] += gain * pow(0.5 + 0.5 * cos(2 * M_PI * from_middle), 2) / 1.5;
        }
    }
    free(g.data);
    close(&f);
}

/* The gate on the samples as it is: what nothing smooths. */
static void play_switch(const way *how, const ap_real *x, ap_real *y, double *wanted)
{
    (void)how;
    for (int t = 0; t < GATED; t++) {
        wanted[t] = gain_at(t);
        y[t] = (ap_real)(wanted[t] * (double)x[t]);
    }
}

enum { TONES, PIANO, NOISE, KINDS };

typedef struct gated {
    double alias[KINDS];  /* dB: what is neither the signal nor what the gains take away, below what they take
                             away */
    double clicks[KINDS]; /* ap_jump_rate above the source's */
    double flutter; /* of tones: standard deviation over mean of output level over wanted level, every 1 ms */
} gated;

static double alias_of(const ap_real *x, const ap_real *y, const double *wanted)
{
    double aliases = 0, taken = 0;
    for (int t = EDGE; t < GATED - EDGE; t++) {
        aliases += pow((double)y[t] - wanted[t] * (double)x[t], 2);
        taken += pow((double)x[t] * (1 - wanted[t]), 2);
    }
    return 10 * log10(fmax(aliases / taken, 1e-20));
}

static double flutter_of(const ap_real *x, const ap_real *y, const double *wanted)
{
    double sum = 0, square = 0;
    int count = 0;
    for (int t = EDGE; t + 24 < GATED - EDGE; t += 24, count++) {
        double is = 0, want = 0;
        for (int i = t; i < t + 24; i++) {
            is += pow((double)y[i], 2);
            want += pow(wanted[i] * (double)x[i], 2);
        }
        double ratio = sqrt(is / want);
        sum += ratio;
        square += ratio * ratio;
    }
    double mean = sum / count;
    return sqrt(fmax(square / count - mean * mean, 0)) / mean;
}

#define SOURCES 7

typedef struct source {
    int kind;
    double weight; /* in the mean of its kind */
    double jumps;
    ap_real x[GATED];
} source;

static double jumps_of(const ap_real *x)
{
    ap_arena *arena = ap_arena_create();
    double jumps = ap_jump_rate(arena, GATED - 2 * EDGE, x + EDGE);
    ap_arena_free(arena);
    return jumps;
}

static source *create_sources(void)
{
    const double radians[] = {0.11, 0.23, 0.37, 0.59, 0.97};
    source *s = calloc(SOURCES, sizeof *s);
    for (int k = 0; k < 5; k++) {
        s[k].kind = TONES;
        s[k].weight = 0.2;
        for (int t = 0; t < GATED; t++) s[k].x[t] = (ap_real)(0.5 * sin(radians[k] * t));
    }
    s[5].kind = PIANO;
    ap_synth_piano(1, AP_SAMPLE_RATE, GATED, s[5].x);
    ap_tensor noise = random_tensor(5, (ap_real)0.1, AP_SHAPE(1, 1, GATED));
    s[6].kind = NOISE;
    memcpy(s[6].x, noise.data, sizeof s[6].x);
    s[5].weight = s[6].weight = 1;
    free(noise.data);
    for (int k = 0; k < SOURCES; k++) s[k].jumps = jumps_of(s[k].x);
    return s;
}

static void print(const way *how, const gated *of)
{
    printf("  %-28s", how->name);
    for (int k = 0; k < KINDS; k++) how->apart ? printf(" %7s", "") : printf(" %7.1f", of->alias[k]);
    how->apart ? printf(" %10s  ", "") : printf(" %10.2f  ", 100 * of->flutter);
    for (int k = 0; k < KINDS; k++) printf(" %6.1f", of->clicks[k]);
    printf("\n");
}

static gated measure(const way *how, const source *sources)
{
    gated of = {0};
    ap_real *y = malloc(GATED * sizeof *y);
    double *wanted = malloc(GATED * sizeof *wanted);
    for (const source *s = sources; s < sources + SOURCES; s++) {
        how->play(how, s->x, y, wanted);
        of.clicks[s->kind] += s->weight * fmax(jumps_of(y) - s->jumps, 0);
        if (how->apart) continue;
        of.alias[s->kind] += s->weight * alias_of(s->x, y, wanted);
        if (s->kind == TONES) of.flutter += s->weight * flutter_of(s->x, y, wanted);
    }
    print(how, &of);
    free(wanted);
    free(y);
    return of;
}

/* No click and no alias is left where frames overlap enough (mclt, takes). mdct's aliases are 70 dB and more
 * above.
 */
static void expect_clean(const gated *of, bool apart)
{
    for (int k = 0; k < KINDS; k++) {
        assert_true(of->clicks[k] < 0.2); /* none, or one in the five tones together */
        if (!apart) assert_true(of->alias[k] < -100);
    }
    assert_true(of->flutter < 0.001);
}

static void test_gates_sound_clean(void **state)
{
    (void)state;
    enum { MDCT_320, MDCT_160, MDCT_80, MCLT, TAKES, TAKES_APART, SWITCH, WAYS };
    static const way ways[WAYS] = {
        [MDCT_320] = {"mdct, hop 320", AP_CODEC_MDCT, 320, play_frames, false},
        [MDCT_160] = {"mdct, hop 160", AP_CODEC_MDCT, 160, play_frames, false},
        [MDCT_80] = {"mdct, hop 80", AP_CODEC_MDCT, 80, play_frames, false},
        [MCLT] = {"mclt, hop 320", AP_CODEC_MCLT, 320, play_frames, false},
        [TAKES] = {"takes", 0, 0, play_takes, false},
        [TAKES_APART] = {"takes, every band for itself", 0, 0, play_takes, true},
        [SWITCH] = {"samples, switched", 0, 0, play_switch, false},
    };
    source *sources = create_sources();
    gated of[WAYS];
    printf("a gate of 12 dB                     aliases in dB       flutter   clicks a second\n"
           "                                tones   piano   noise     in %%     tones  piano  noise\n");
    for (int k = 0; k < WAYS; k++) of[k] = measure(&ways[k], sources);
    free(sources);
    for (int k = MDCT_320; k <= MDCT_80; k++) {
        for (int kind = 0; kind < KINDS; kind++) {
            assert_true(of[k].alias[kind] > -26 && of[k].alias[kind] < -15);
            if (k > MDCT_320) assert_true(of[k].alias[kind] < of[k - 1].alias[kind] - 1);
        }
        assert_true(of[k].flutter > 0.03);
    }
    expect_clean(&of[MCLT], false);
    expect_clean(&of[TAKES], false);
    expect_clean(&of[TAKES_APART], true);
    for (int kind = TONES; kind <= PIANO; kind++) assert_true(of[SWITCH].clicks[kind] > 0.7 * STEPS);
}

/* ---------------------------------------------------------------- windows of mdct */

enum { SINE, VORBIS, KAISER, WINDOWS };

/* The modified Bessel function of the first kind, of order 0. */
static double bessel(double x)
{
    double term = 1, sum = 1;
    for (int k = 1; term > 1e-17 * sum; k++) {
        term *= x * x / (4.0 * k * k);
        sum += term;
    }
    return sum;
}

/* The rising half of a window: the sine, Vorbis's, and the one derived from a Kaiser window of alpha 4 (AAC).
 */
static void fill_window(int kind, double *w)
{
    double sum = 0;
    for (int p = 0; p < HOP; p++) {
        double sine = sin(M_PI / 2 * (p + 0.5) / HOP);
        sum += bessel(4 * M_PI * sqrt(1 - pow(2.0 * p / HOP - 1, 2)));
        w[p] = kind == SINE ? sine : kind == VORBIS ? sin(M_PI / 2 * sine * sine) : sum;
    }
    for (int p = 0; p < HOP && kind == KAISER; p++) w[p] = sqrt(w[p] / (sum + 1)); /* bessel(0) is the last */
}

/* The gate on mdct's frames without a transform: a block between two frames holds the signal, and, by as much
 * as the gain steps in it, its own mirror image. */
static void play_mirrored(const double *w, const ap_real *x, ap_real *y, double *wanted)
{
    for (int t = 0; t < GATED; t++) {
        int p = t % HOP, start = t - p, q = HOP - 1 - p;
        double before = gain_at(start), behind = gain_at(start + HOP);
        wanted[t] = before * w[q] * w[q] + behind * w[p] * w[p];
        y[t] = (ap_real)(wanted[t] * (double)x[t] + (before - behind) * w[p] * w[q] * (double)x[start + q]);
    }
}

/* So no window helps much: the two halves that cross have to cross somewhere. */
static void test_no_window_helps_much(void **state)
{
    (void)state;
    static const way mdct = {"", AP_CODEC_MDCT, HOP, play_frames, false};
    source *sources = create_sources();
    ap_real *y = malloc(GATED * sizeof *y), *of_codec = malloc(GATED * sizeof *y);
    double *wanted = malloc(GATED * sizeof *wanted), *envelope = malloc(GATED * sizeof *envelope);
    double w[WINDOWS][HOP], alias[WINDOWS] = {0};
    for (int k = 0; k < WINDOWS; k++) {
        fill_window(k, w[k]);
        for (int p = 0; p < HOP; p++) /* else it is none */
            assert_true(fabs(pow(w[k][p], 2) + pow(w[k][HOP - 1 - p], 2) - 1) < 1e-9);
        for (const source *s = sources; s < sources + SOURCES; s++) {
            play_mirrored(w[k], s->x, y, wanted);
            if (s->kind == TONES) alias[k] += s->weight * alias_of(s->x, y, wanted);
        }
    }
    printf("windows of mdct, hop %d: sine %.1f dB, Vorbis's %.1f dB, Kaiser-Bessel-derived %.1f dB\n", HOP,
           alias[SINE], alias[VORBIS], alias[KAISER]);
    assert_true(alias[VORBIS] < alias[SINE] && alias[KAISER] < alias[SINE]);
    assert_true(alias[VORBIS] > alias[SINE] - 3 && alias[KAISER] > alias[SINE] - 3);

    for (const source *s = sources; s < sources + SOURCES; s++) { /* and the codec does just that */
        play_mirrored(w[SINE], s->x, y, wanted);
        for (int t = 0; t < GATED; t++) wanted[t] = (double)y[t];
        play_frames(&mdct, s->x, of_codec, envelope);
        check_close("mdct under a gate", GATED, of_codec, wanted, forward_tolerance());
    }
    free(envelope);
    free(wanted);
    free(of_codec);
    free(y);
    free(sources);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels_come_back),         cmocka_unit_test(test_tones_stay_tones),
        cmocka_unit_test(test_levels_are_in_proportion), cmocka_unit_test(test_silence_stays_silent),
        cmocka_unit_test(test_gates_sound_clean),        cmocka_unit_test(test_no_window_helps_much),
    };
    return cmocka_run_group_tests_name("lapped", tests, NULL, NULL);
}
