/* What is measured of a codec's round trip: known answers, and a codec that does not hear is found. */
#include "evaluate/round_trip.h"

#include "antiphon/synth.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES 24000

static ap_real piano[SAMPLES], drums[SAMPLES], y[SAMPLES];

static int prepare(void **state)
{
    (void)state;
    ap_synth_piano(1, 24000, SAMPLES, piano);
    ap_synth_drums(2, 24000, SAMPLES, drums);
    return 0;
}

static void measure(double values[AP_FIDELITY_COUNT])
{
    ap_arena *arena = ap_arena_create();
    ap_fidelity_of(arena, 24000, SAMPLES, piano, y, values);
    ap_arena_free(arena);
}

static void a_perfect_codec_has_perfect_measures(void **state)
{
    (void)state;
    double values[AP_FIDELITY_COUNT];
    memcpy(y, piano, sizeof y);
    measure(values);
    assert_true(values[AP_FIDELITY_SI_SDR] == 100);
    assert_true(values[AP_FIDELITY_MEL] == 0);
    assert_true(values[AP_FIDELITY_STFT] == 0);
    assert_true(fabs(values[AP_FIDELITY_CHROMA] - 1) < 1e-6);
    assert_true(fabs(values[AP_FIDELITY_ENVELOPE] - 1) < 1e-3);
}

/* What is lost between 12 and 16 kHz counts where the rate has it, and what is above does not. */
static void at_higher_rates_the_spectrum_goes_further(void **state)
{
    (void)state;
    double values[2][AP_FIDELITY_COUNT];
    const double hertz[2] = {14000, 19000};
    ap_arena *arena = ap_arena_create();
    for (int k = 0; k < 2; k++) {
        for (int t = 0; t < SAMPLES; t++)
            y[t] = piano[t] + (ap_real)(0.05 * sin(2 * M_PI * hertz[k] / 44100 * t));
        ap_fidelity_of(arena, 44100, SAMPLES, piano, y, values[k]);
    }
    assert_true(values[0][AP_FIDELITY_MEL] > 0.8 && values[1][AP_FIDELITY_MEL] < 0.2);
    assert_true(values[0][AP_FIDELITY_CHROMA] > 0.99);
    ap_arena_free(arena);
}

/* Noise 20 dB below; the level itself is not a matter of SI-SDR, but of the spectra. */
static void noise_and_level_come_out_as_they_are(void **state)
{
    (void)state;
    double values[AP_FIDELITY_COUNT], level = 0;
    for (int i = 0; i < SAMPLES; i++) level += (double)piano[i] * (double)piano[i] / SAMPLES;
    ap_tensor noise = random_tensor(3, (ap_real)(0.1 * sqrt(level)), AP_SHAPE(SAMPLES));
    for (int i = 0; i < SAMPLES; i++) y[i] = (ap_real)0.5 * (piano[i] + noise.data[i]);
    measure(values);
    assert_true(fabs(values[AP_FIDELITY_SI_SDR] - 20) < 0.2);
    free(noise.data);
    for (int i = 0; i < SAMPLES; i++) y[i] = (ap_real)0.5 * piano[i];
    measure(values);
    assert_true(values[AP_FIDELITY_SI_SDR] == 100);
    assert_true(values[AP_FIDELITY_MEL] > 4.5 &&
                values[AP_FIDELITY_MEL] < 6.03); /* 6.02 dB above the floor */
    assert_true(values[AP_FIDELITY_STFT] > 0.9 && values[AP_FIDELITY_STFT] < 0.5 + log(2) + 1e-3);
    assert_true(fabs(values[AP_FIDELITY_ENVELOPE] - 1) < 1e-3);
}

static void silence_is_far_from_music(void **state)
{
    (void)state;
    double values[AP_FIDELITY_COUNT];
    memset(y, 0, sizeof y);
    measure(values);
    assert_true(isnan(values[AP_FIDELITY_SI_SDR]));
    assert_true(values[AP_FIDELITY_MEL] > 20);
    assert_true(values[AP_FIDELITY_STFT] > 4);
    assert_true(values[AP_FIDELITY_CHROMA] == 0 && values[AP_FIDELITY_ENVELOPE] == 0);
}

static char *printed(const ap_round_trip *trip)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    bool there = ap_round_trip_print(trip, out);
    fclose(out);
    assert_int_equal(there, size > 0);
    return text;
}

static void the_table_has_what_a_codec_is_held_against(void **state)
{
    (void)state;
    ap_round_trip *trip = ap_round_trip_create(64, 320);
    char *text = printed(trip);
    assert_string_equal(text, "");
    free(text);
    ap_round_trip_add(trip, 24000, 1, SAMPLES, piano, 4, (ap_real[]){1, 2, 3, 4}, piano);
    text = printed(trip);
    assert_non_null(strstr(text, "\n  codec           100.0        0.0      0.000      1.000      1.000"));
    assert_non_null(strstr(text, "\n  mdct "));
    assert_non_null(strstr(text, "\n  silence             -"));
    free(text);
    ap_round_trip_restart(trip);
    text = printed(trip);
    assert_string_equal(text, "");
    free(text);
    ap_round_trip_free(trip);
}

/* Two inputs, and what a codec makes of them; what is said. */
static const char *told(ap_round_trip *trip, const ap_real *x, const ap_real z[2], const ap_real *out)
{
    ap_round_trip_restart(trip);
    ap_round_trip_add(trip, 24000, 1, SAMPLES, piano, 1, &z[0], piano);
    ap_round_trip_add(trip, 24000, 1, SAMPLES, x, 1, &z[1], out);
    return ap_round_trip_deaf(trip);
}

static void a_codec_that_does_not_hear_is_found(void **state)
{
    (void)state;
    ap_round_trip *trip = ap_round_trip_create(64, 320);
    const ap_real same[2] = {1, (ap_real)1.0001}, other[2] = {1, -1};
    assert_null(told(trip, drums, other, drums));
    assert_non_null(strstr(told(trip, drums, same, drums), "latents of different inputs"));
    assert_non_null(strstr(told(trip, drums, other, piano), "outputs of different inputs"));
    memset(y, 0, sizeof y);
    assert_non_null(strstr(told(trip, y, other, piano), "outputs of different inputs"));
    assert_null(told(trip, piano, same, piano)); /* which are the same */
    ap_round_trip_free(trip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_higher_rates_the_spectrum_goes_further),
        cmocka_unit_test(a_perfect_codec_has_perfect_measures),
        cmocka_unit_test(noise_and_level_come_out_as_they_are),
        cmocka_unit_test(silence_is_far_from_music),
        cmocka_unit_test(the_table_has_what_a_codec_is_held_against),
        cmocka_unit_test(a_codec_that_does_not_hear_is_found),
    };
    return cmocka_run_group_tests_name("round_trip", tests, prepare, NULL);
}
