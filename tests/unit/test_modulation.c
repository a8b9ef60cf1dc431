/* The anti-modulation correlation cost: its published numbers, its two barriers, and signals on which a
 * formula taken literally would divide by zero. */
#include "antiphon/modulation.h"

#include "antiphon/ops.h"
#include "loss/modulation.h"
#include "loss/pearson.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES 384000
#define BATCH 2
#define COUNT (BATCH * SAMPLES)
#define MOST 6.907755278982137 /* -ln(1 - 0.999) */

static ap_tensor noise(uint64_t seed)
{
    return random_tensor(seed, 1, AP_SHAPE(BATCH, SAMPLES));
}

static double cost(ap_tensor input, ap_tensor target, ap_tensor output)
{
    return (double)ap_modulation_cost_arrays(BATCH, SAMPLES, AP_MODULATION_SEGMENTS, AP_BARRIER_ORIGINAL,
                                             input.data, target.data, output.data, NULL, NULL, NULL);
}

static void test_published_numbers(void **state)
{
    (void)state;
    ap_tensor input = noise(4), target = noise(5), output = noise(6);
    double independent = cost(input, target, output);
    assert_true(independent > 0.05 && independent < 0.3);
    for (int i = 0; i < COUNT; i++)
        output.data[i] = (ap_real)0.5 * input.data[i] + (ap_real)0.1 * output.data[i];
    double following = cost(input, target, output);
    assert_true(following > 1.5 && following < 3);
    double copy = cost(input, target, input), others = cost(target, target, input) / 2;
    assert_true(fabs(copy - others - MOST) < 1e-3);
    free(input.data);
    free(target.data);
    free(output.data);
}

/* an envelope whose correlation with a given one, both of mean 0 and equal spread, is r: r x + sqrt(1 - r^2)
 * y with y orthogonal to x */
static void test_table(void **state)
{
    (void)state;
    const double table[][2] = {{0, 0},       {0.5, 0.69},   {0.8, 1.61}, {0.9, 2.30},
                               {0.99, 4.61}, {0.999, 6.91}, {1, 6.91}};
    const ap_real x[4] = {1, -1, 1, -1}, y[4] = {1, 1, -1, -1};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        for (int sign = -1; sign <= 1; sign += 2) {
            double r = sign * table[i][0];
            ap_real e[4], source[4], other[4];
            for (int k = 0; k < 4; k++) {
                source[k] = x[k];
                other[k] = (ap_real)(k == 0 ? 1 : k == 3 ? 1 : -1); /* orthogonal to both */
                e[k] = (ap_real)(r * (double)x[k] + sqrt(1 - r * r) * (double)y[k]);
            }
            assert_true(fabs(ap_pearson(4, source, e) - r) < 1e-6);
            ap_tape *tape = ap_tape_create(0);
            ap_var *in[3] = {ap_tape_constant(tape, (ap_tensor){AP_SHAPE(1, 1, 4), source}),
                             ap_tape_constant(tape, (ap_tensor){AP_SHAPE(1, 1, 4), other}),
                             ap_tape_constant(tape, (ap_tensor){AP_SHAPE(1, 1, 4), e})};
            ap_var *paid = ap_correlation_cost(tape, in[0], in[1], in[2], 0, &AP_MODULATION_ORIGINAL);
            double got = (double)paid->value.data[0];
            assert_true(fabs(got - table[i][1]) < 0.006);
            ap_tape_free(tape);
        }
}

static void test_coefficients_are_signed(void **state)
{
    (void)state;
    /* two segments a signal: louder, then softer, and the other way round */
    const ap_real falling[4] = {1, (ap_real)-0.9, (ap_real)0.2, 0},
                  rising[4] = {0, (ap_real)-0.2, (ap_real)0.4, 1};
    ap_real r_input, r_target;
    ap_modulation_cost_arrays(1, 4, 2, AP_BARRIER_ORIGINAL, falling, rising, falling, &r_input, &r_target,
                              NULL);
    assert_true(fabs((double)r_input - 1) < 1e-5 && fabs((double)r_target + 1) < 1e-5);
}

