/* A number that is not finite shows in all that is computed from it: no clamp, maximum or comparison makes it
 * look sound. */
#include "antiphon/guidance.h"
#include "antiphon/losses.h"
#include "antiphon/modulation.h"
#include "loss/modulation.h"
#include "loss/pearson.h"
#include "support/check.h"
#include "track/console.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { S = 9600, M = 50 };

static const ap_real bad[] = {(ap_real)NAN, -(ap_real)NAN, (ap_real)INFINITY};
#define BAD_COUNT (sizeof bad / sizeof *bad)

static void correlations(void **state)
{
    (void)state;
    const double clean[] = {1, 2, 1, 3, 1, 2};
    enum { N = sizeof clean / sizeof *clean };
    ap_real x[N], constant[N] = {1, 1, 1, 1, 1, 1};
    for (size_t k = 0; k < BAD_COUNT; k++)
        for (int at = 0; at < N; at++) {
            ap_real y[N], flat[N];
            for (int i = 0; i < N; i++) x[i] = (ap_real)clean[i];
            memcpy(y, x, sizeof y);
            memcpy(flat, constant, sizeof flat);
            y[at] = flat[at] = bad[k];
            assert_true(isnan(ap_pearson(N, x, y)) && isnan(ap_pearson(N, y, x)) &&
                        isnan(ap_pearson(N, y, y)));
            assert_true(isnan(ap_pearson(N, x, flat)) && isnan(ap_pearson(N, constant, flat)));
            assert_false(isfinite(ap_variation_of(N, flat)));
        }
    ap_real infinite[N];
    for (int i = 0; i < N; i++) infinite[i] = (ap_real)INFINITY;
    assert_true(isnan(ap_pearson(N, infinite, constant)));
    assert_true(ap_pearson(N, constant, constant) == 0);
    assert_true(isnan(ap_modulation_cost_of(NAN)));
    assert_true(isnan(ap_barrier_slope(AP_BARRIER_EXTENDED, NAN)));
}

static ap_var *cost(ap_tape *tape, ap_var *o, ap_var *i, ap_var *t, ap_envelope_type envelope, int bands)
{
    const ap_modulation settings = {.segments = M,
                                    .barrier = AP_BARRIER_EXTENDED,
                                    .envelope = envelope,
                                    .bands = bands,
                                    .lag_ms = 50,
                                    .tolerance_input = 0.2,
                                    .tolerance_target = 0.2};
    return ap_modulation_cost(tape, i, t, o, &settings);
}

#define TERM_COUNT 14

/* Every term of the loss that hears the output: `which` of them. */
static ap_var *term(ap_tape *tape, int which, ap_var *o, ap_var *i, ap_var *t)
{
    switch (which) {
    case 0:
        return ap_rms_loss(tape, o, i);
    case 1:
        return ap_stft_loss_mean(tape, o, 2, (ap_var *[]){i, t});
    case 2:
        return ap_mel_loss_mean(tape, o, 2, (ap_var *[]){i, t});
    case 3:
        return ap_onset_loss(tape, o, i, NULL, AP_ONSET_BINS);
    case 4:
        return ap_onset_loss(tape, o, i, NULL, AP_ONSET_BANDS);
    case 5:
        return ap_chroma_loss(tape, o, t);
    case 6:
        return ap_timbre_loss(tape, o, t);
    case 7:
        return ap_variation_loss(tape, o, (ap_real)0.6, M);
    case 8:
        return ap_level_loss(tape, o, t);
    case 9:
        return ap_mixture_loss(tape, o, i, t, (ap_real)0.3);
    case 10:
        return ap_modulation_cost(tape, i, t, o, &AP_MODULATION_ORIGINAL);
    case 11:
        return cost(tape, o, i, t, AP_ENVELOPE_MAX, 1);
    case 12:
        return cost(tape, o, i, t, AP_ENVELOPE_RMS, 1);
    default:
        return cost(tape, o, i, t, AP_ENVELOPE_P8, 4);
    }
}

static void terms_of_the_loss(void **state)
{
    (void)state;
    ap_tape *tape = ap_tape_create(1);
    ap_tensor signals[3];
    for (int k = 0; k < 3; k++) signals[k] = random_tensor((uint64_t)k, (ap_real)0.1, AP_SHAPE(1, 1, S));
    for (int which = 0; which < TERM_COUNT; which++)
        for (size_t k = 0; k <= BAD_COUNT; k++) {
            ap_real *at = &signals[0].data[S / 2 + 7], kept = *at;
            if (k < BAD_COUNT) *at = bad[k];
            ap_tape_reset(tape);
            ap_var *o = ap_tape_constant(tape, signals[0]), *i = ap_tape_constant(tape, signals[1]),
                   *t = ap_tape_constant(tape, signals[2]);
            double value = (double)term(tape, which, o, i, t)->value.data[0];
            *at = kept;
            if (isfinite(value) != (k == BAD_COUNT))
                fail_msg("term %d of an output that holds %g is %g", which,
                         k < BAD_COUNT ? (double)bad[k] : 0, value);
        }
    for (int k = 0; k < 3; k++) free(signals[k].data);
    ap_tape_free(tape);
}

/* What an epoch prints, of an output with `number` among its samples. */
static char *printed(const ap_real *source, ap_real number)
{
    char *text;
    size_t length;
    ap_real *output = malloc(S * sizeof *output);
    assert_non_null(output);
    memcpy(output, source, S * sizeof *output);
    output[S / 3] = number;
    ap_epoch_report report = {.epoch = 1, .S = S, .input = source, .target = source, .output = output};
    for (int k = 0; k < AP_MEASURE_COUNT; k++) {
        report.train.present[k] = report.validation.present[k] = true;
        report.train.value[k] = report.validation.value[k] = (double)number;
    }
    FILE *stream = open_memstream(&text, &length);
    assert_non_null(stream);
    ap_console console = {.out = stream};
    ap_step_report step = {.measures = report.train};
    ap_console_step(&console, &step);
    ap_console_epoch(&console, &report);
    fclose(stream);
    free(output);
    return text;
}

static void what_the_console_prints(void **state)
{
    (void)state;
    ap_tensor source = random_tensor(1, (ap_real)0.1, AP_SHAPE(S));
    for (int k = 0; k < 2; k++) { /* with either sign */
        char *text = printed(source.data, bad[k]);
        assert_non_null(strstr(text, "loss nan  corr cost nan"));
        assert_non_null(strstr(text, "train loss nan  val loss nan"));
        assert_non_null(strstr(text, "train nan  val nan  |r| nan nan"));
        assert_non_null(strstr(text, "r_input +nan  r_target +nan  cost nan"));
        assert_non_null(strstr(text, "?"));
        assert_null(strstr(text, "-nan"));
        free(text);
    }
    free(source.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(correlations),
        cmocka_unit_test(terms_of_the_loss),
        cmocka_unit_test(what_the_console_prints),
    };
    return cmocka_run_group_tests_name("not_finite", tests, NULL, NULL);
}
