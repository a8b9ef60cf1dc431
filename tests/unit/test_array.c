/* Sums, transposition, columns and copies of arrays long enough for several threads and for none. */
#include "kernels/array.h"
#include "kernels/fft_lanes.h"
#include "kernels/stream.h"

#include "support/check.h"

#include <math.h>
#include <stdlib.h>

static const int64_t LENGTHS[] = {0, 1, 1023, 1024, 1025, 65535, 65536, 200003};

static void sums_are_those_of_double(void **state)
{
    (void)state;
    for (int l = 0; l < 8; l++) {
        int64_t n = LENGTHS[l];
        ap_tensor x = random_tensor(1, 1, AP_SHAPE(n + 1)), y = random_tensor(2, 1, AP_SHAPE(n + 1));
        double sum = 0, dot = 0;
        for (int64_t i = 0; i < n; i++) {
            sum += (double)x.data[i];
            dot += (double)x.data[i] * (double)y.data[i];
        }
        assert_true(fabs(ap_array_sum(n, x.data) - sum) < 1e-9);
        assert_true(fabs(ap_array_dot(n, x.data, y.data) - dot) < 1e-9);
        free(x.data);
        free(y.data);
    }
}

static void blocks_cover_every_element_once(void **state)
{
    (void)state;
    for (int l = 0; l < 8; l++) {
        int64_t n = LENGTHS[l];
        ap_tensor x = random_tensor(1, 1, AP_SHAPE(n + 1)), y = random_tensor(2, 1, AP_SHAPE(n + 1));
        double *want = malloc((size_t)(n + 1) * sizeof *want);
        assert_non_null(want);
        for (int64_t i = 0; i <= n; i++) want[i] = (double)y.data[i] + (i < n ? 2 * (double)x.data[i] : 0);
        ap_array_accumulate(n, 2, x.data, y.data);
        check_close("accumulate", n + 1, y.data, want, forward_tolerance());
        free(x.data);
        free(y.data);
        free(want);
    }
}

/* A P x Q corner of a larger matrix into a corner of another, whose rest stays as it is. */
static void check_transpose(int64_t P, int64_t Q, bool add)
{
    int64_t ldx = Q + 3, ldy = P + 5;
    ap_tensor x = random_tensor(1, 1, AP_SHAPE(P, ldx)), y = random_tensor(2, 1, AP_SHAPE(Q, ldy));
    double *want = malloc((size_t)(Q * ldy) * sizeof *want);
    assert_non_null(want);
    for (int64_t q = 0; q < Q; q++)
        for (int64_t p = 0; p < ldy; p++) {
            double before = (double)y.data[q * ldy + p];
            want[q * ldy + p] = p < P ? (add ? before : 0) + (double)x.data[p * ldx + q] : before;
        }
    ap_matrix_transpose(P, Q, x.data, ldx, add, y.data, ldy);
    check_close("transpose", Q * ldy, y.data, want, forward_tolerance());
    free(x.data);
    free(y.data);
    free(want);
}

static void transposition_keeps_to_its_corner(void **state)
{
    (void)state;
    for (int add = 0; add < 2; add++) {
        check_transpose(1, 1, add);
        check_transpose(31, 33, add);
        check_transpose(64, 96, add);
        check_transpose(301, 203, add);
    }
}

static void columns_add_up(void **state)
{
    (void)state;
    const int64_t sizes[][2] = {{1, 1}, {3, 63}, {1000, 65}, {7, 9001}};
    for (int k = 0; k < 4; k++) {
        int64_t R = sizes[k][0], N = sizes[k][1];
        ap_tensor x = random_tensor(1, 1, AP_SHAPE(R, N)), sums = random_tensor(2, 1, AP_SHAPE(N));
        double *want = malloc((size_t)N * sizeof *want);
        assert_non_null(want);
        for (int64_t n = 0; n < N; n++) {
            want[n] = (double)sums.data[n];
            for (int64_t r = 0; r < R; r++) want[n] += (double)x.data[r * N + n];
        }
        ap_matrix_column_sums(R, N, x.data, sums.data);
        check_close("column sums", N, sums.data, want, forward_tolerance());
        free(x.data);
        free(sums.data);
        free(want);
    }
}

static void streams_keep_to_their_part(void **state)
{
    (void)state;
    enum { N = 203 };
    const int64_t wholes[] = {N, (int64_t)1 << 30}; /* what a cache holds and what it does not */
    ap_tensor x = random_tensor(1, 1, AP_SHAPE(N));
    for (int w = 0; w < 2; w++)
        for (int64_t begin = 0; begin < 40; begin += 3)
            for (int64_t n = 0; begin + n < N; n = 2 * n + 1) {
                ap_real y[N] = {0};
                ap_stream(wholes[w], n, x.data, y + begin);
                ap_stream_end();
                for (int64_t i = 0; i < N; i++)
                    assert_true(y[i] == (i >= begin && i < begin + n ? x.data[i - begin] : 0));
            }
    free(x.data);
}

/* A length that ends in part of a square. */
static void rows_become_lanes_and_come_back(void **state)
{
    (void)state;
    enum { N = 2 * AP_LANES + 3 };
    ap_lanes lanes[N];
    ap_real rows[AP_LANES][N], window[N], back[AP_LANES][N] = {0};
    const ap_real *from[AP_LANES];
    ap_real *to[AP_LANES];
    for (int i = 0; i < AP_LANES; i++) {
        from[i] = rows[i];
        to[i] = back[i];
        for (int t = 0; t < N; t++) rows[i][t] = (ap_real)(100 * i + t);
    }
    for (int t = 0; t < N; t++) window[t] = (ap_real)(t % 3 + 1);
    ap_lanes_gather(N, window, from, lanes);
    for (int t = 0; t < N; t++)
        for (int i = 0; i < AP_LANES; i++) assert_int_equal((int)lanes[t][i], (t % 3 + 1) * (100 * i + t));
    ap_lanes_scatter(N, window, lanes, AP_LANES - 1, to);
    for (int t = 0; t < N; t++)
        for (int i = 0; i < AP_LANES; i++)
            assert_int_equal((int)back[i][t],
                             i < AP_LANES - 1 ? (t % 3 + 1) * (t % 3 + 1) * (100 * i + t) : 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_those_of_double),
        cmocka_unit_test(blocks_cover_every_element_once),
        cmocka_unit_test(transposition_keeps_to_its_corner),
        cmocka_unit_test(columns_add_up),
        cmocka_unit_test(rows_become_lanes_and_come_back),
        cmocka_unit_test(streams_keep_to_their_part),
    };
    return cmocka_run_group_tests_name("array", tests, NULL, NULL);
}