/* the gradient with respect to the three signals on a tape */
static double cost_on_tape(ap_barrier barrier, ap_shape shape, int64_t M, ap_real *const *x,
                           ap_real *const *dx)
{
    ap_tape *tape = ap_tape_create(0);
    ap_var *in[3];
    for (int k = 0; k < 3; k++) {
        memset(dx[k], 0, (size_t)ap_shape_count(shape) * sizeof(ap_real));
        in[k] = ap_tape_leaf(tape, (ap_tensor){shape, x[k]}, dx[k]);
    }
    ap_modulation settings = {.segments = M, .barrier = barrier, .bands = 1};
    ap_var *y = ap_modulation_cost(tape, in[0], in[1], in[2], &settings);
    double value = (double)y->value.data[0];
    ap_tape_backward(tape, y, 1);
    ap_tape_free(tape);
    return value;
}

#define SHORT 500
#define SEGMENTS 25

typedef struct signals {
    ap_tensor x[3], dx[3];
} signals;

static signals signals_create(void)
{
    signals s;
    for (int k = 0; k < 3; k++) {
        s.x[k] = random_tensor(30 + (uint64_t)k, 1, AP_SHAPE(1, 1, SHORT));
        s.dx[k] = random_tensor(0, 0, AP_SHAPE(1, 1, SHORT));
    }
    return s;
}

static double signals_cost(signals *s, ap_barrier barrier)
{
    return cost_on_tape(barrier, AP_SHAPE(1, 1, SHORT), SEGMENTS,
                        (ap_real *[]){s->x[0].data, s->x[1].data, s->x[2].data},
                        (ap_real *[]){s->dx[0].data, s->dx[1].data, s->dx[2].data});
}

static void signals_free(signals *s)
{
    for (int k = 0; k < 3; k++) {
        free(s->x[k].data);
        free(s->dx[k].data);
    }
}

/* The coefficients of a report are those of the cost, and leave nothing in the arena. */
static void test_coefficients(void **state)
{
    (void)state;
    signals s = signals_create();
    ap_arena *arena = ap_arena_create();
    ap_real want[2];
    double r[2];
    ap_modulation_cost_arrays(1, SHORT, SEGMENTS, AP_BARRIER_ORIGINAL, s.x[0].data, s.x[1].data, s.x[2].data,
                              &want[0], &want[1], NULL);
    ap_modulation_coefficients(arena, SHORT, SEGMENTS, s.x[0].data, s.x[1].data, s.x[2].data, r);
    for (int source = 0; source < 2; source++)
        assert_true(r[source] != 0 && (ap_real)r[source] == want[source]);
    assert_true(ap_modulation_cost_of(r[0]) > 0);
    assert_true(isnan(ap_modulation_cost_of(NAN)));
    ap_arena_free(arena);
    signals_free(&s);
}

static double norm_of(int n, const ap_real *x)
{
    double square = 0;
    for (int i = 0; i < n; i++) square += (double)x[i] * (double)x[i];
    return sqrt(square);
}

static double norm(const ap_real *x)
{
    return norm_of(SHORT, x);
}

static void test_arrays_agree_with_tape(void **state)
{
    (void)state;
    signals s = signals_create();
    ap_real doutput[SHORT];
    for (ap_barrier barrier = AP_BARRIER_EXTENDED; barrier <= AP_BARRIER_ORIGINAL; barrier++) {
        double value = signals_cost(&s, barrier);
        ap_real same = ap_modulation_cost_arrays(1, SHORT, SEGMENTS, barrier, s.x[0].data, s.x[1].data,
                                                 s.x[2].data, NULL, NULL, doutput);
        assert_true((double)same == value);
        assert_memory_equal(doutput, s.dx[2].data, sizeof doutput);
        assert_true(norm(doutput) > 0);
    }
    signals_free(&s);
}

static void test_flat_envelopes_give_no_gradient(void **state)
{
    (void)state;
    /* silence and a constant, as output and as source; 0.1 has no exact sum in binary */
    for (int flat = 0; flat < 3; flat += 2)
        for (int level = 0; level < 2; level++) {
            signals s = signals_create();
            for (int i = 0; i < SHORT; i++) s.x[flat].data[i] = (ap_real)(0.1 * level);
            double value = signals_cost(&s, AP_BARRIER_EXTENDED);
            assert_true(isfinite(value) && value < MOST);
            if (flat == 2) assert_true(value == 0 && norm(s.dx[0].data) == 0 && norm(s.dx[1].data) == 0);
            assert_true(norm(s.dx[flat].data) == 0);
            assert_true(isfinite(norm(s.dx[2].data)) && (flat == 2 || norm(s.dx[2].data) > 0));
            signals_free(&s);
        }
}

