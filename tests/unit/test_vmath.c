/* The elementary functions over arrays, held to the accuracy that their header states. */
#include "kernels/vmath.h"

#include "support/check.h"

#include <float.h>
#include <math.h>

/* Many times a vector and a rest; a sweep of this many numbers between two bounds. */
#define COUNT 40003

typedef void array_fn(int64_t n, const ap_real *x, ap_real *y);
typedef double scalar_fn(double x);

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double elu(double x)
{
    return x > 0 ? x : expm1(x);
}

static void sweep(double low, double high, ap_real *x)
{
    for (int i = 0; i < COUNT; i++) x[i] = (ap_real)(low + (high - low) * i / (COUNT - 1));
}

/* |y - want| <= ulps of want + absolute everywhere, from one array to another and in place. */
static void check_function(const char *name, array_fn *f, scalar_fn *want, double low, double high,
                           double ulps, double absolute)
{
    static ap_real x[COUNT], y[COUNT];
    double epsilon = sizeof(ap_real) == sizeof(double) ? DBL_EPSILON : FLT_EPSILON;
    sweep(low, high, x);
    f(COUNT, x, y);
    for (int i = 0; i < COUNT; i++) {
        double exact = want((double)x[i]);
        if (!(fabs((double)y[i] - exact) <= ulps * epsilon * fabs(exact) + absolute))
            fail_msg("%s(%.9g) is %.9g, not %.9g", name, (double)x[i], (double)y[i], exact);
    }
    f(COUNT, x, x);
    for (int i = 0; i < COUNT; i++) assert_true(x[i] == y[i]);
    x[0] = (ap_real)NAN;
    f(1, x, y);
    assert_true(isnan((double)y[0]));
}

static void functions_are_as_exact_as_they_say(void **state)
{
    (void)state;
    check_function("exp", ap_vexp, exp, -87.2, 88.2, 2, 0);
    check_function("tanh", ap_vtanh, tanh, -20, 20, 0, 2e-7);
    check_function("sigmoid", ap_vsigmoid, sigmoid, -80, 80, 0, 2e-7);
    check_function("erf", ap_verf, erf, -5, 5, 5, 0);
    check_function("log", ap_vlog, log, 1e-30, 3, 4, 1e-7);
    check_function("log", ap_vlog, log, 1, 1e30, 4, 1e-7);
    check_function("asinh", ap_vasinh, asinh, -0.6, 0.6, 4, 0);
    check_function("asinh", ap_vasinh, asinh, -1e3, 1e3, 4, 0);
    check_function("asinh", ap_vasinh, asinh, -1e37, 1e37, 4, 0);
    check_function("elu", ap_velu, elu, -80, 20, 0, 2e-7);
}

static void the_slope_of_elu_is_as_exact(void **state)
{
    (void)state;
    static ap_real x[COUNT], dy[COUNT], dx[COUNT];
    sweep(-80, 20, x);
    sweep(3, -3, dy);
    ap_velu_back(COUNT, x, dy, dx);
    for (int i = 0; i < COUNT; i++) {
        double exact = (double)dy[i] * (x[i] > 0 ? 1 : exp((double)x[i]));
        assert_true(fabs((double)dx[i] - exact) <= 2e-7 * fabs((double)dy[i]));
    }
    ap_velu_back(COUNT, x, dy, dy);
    for (int i = 0; i < COUNT; i++) assert_true(dx[i] == dy[i]);
    x[0] = (ap_real)NAN;
    ap_velu_back(1, x, dx, dx);
    assert_true(isnan((double)dx[0]));
    /* from y = ELU(x), alone and added */
    static ap_real sum[COUNT];
    sweep(-1, 20, x);
    sweep(3, -3, dy);
    sweep(-5, 5, sum);
    ap_velu_back_of(COUNT, x, dy, dx);
    ap_velu_back_of_add(COUNT, x, dy, sum);
    for (int i = 0; i < COUNT; i++) {
        double exact = (double)dy[i] * (x[i] > 0 ? 1 : 1 + (double)x[i]),
               before = -5 + 10.0 * i / (COUNT - 1);
        assert_true(fabs((double)dx[i] - exact) <= 2e-7 * fabs((double)dy[i]));
        assert_true(fabs((double)sum[i] - (before + exact)) <= 1e-6);
    }
}

