/* The reconstruction and spectral losses put together: against the definition, and where a formula taken
 * literally would divide zero by zero. */
#include "antiphon/losses.h"

#include "antiphon/audio.h"
#include "antiphon/ops.h"
#include "support/check.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

#define SAMPLES 3000

typedef ap_var *loss_fn(ap_tape *tape, ap_var *a, ap_var *b);

/* loss(a, b), and on request its gradients da, db [n], overwritten */
static double loss_of(loss_fn *loss, ap_tensor a, ap_tensor b, ap_real *da, ap_real *db)
{
    int64_t n = ap_shape_count(a.shape);
    ap_tape *tape = ap_tape_create(0);
    for (int64_t i = 0; i < n; i++) {
        if (da) da[i] = 0;
        if (db) db[i] = 0;
    }
    ap_var *y = loss(tape, ap_tape_leaf(tape, a, da), ap_tape_leaf(tape, b, db));
    double value = (double)y->value.data[0];
    ap_tape_backward(tape, y, 1);
    ap_tape_free(tape);
    return value;
}

static double tolerance(void)
{
    return sizeof(ap_real) == sizeof(double) ? 1e-10 : 1e-4;
}

/* the STFT loss from magnitudes, by its definition */
static double stft_loss_by_definition(ap_tensor a, ap_tensor b)
{
    const int sizes[3] = {512, 1024, 2048};
    double total = 0;
    for (int k = 0; k < 3; k++) {
        ap_tape *tape = ap_tape_create(0);
        ap_var *A = ap_stft_magnitude(tape, ap_tape_constant(tape, a), sizes[k], sizes[k] / 4);
        ap_var *B = ap_stft_magnitude(tape, ap_tape_constant(tape, b), sizes[k], sizes[k] / 4);
        int64_t n = ap_shape_count(A->value.shape);
        double difference = 0, reference = 0, logs = 0;
        for (int64_t i = 0; i < n; i++) {
            double p = (double)A->value.data[i], q = (double)B->value.data[i];
            difference += (p - q) * (p - q);
            reference += q * q;
            logs += fabs(log(p + 1e-5) - log(q + 1e-5));
        }
        total += sqrt(difference) / (sqrt(reference) + 1e-6) + logs / (double)n;
        ap_tape_free(tape);
    }
    return total / 3;
}

static void test_stft_loss(void **state)
{
    (void)state;
    ap_tensor a = random_tensor(1, 1, AP_SHAPE(2, SAMPLES)),
              b = random_tensor(2, (ap_real)0.3, AP_SHAPE(2, SAMPLES));
    assert_true(fabs(loss_of(ap_stft_loss, a, b, NULL, NULL) - stft_loss_by_definition(a, b)) < tolerance());
    free(a.data);
    free(b.data);
}

static ap_tensor other;

/* the mean of the losses from b and from `other`, in one go */
static ap_var *stft_mean(ap_tape *tape, ap_var *a, ap_var *b)
{
    return ap_stft_loss_mean(tape, a, 2, (ap_var *[]){b, ap_tape_constant(tape, other)});
}

static ap_var *mel_mean(ap_tape *tape, ap_var *a, ap_var *b)
{
    return ap_mel_loss_mean(tape, a, 2, (ap_var *[]){b, ap_tape_constant(tape, other)});
}

static void check_several_references(loss_fn *mean, loss_fn *single)
{
    ap_shape shape = AP_SHAPE(1, SAMPLES);
    ap_tensor a = random_tensor(1, 1, shape), b = random_tensor(2, (ap_real)0.3, shape);
    other = random_tensor(3, 2, shape);
    ap_real da[SAMPLES], db[SAMPLES], first[SAMPLES], second[SAMPLES], first_b[SAMPLES];
    double want[SAMPLES], want_b[SAMPLES];
    double at_once = loss_of(mean, a, b, da, db);
    double from_b = loss_of(single, a, b, first, first_b),
           from_other = loss_of(single, a, other, second, NULL);
    assert_true(fabs(at_once - (from_b + from_other) / 2) < tolerance());
    for (int i = 0; i < SAMPLES; i++) {
        want[i] = ((double)first[i] + (double)second[i]) / 2;
        want_b[i] = (double)first_b[i] / 2;
    }
    check_close("gradient of a", SAMPLES, da, want, tolerance() * 1e-2);
    check_close("gradient of b", SAMPLES, db, want_b, tolerance() * 1e-2);
    free(a.data);
    free(b.data);
    free(other.data);
}

static void test_several_references(void **state)
{
    (void)state;
    check_several_references(stft_mean, ap_stft_loss);
    check_several_references(mel_mean, ap_mel_loss);
}

