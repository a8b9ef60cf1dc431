#include "antiphon/synth.h"

#include "synth/synth.h"
#include "base/memory.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RATE 24000
#define SEEDS 6

typedef void synthesiser(uint64_t seed, int rate, int64_t count, ap_real *samples);
static synthesiser *const instruments[2] = {ap_synth_drums, ap_synth_piano};

/* ---------------------------------------------------------------- both instruments */

static void the_same_seed_gives_the_same_bytes(void **state)
{
    (void)state;
    const int64_t count = 4 * RATE;
    ap_real *a = ap_allocate((size_t)count, sizeof *a), *b = ap_allocate((size_t)count, sizeof *b);
    for (int k = 0; k < 2; k++) {
        instruments[k](3, RATE, count, a);
        instruments[k](3, RATE, count, b);
        assert_memory_equal(a, b, (size_t)count * sizeof *a);
        double difference = 0, square = 0;
        instruments[k](4, RATE, count, b);
        for (int64_t i = 0; i < count; i++) {
            difference += pow((double)(a[i] - b[i]), 2);
            square += pow((double)a[i], 2);
        }
        assert_true(difference > square); /* not related at all: about twice as much */
    }
    free(a);
    free(b);
}

static void the_level_is_right_and_nothing_clips(void **state)
{
    (void)state;
    const int64_t count = 4 * RATE;
    ap_real *x = ap_allocate((size_t)count, sizeof *x);
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        for (int k = 0; k < 2; k++) {
            double square = 0, peak = 0;
            instruments[k](seed, RATE, count, x);
            for (int64_t i = 0; i < count; i++) {
                square += (double)x[i] * (double)x[i];
                peak = fmax(peak, fabs((double)x[i]));
            }
            double decibels = 10 * log10(square / (double)count);
            if (fabs(decibels + 20) > 0.5) fail_msg("seed %d, instrument %d: %g dB", (int)seed, k, decibels);
            if (!(peak <= AP_SYNTH_PEAK)) fail_msg("seed %d, instrument %d: peak %g", (int)seed, k, peak);
        }
    free(x);
}

/* ---------------------------------------------------------------- measuring */

/* The magnitude at one frequency of `count` samples under a Hann window. */
static double magnitude_at(const double *x, int64_t count, double frequency)
{
    double re = 0, im = 0;
    for (int64_t i = 0; i < count; i++) {
        double y = x[i] * (0.5 - 0.5 * cos(2 * M_PI * (double)i / (double)count));
        double phase = 2 * M_PI * frequency * (double)i / RATE;
        re += y * cos(phase);
        im += y * sin(phase);
    }
    return hypot(re, im);
}

static double level(const double *x, int64_t count)
{
    double square = 0;
    for (int64_t i = 0; i < count; i++) square += x[i] * x[i];
    return 10 * log10(square / (double)count + 1e-30);
}

/* ---------------------------------------------------------------- drums */

/* The distance of a time from the nearest step of the grid. */
static double off_grid(const drum_score *score, double time)
{
    double nearest = INFINITY;
    int64_t index = (int64_t)(time / score->bar);
    for (int64_t bar = index > 0 ? index - 1 : 0; bar <= index + 1; bar++)
        for (int s = 0; s < score->steps; s++)
            nearest = fmin(nearest, fabs(time - ap_synth_groove_time(score, bar, s)));
    return nearest;
}

/* Times where the level over 4 ms rises by more than 12 dB above that of the 20 ms before. */
static int find_onsets(const double *x, int64_t count, double *times, int most)
{
    const int64_t frame = RATE / 250;
    int found = 0;
    double last = -1;
    for (int64_t at = 5 * frame; at + frame <= count && found < most; at += frame / 2) {
        double before = level(x + at - 5 * frame, 5 * frame), now = level(x + at, frame),
               time = (double)at / RATE;
        if (now < before + 12 || now < -50 || time < last + 0.06) continue;
        times[found++] = last = time;
    }
    return found;
}