static void test_barriers_at_a_copy(void **state)
{
    (void)state;
    signals s = signals_create();
    /* the target is silent, so that the input's term stands alone; the output copies the input, nearly */
    memset(s.x[1].data, 0, SHORT * sizeof(ap_real));
    for (int i = 0; i < SHORT; i++)
        s.x[2].data[i] = (ap_real)0.7 * s.x[0].data[i] + (ap_real)1e-3 * s.x[2].data[i];
    assert_true(fabs(signals_cost(&s, AP_BARRIER_ORIGINAL) - MOST) < 1e-5);
    assert_true(norm(s.dx[2].data) == 0);
    assert_true(fabs(signals_cost(&s, AP_BARRIER_EXTENDED) - MOST) < 1e-5);
    assert_true(norm(s.dx[2].data) > 0);
    /* downhill is away from the source: a step along -gradient lowers |r| */
    ap_real before[SEGMENTS], after[SEGMENTS], source[SEGMENTS];
    ap_envelope(1, SHORT, SEGMENTS, s.x[0].data, source, NULL);
    ap_envelope(1, SHORT, SEGMENTS, s.x[2].data, before, NULL);
    for (int i = 0; i < SHORT; i++) s.x[2].data[i] -= (ap_real)(0.1 / norm(s.dx[2].data)) * s.dx[2].data[i];
    ap_envelope(1, SHORT, SEGMENTS, s.x[2].data, after, NULL);
    assert_true(ap_pearson(SEGMENTS, source, after) < ap_pearson(SEGMENTS, source, before));
    signals_free(&s);
}

/* beyond 0.9 the extended slope is that of the tangent there, 10 dr; up to it both barriers are one */
static void test_slopes(void **state)
{
    (void)state;
    const double mixtures[] = {0.3, 0.8, -0.8, 0.95, -0.95, 0.9995};
    const ap_shape shape = AP_SHAPE(1, 1, 40);
    ap_tensor x = random_tensor(1, 1, shape), other = random_tensor(2, 1, shape);
    ap_real flat[40] = {0}, e[40];
    for (size_t i = 0; i < sizeof mixtures / sizeof *mixtures; i++) {
        double r = mixtures[i], weight = sqrt(1 - r * r);
        for (int k = 0; k < 40; k++) e[k] = (ap_real)(r * (double)x.data[k] + weight * (double)other.data[k]);
        ap_correlation c = ap_correlate(40, x.data, e);
        double u = fabs(c.r),
               slope[2] = {copysign(1 / (1 - fmin(u, 0.9)), c.r), u > 0.999 ? 0 : copysign(1 / (1 - u), c.r)};
        for (int barrier = 0; barrier < 2; barrier++) {
            ap_real want[40] = {0}, got[40] = {0};
            double wanted[40];
            ap_correlate_backward(&c, 40, x.data, e, slope[barrier], NULL, want);
            for (int k = 0; k < 40; k++) wanted[k] = (double)want[k];
            ap_tape *tape = ap_tape_create(0);
            ap_var *source = ap_tape_constant(tape, x);
            ap_var *nobody = ap_tape_constant(tape, (ap_tensor){shape, flat});
            ap_var *output = ap_tape_leaf(tape, (ap_tensor){shape, e}, got);
            ap_modulation settings = {.barrier = barrier ? AP_BARRIER_ORIGINAL : AP_BARRIER_EXTENDED};
            ap_var *y = ap_correlation_cost(tape, source, nobody, output, 0, &settings);
            ap_tape_backward(tape, y, 1);
            check_close("slope", 40, got, wanted, 1e-6);
            ap_tape_free(tape);
        }
    }
    free(x.data);
    free(other.data);
}

static void test_first_of_equal_maxima(void **state)
{
    (void)state;
    const ap_real x[8] = {0, -2, 2, 1, 0, 0, 0, 0};
    ap_real e[2];
    int64_t where[2];
    ap_envelope(1, 8, 2, x, e, where);
    assert_true(e[0] == 2 && e[1] == 0);
    assert_int_equal(where[0], 1);
    assert_int_equal(where[1], 4);
}