/* one thread and three: the same bits */
static void test_threads(void **state)
{
    (void)state;
    loss_fn *const losses[] = {ap_rms_loss, ap_stft_loss};
    const int64_t n = 2 * 40001;
    ap_tensor a = random_tensor(1, 1, AP_SHAPE(2, n / 2)), b = random_tensor(2, 1, AP_SHAPE(2, n / 2));
    ap_real *gradients = malloc((size_t)(4 * n) * sizeof *gradients);
    assert_non_null(gradients);
    int threads = omp_get_max_threads();
    for (int k = 0; k < 2; k++) {
        double value[2];
        for (int many = 0; many < 2; many++) {
            omp_set_num_threads(many ? 3 : 1);
            value[many] = loss_of(losses[k], a, b, gradients + 2 * many * n, gradients + (2 * many + 1) * n);
        }
        assert_true(value[0] == value[1]);
        assert_memory_equal(gradients, gradients + 2 * n, (size_t)(2 * n) * sizeof *gradients);
    }
    omp_set_num_threads(threads);
    free(a.data);
    free(b.data);
    free(gradients);
}

/* Where a formula taken literally divides zero by zero: nothing between a signal and itself, be it silence,
 * and something finite between noise and silence, either way round. */
static void test_noise_and_silence(void **state)
{
    (void)state;
    loss_fn *const losses[] = {ap_rms_loss, ap_stft_loss, ap_mel_loss};
    ap_tensor signals[] = {random_tensor(1, 1, AP_SHAPE(1, SAMPLES)),
                           random_tensor(1, 0, AP_SHAPE(1, SAMPLES))};
    ap_real da[SAMPLES], db[SAMPLES];
    for (int k = 0; k < 3; k++)
        for (int a = 0; a < 2; a++)
            for (int b = 0; b < 2; b++) {
                double y = loss_of(losses[k], signals[a], signals[b], da, db);
                assert_true(a == b ? y == 0 : isfinite(y) && y > 0);
                for (int i = 0; i < SAMPLES; i++)
                    assert_true(a == b ? da[i] == 0 && db[i] == 0 : isfinite(da[i]) && isfinite(db[i]));
            }
    free(signals[0].data);
    free(signals[1].data);
}

/* Slaney's scale the other way round: where the 82 edges of the 80 bands lie between 0 and 12 kHz, found by
 * bisection of his mel of a frequency */
static double edge(int index)
{
    double low = 0, high = AP_SAMPLE_RATE / 2.0, top = 15 + 27 * log(12) / log(6.4);
    for (int k = 0; k < 100; k++) {
        double middle = (low + high) / 2;
        double mel = middle < 1000 ? middle * 3 / 200 : 15 + 27 * log(middle / 1000) / log(6.4);
        *(mel < top * index / 81 ? &low : &high) = middle;
    }
    return low;
}

/* each band summed from magnitudes, its triangle being the smaller of two slopes */
static double mel_loss_by_definition(ap_tensor a, ap_tensor b)
{
    ap_tape *tape = ap_tape_create(0);
    ap_var *A = ap_stft_magnitude(tape, ap_tape_constant(tape, a), 1024, 256);
    ap_var *B = ap_stft_magnitude(tape, ap_tape_constant(tape, b), 1024, 256);
    int64_t frames = A->value.shape.at[0] * A->value.shape.at[1];
    double total = 0;
    for (int band = 0; band < 80; band++) {
        double low = edge(band), peak = edge(band + 1), high = edge(band + 2);
        for (int64_t f = 0; f < frames; f++) {
            double p = 0, q = 0;
            for (int k = 0; k < 513; k++) {
                double hertz = k * 24000.0 / 1024, weight = 0;
                if (hertz > low && hertz <= peak) weight = (hertz - low) / (peak - low);
                if (hertz > peak && hertz < high) weight = (high - hertz) / (high - peak);
                p += 2 / (high - low) * weight * (double)A->value.data[f * 513 + k];
                q += 2 / (high - low) * weight * (double)B->value.data[f * 513 + k];
            }
            total += fabs(log(p + 1e-5) - log(q + 1e-5));
        }
    }
    ap_tape_free(tape);
    return total / (80.0 * (double)frames);
}

static void test_mel_loss(void **state)
{
    (void)state;
    ap_tensor a = random_tensor(1, 1, AP_SHAPE(2, SAMPLES)), b = random_tensor(2, 2, AP_SHAPE(2, SAMPLES));
    assert_true(fabs(loss_of(ap_mel_loss, a, b, NULL, NULL) - mel_loss_by_definition(a, b)) < tolerance());
    /* a factor of two everywhere is ln 2 in every band, the floor aside */
    for (int64_t i = 0; i < ap_shape_count(a.shape); i++) b.data[i] = 2 * a.data[i];
    assert_true(fabs(loss_of(ap_mel_loss, a, b, NULL, NULL) - log(2)) < 1e-3);
    free(a.data);
    free(b.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stft_loss), cmocka_unit_test(test_several_references),
        cmocka_unit_test(test_threads),   cmocka_unit_test(test_noise_and_silence),
        cmocka_unit_test(test_mel_loss),
    };
    return cmocka_run_group_tests_name("losses", tests, NULL, NULL);
}