static void exp_stays_finite(void **state)
{
    (void)state;
    ap_real x[2] = {(ap_real)-1e30, 200}, y[2];
    ap_vexp(2, x, y);
    assert_true(y[0] >= 0 && (double)y[0] < 1.3e-38);
    assert_true(isfinite((double)y[1]) && (double)y[1] > 2e38);
}

static void the_largest_is_found_wherever_it_stands(void **state)
{
    (void)state;
    ap_real x[99];
    for (int n = 1; n <= 99; n++)
        for (int at = 0; at < n; at++) {
            for (int i = 0; i < n; i++) x[i] = (ap_real)(-5 - i % 7);
            x[at] = -4;
            assert_true(ap_vmax(n, x) == -4);
        }
}

static void shifted_exponentials_and_their_sum(void **state)
{
    (void)state;
    static ap_real x[COUNT], y[COUNT];
    const int lengths[] = {1, 31, 1024, 1025, COUNT};
    const double rounding = sizeof(ap_real) == sizeof(float) ? 4 * FLT_EPSILON : 1e-14;
    sweep(-10, 5, x);
    for (int l = 0; l < 5; l++) {
        double want = 0, sum = ap_vexp_sum(lengths[l], x, 5, y);
        for (int i = 0; i < lengths[l]; i++) {
            double exact = exp((double)(x[i] - 5));
            assert_true(fabs((double)y[i] - exact) <= 1e-6 * exact);
            want += (double)y[i];
        }
        assert_true(fabs(sum - want) <= rounding * want);
    }
}

/* Columns and rows of a matrix, as wide as a few vectors and not a whole number of them. */
static void exponentials_of_columns_and_of_rows(void **state)
{
    (void)state;
    enum { ROWS = AP_VEXP_ROWS };
    static ap_real x[COUNT], columns[COUNT], rows[COUNT], most[COUNT], shift[COUNT], sum[COUNT];
    const int64_t widths[] = {1, 15, 32, 45};
    const ap_real factor = (ap_real)0.125;
    const double rounding = sizeof(ap_real) == sizeof(float) ? 8 * FLT_EPSILON : 1e-14;
    for (int w = 0; w < 4; w++) {
        int64_t n = widths[w];
        for (int64_t i = 0; i < ROWS * n; i++)
            columns[i] = rows[i] = x[i] = (ap_real)(40 * sin((double)(i * i)));
        for (int64_t i = 0; i < n; i++) most[i] = -50, sum[i] = 1;
        ap_vmax_columns(ROWS, n, x, most);
        for (int64_t i = 0; i < n; i++) {
            ap_real largest = x[i];
            for (int64_t r = 1; r < ROWS; r++) largest = x[r * n + i] > largest ? x[r * n + i] : largest;
            assert_true(most[i] == largest);
        }
        for (int64_t i = 0; i < n || i < ROWS; i++) shift[i] = 5 + (ap_real)i / 100;
        ap_vexp_columns(ROWS, n, factor, shift, columns, sum);
        ap_vexp_rows(ROWS, n, factor, shift, rows);
        for (int64_t i = 0; i < n; i++) {
            double total = 1;
            for (int64_t r = 0; r < ROWS; r++) {
                double scaled = (double)factor * (double)x[r * n + i];
                double column = exp(scaled - (double)shift[i]), row = exp(scaled - (double)shift[r]);
                assert_true(fabs((double)columns[r * n + i] - column) <= 2e-6 * column);
                assert_true(fabs((double)rows[r * n + i] - row) <= 2e-6 * row);
                total += (double)columns[r * n + i];
            }
            assert_true(fabs((double)sum[i] - total) <= rounding * total);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_are_as_exact_as_they_say),
        cmocka_unit_test(the_slope_of_elu_is_as_exact),
        cmocka_unit_test(exp_stays_finite),
        cmocka_unit_test(the_largest_is_found_wherever_it_stands),
        cmocka_unit_test(shifted_exponentials_and_their_sum),
        cmocka_unit_test(exponentials_of_columns_and_of_rows),
    };
    return cmocka_run_group_tests_name("vmath", tests, NULL, NULL);
}