/* ---------------------------------------------------------------- the wider cost */

#define WIDE 6000
#define WIDE_SEGMENTS 50
#define MS 24 /* samples */

static const ap_modulation plain = {
    .segments = WIDE_SEGMENTS, .barrier = AP_BARRIER_EXTENDED, .envelope = AP_ENVELOPE_MAX, .bands = 1};

/* sources that swell and fade at random; the target's envelope is its own */
static void burst(uint64_t seed, ap_real *x)
{
    ap_tensor noise = random_tensor(seed, (ap_real)0.1, AP_SHAPE(WIDE)),
              level = random_tensor(seed + 100, 1, AP_SHAPE(WIDE / 200));
    for (int i = 0; i < WIDE; i++)
        x[i] = noise.data[i] * (level.data[i / 200] * level.data[i / 200] + (ap_real)0.05);
    free(noise.data);
    free(level.data);
}

typedef struct trio {
    ap_real x[3][WIDE], dx[3][WIDE];
} trio;

static double wide_cost(trio *t, const ap_modulation *settings)
{
    ap_tape *tape = ap_tape_create(0);
    ap_var *in[3];
    memset(t->dx, 0, sizeof t->dx);
    for (int k = 0; k < 3; k++)
        in[k] = ap_tape_leaf(tape, (ap_tensor){AP_SHAPE(1, 1, WIDE), t->x[k]}, t->dx[k]);
    ap_var *y = ap_modulation_cost(tape, in[0], in[1], in[2], settings);
    double value = (double)y->value.data[0];
    ap_tape_backward(tape, y, 1);
    ap_tape_free(tape);
    return value;
}

static trio *trio_create(void)
{
    trio *t = malloc(sizeof *t);
    assert_non_null(t);
    for (int k = 0; k < 3; k++) burst((uint64_t)k, t->x[k]);
    return t;
}

static void test_one_cost(void **state)
{
    (void)state;
    trio *t = trio_create();
    for (ap_barrier barrier = AP_BARRIER_EXTENDED; barrier <= AP_BARRIER_ORIGINAL; barrier++) {
        ap_modulation settings = plain;
        settings.barrier = barrier;
        ap_real doutput[WIDE];
        double value = wide_cost(t, &settings);
        ap_real same = ap_modulation_cost_arrays(1, WIDE, WIDE_SEGMENTS, barrier, t->x[0], t->x[1], t->x[2],
                                                 NULL, NULL, doutput);
        assert_true(value == (double)same);
        assert_memory_equal(doutput, t->dx[2], sizeof doutput);
        /* a tolerance of next to nothing changes next to nothing */
        settings.tolerance_input = 1e-12;
        assert_true(fabs(wide_cost(t, &settings) - value) < 1e-6);
    }
    free(t);
}

/* the output is the target `delay` samples late */
static void delayed_copy(trio *t, int delay)
{
    for (int i = 0; i < WIDE; i++) t->x[2][i] = i < delay ? 0 : t->x[1][i - delay];
}

static void test_lags_catch_a_delayed_copy(void **state)
{
    (void)state;
    trio *t = trio_create();
    ap_modulation lags = plain;
    lags.lag_ms = 25;
    double independent = wide_cost(t, &lags);
    for (int late = -1; late <= 1; late += 2) {
        delayed_copy(t, 20 * MS);
        if (late < 0) /* the output first, then the source */
            for (int i = 0; i < WIDE; i++) {
                ap_real swapped = t->x[1][i];
                t->x[1][i] = t->x[2][i], t->x[2][i] = swapped;
            }
        assert_true(wide_cost(t, &plain) < 2);
        assert_true(wide_cost(t, &lags) > 4 && wide_cost(t, &lags) > independent + 3);
        assert_true(norm_of(WIDE, t->dx[2]) > 0);
        for (int k = 1; k < 3; k++) burst((uint64_t)k, t->x[k]);
    }
    /* beyond the largest shift it is not noticed */
    delayed_copy(t, 60 * MS);
    assert_true(wide_cost(t, &lags) < 2);
    free(t);
}