static void strokes_are_heard_on_the_grid(void **state)
{
    (void)state;
    const int64_t count = 8 * RATE;
    double *mix = ap_allocate((size_t)count, sizeof *mix), times[256];
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        ap_rng rng = ap_rng_init(seed);
        drum_score score = ap_synth_groove(&rng, 8);
        memset(mix, 0, (size_t)count * sizeof *mix);
        ap_synth_play_drums(&score, &rng, RATE, count, mix);
        int found = find_onsets(mix, count, times, 256), near = 0;
        for (int k = 0; k < found; k++) near += off_grid(&score, times[k]) < 0.012;
        if (found < 8 || near < 0.95 * found)
            fail_msg("seed %d, %s: %d of %d onsets on the grid", (int)seed, score.groove, near, found);
        ap_synth_groove_free(&score);
    }
    free(mix);
}

/* Whether each bar has as many strokes as the one two bars before it, pattern for pattern. */
static bool every_bar_the_same(const drum_score *score)
{
    int strokes[32] = {0}, bars = (int)(16 / score->bar);
    for (size_t k = 0; k < score->count; k++) {
        int bar = (int)((score->strokes[k].time - ap_synth_groove_time(score, 0, 0)) / score->bar + 0.01);
        if (bar < bars) strokes[bar]++;
    }
    for (int bar = 2; bar < bars; bar++)
        if (strokes[bar] != strokes[bar - 2]) return false;
    return true;
}

static void grooves_differ_and_vary(void **state)
{
    (void)state;
    const char *names[64];
    int distinct = 0, soft = 0, hard = 0, varied = 0;
    double slowest = INFINITY, fastest = 0;
    for (uint64_t seed = 0; seed < 64; seed++) {
        ap_rng rng = ap_rng_init(seed);
        drum_score score = ap_synth_groove(&rng, 16);
        bool known = false;
        for (int k = 0; k < distinct; k++) known = known || strcmp(names[k], score.groove) == 0;
        if (!known) names[distinct++] = score.groove;
        slowest = fmin(slowest, score.bar);
        fastest = fmax(fastest, score.bar);
        for (size_t k = 0; k < score.count; k++) {
            assert_true(score.strokes[k].velocity > 0 && score.strokes[k].velocity <= 1);
            assert_true(off_grid(&score, score.strokes[k].time) < 0.006);
            soft += score.strokes[k].velocity < 0.3;
            hard += score.strokes[k].velocity > 0.9;
        }
        assert_true(score.strokes[score.count - 1].time > 16 - score.bar); /* plays to the end */
        varied += !every_bar_the_same(&score);
        ap_synth_groove_free(&score);
    }
    assert_true(distinct >= 10);
    assert_true(fastest > 2 * slowest);
    assert_true(soft > 100 && hard > 100);
    assert_true(varied > 48);
}

/* ---------------------------------------------------------------- piano */

/* One note alone, without room. */
static double *render_note(piano_note note, int64_t count)
{
    double *mix = ap_allocate((size_t)count, sizeof *mix);
    ap_rng rng = ap_rng_init(11);
    ap_synth_play_piano(&(piano_score){.notes = &note, .count = 1}, &rng, RATE, count, mix);
    return mix;
}

/* A stiff string's partials: f_n = n f0 sqrt(1 + B n^2), sharper than harmonics the higher they are. */
static void partials_are_where_a_stiff_string_has_them(void **state)
{
    (void)state;
    const int pitches[] = {40, 48, 60, 72}, partials[] = {1, 2, 3, 5, 7};
    const int64_t count = RATE;
    for (int k = 0; k < 4; k++) {
        double *x = render_note((piano_note){0, 10, pitches[k], 0.8}, count);
        double f0 = 440 * pow(2, (pitches[k] - 69) / 12.0), B = ap_synth_piano_inharmonicity(pitches[k]);
        assert_true(B > 5e-5 && B < 2e-3);
        for (int j = 0; j < 5; j++) {
            int n = partials[j];
            double want = n * f0 * sqrt(1 + B * n * n), best = 0, at = 0;
            for (double f = want - 0.3 * f0; f < want + 0.3 * f0; f += 1) {
                double m = magnitude_at(x + RATE / 20, count / 4, f);
                if (m > best) best = m, at = f;
            }
            if (fabs(at - want) > 1.5)
                fail_msg("pitch %d, partial %d at %g Hz, not %g", pitches[k], n, at, want);
        }
        free(x);
    }
    assert_true(fabs(ap_synth_piano_frequency(60) - 261.6256) < 1e-3);
}