static void test_bands_catch_a_copy_in_one(void **state)
{
    (void)state;
    trio *t = trio_create();
    /* a low tone under the target's envelope beside a much louder high one that swells by itself */
    for (int i = 0; i < WIDE; i++) {
        double time = i / 24000.0, swell = 0.6 + 0.5 * sin(2 * M_PI * 9 * time), own = i / 200 % 3 ? 0.1 : 1;
        t->x[1][i] = (ap_real)(own * (0.1 * sin(2 * M_PI * 200 * time) + 0.01 * sin(2 * M_PI * 5000 * time)));
        t->x[2][i] = (ap_real)(own * 0.1 * sin(2 * M_PI * 200 * time) + swell * sin(2 * M_PI * 5000 * time));
    }
    ap_modulation bands = plain;
    bands.bands = 3;
    memset(t->x[0], 0, sizeof t->x[0]);
    double whole = wide_cost(t, &plain), apart = wide_cost(t, &bands);
    assert_true(whole < 0.7 && apart > 2 * whole);
    free(t);
}

static void test_tolerances(void **state)
{
    (void)state;
    trio *t = trio_create();
    memset(t->x[0], 0, sizeof t->x[0]);
    for (int i = 0; i < WIDE; i++) t->x[2][i] += t->x[1][i];
    ap_real e[2][WIDE_SEGMENTS];
    for (int k = 0; k < 2; k++) ap_envelope(1, WIDE, WIDE_SEGMENTS, t->x[k + 1], e[k], NULL);
    double r = fabs(ap_pearson(WIDE_SEGMENTS, e[0], e[1]));
    assert_true(r > 0.3 && r < 0.95);
    ap_modulation settings = plain;
    settings.tolerance_target = r / 2;
    assert_true(fabs(wide_cost(t, &settings) + log(1 - (r / 2) / (1 - r / 2))) < 1e-3);
    settings.tolerance_target = r + 0.01;
    assert_true(wide_cost(t, &settings) == 0 && norm_of(WIDE, t->dx[2]) == 0);
    settings.tolerance_target = 0;
    settings.tolerance_input = 0.5; /* the other source's: nothing changes */
    assert_true(fabs(wide_cost(t, &settings) + log(1 - r)) < 1e-3);
    free(t);
}

/* However flat an envelope becomes, its gradient stays finite: |dr/de| is at most sigma_source / (1e-8 sqrt(M
 * - 1)). */
static void test_flat_envelopes_have_bounded_gradients(void **state)
{
    (void)state;
    trio *t = trio_create();
    for (ap_envelope_type type = AP_ENVELOPE_MAX; type <= AP_ENVELOPE_P8; type++)
        for (int flatness = 0; flatness < 3; flatness++) {
            const double ripple[] = {1e-6, 1e-7, 0};
            for (int i = 0; i < WIDE; i++)
                t->x[2][i] = (ap_real)((i % 2 ? 1 : -1) * (0.1 + ripple[flatness] * (i / 120 % 2)));
            ap_modulation settings = plain;
            settings.envelope = type;
            double value = wide_cost(t, &settings);
            assert_true(isfinite(value) && value < 2 * MOST);
            assert_true(norm_of(WIDE, t->dx[2]) < 2 * 10 * 0.1 / (1e-8 * sqrt(WIDE_SEGMENTS - 1)));
            if (ripple[flatness] == 0 && type == AP_ENVELOPE_MAX)
                assert_true(value == 0 && norm_of(WIDE, t->dx[2]) == 0);
        }
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_numbers),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_coefficients_are_signed),
        cmocka_unit_test(test_arrays_agree_with_tape),
        cmocka_unit_test(test_coefficients),
        cmocka_unit_test(test_flat_envelopes_give_no_gradient),
        cmocka_unit_test(test_barriers_at_a_copy),
        cmocka_unit_test(test_slopes),
        cmocka_unit_test(test_first_of_equal_maxima),
        cmocka_unit_test(test_one_cost),
        cmocka_unit_test(test_lags_catch_a_delayed_copy),
        cmocka_unit_test(test_bands_catch_a_copy_in_one),
        cmocka_unit_test(test_tolerances),
        cmocka_unit_test(test_flat_envelopes_have_bounded_gradients),
    };
    return cmocka_run_group_tests_name("modulation", tests, NULL, NULL);
}