static void a_note_decays_in_two_stages_until_the_damper_falls(void **state)
{
    (void)state;
    const int64_t count = 5 * RATE, window = RATE / 4;
    double *held = render_note((piano_note){0, 10, 60, 0.7}, count);
    double *damped = render_note((piano_note){0, 1, 60, 0.7}, count);
    double early = level(held + RATE / 4, window) - level(held + 5 * RATE / 4, window);
    double late = level(held + 3 * RATE, window) - level(held + 4 * RATE, window);
    assert_true(early > 4);
    assert_true(late > 0.5 && late < 0.7 * early);
    assert_memory_equal(held, damped, RATE * sizeof *held);
    assert_true(level(damped + 3 * RATE / 2, window) < level(held + 3 * RATE / 2, window) - 40);
    free(held);
    free(damped);
}

/* Energy above 1.5 kHz as a share of all, in dB. */
static double brightness(double velocity)
{
    const int64_t count = RATE / 2;
    double *x = render_note((piano_note){0, 10, 60, velocity}, count), low = 0, high = 0;
    for (double f = 50; f < 6000; f += 4) *(f < 1500 ? &low : &high) += pow(magnitude_at(x, count / 4, f), 2);
    free(x);
    return 10 * log10(high / (low + high));
}

static void a_harder_stroke_is_louder_and_brighter(void **state)
{
    (void)state;
    double *soft = render_note((piano_note){0, 10, 60, 0.3}, RATE),
           *hard = render_note((piano_note){0, 10, 60, 0.9}, RATE);
    assert_true(level(hard, RATE) > level(soft, RATE) + 6);
    assert_true(brightness(0.9) > brightness(0.3) + 6);
    free(soft);
    free(hard);
}

static void tunes_keep_to_their_key_and_differ(void **state)
{
    (void)state;
    static const int scales[2][12] = {{1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1},
                                      {1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1, 1}};
    int tonics[12] = {0}, modes[2] = {0}, distinct = 0;
    for (uint64_t seed = 0; seed < 64; seed++) {
        ap_rng rng = ap_rng_init(seed);
        piano_score score = ap_synth_tune(&rng, 16);
        int tonic = (score.tonic + 12) % 12, low = 0, high = 0;
        distinct += tonics[tonic]++ == 0;
        modes[score.minor]++;
        for (size_t k = 0; k < score.count; k++) {
            const piano_note *note = score.notes + k;
            assert_true(note->release > note->time && note->time >= 0);
            assert_true(note->velocity > 0 && note->velocity <= 1);
            if (note->pitch < 28 || note->pitch > 100) fail_msg("seed %d: pitch %d", (int)seed, note->pitch);
            int degree = (note->pitch - tonic + 120) % 12;
            if (!scales[score.minor][degree]) fail_msg("seed %d: degree %d is out of key", (int)seed, degree);
            low += note->pitch < 52;
            high += note->pitch >= 60;
        }
        assert_true(low > 4 && high > 8); /* both hands play */
        ap_synth_tune_free(&score);
    }
    assert_true(distinct >= 10 && modes[0] > 15 && modes[1] > 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
        cmocka_unit_test(the_level_is_right_and_nothing_clips),
        cmocka_unit_test(strokes_are_heard_on_the_grid),
        cmocka_unit_test(grooves_differ_and_vary),
        cmocka_unit_test(partials_are_where_a_stiff_string_has_them),
        cmocka_unit_test(a_note_decays_in_two_stages_until_the_damper_falls),
        cmocka_unit_test(a_harder_stroke_is_louder_and_brighter),
        cmocka_unit_test(tunes_keep_to_their_key_and_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
