/* Kernels count what they do: as many operations as the equations of an operation have. */
#include "antiphon/ops.h"
#include "kernels/flops.h"
#include "ops/residual_block.h"
#include "support/check.h"

#include <stdlib.h>

/* Leaves with gradients, in memory of the tape. */
static ap_var *leaf(ap_tape *tape, ap_shape shape)
{
    size_t bytes = (size_t)ap_shape_count(shape) * sizeof(ap_real);
    ap_tensor x = {shape, ap_arena_zeros(ap_tape_arena(tape), bytes)};
    return ap_tape_leaf(tape, x, ap_arena_zeros(ap_tape_arena(tape), bytes));
}

/* Operations of the way to y have been counted; adds up y, goes back, and gives what that took. */
static int64_t backward_flops(ap_tape *tape, ap_var *y)
{
    ap_var *loss = ap_sum(tape, y);
    ap_flops_taken();
    ap_tape_backward(tape, loss, 1);
    return ap_flops_taken();
}

/* Padded tiles and parts that are formed again may cost more than the equations, but not twice as much. */
static void assert_about(int64_t counted, int64_t wanted)
{
    assert_in_range(counted, wanted, 2 * wanted);
}

static void a_count_is_taken_once(void **state)
{
    (void)state;
    ap_flops_taken();
#pragma omp parallel for num_threads(4)
    for (int i = 0; i < 1000; i++) ap_flops_add(((int64_t)1 << 40) + i);
    assert_int_equal(ap_flops_taken(), ((int64_t)1 << 40) * 1000 + 999 * 500);
    assert_int_equal(ap_flops_taken(), 0);
}

static void linear_counts_its_products(void **state)
{
    (void)state;
    enum { R = 7, N = 5, K = 3 };
    ap_tape *tape = ap_tape_create(0);
    ap_var *x = leaf(tape, AP_SHAPE(R, K)), *weight = leaf(tape, AP_SHAPE(N, K));
    ap_flops_taken();
    ap_var *y = ap_linear(tape, x, weight, leaf(tape, AP_SHAPE(N)));
    assert_int_equal(ap_flops_taken(), 2 * R * N * K);
    assert_int_equal(backward_flops(tape, y), 2 * 2 * R * N * K);
    ap_tape_free(tape);
}

static void convolutions_count_their_taps(void **state)
{
    (void)state;
    enum { B = 2, I = 3, O = 5, K = 4, T = 211, STRIDE = 2, FRAMES = (T - K) / STRIDE + 1 };
    ap_conv1d_geometry geometry = {.stride = STRIDE, .dilation = 1};
    ap_tape *tape = ap_tape_create(0);
    ap_var *x = leaf(tape, AP_SHAPE(B, I, T)), *weight = leaf(tape, AP_SHAPE(O, I, K));
    const int64_t flops = 2 * B * O * I * K * FRAMES;
    ap_flops_taken();
    ap_var *y = ap_conv1d(tape, x, weight, NULL, geometry);
    assert_int_equal(ap_flops_taken(), flops);
    assert_about(backward_flops(tape, y), 2 * flops);

    ap_tape_reset(tape);
    x = leaf(tape, AP_SHAPE(B, O, FRAMES));
    weight = leaf(tape, AP_SHAPE(O, I, K));
    ap_flops_taken();
    y = ap_conv_transpose1d(tape, x, weight, NULL, STRIDE, 0, 0);
    assert_about(ap_flops_taken(), flops);
    assert_about(backward_flops(tape, y), 2 * flops);
    ap_tape_free(tape);
}

static void the_residual_block_counts_its_convolutions(void **state)
{
    (void)state;
    enum { B = 2, C = 6, H = 3, K = 3, T = 301 };
    ap_tape *tape = ap_tape_create(0);
    ap_residual_weights w = {leaf(tape, AP_SHAPE(H, C, K)), leaf(tape, AP_SHAPE(H)),
                             leaf(tape, AP_SHAPE(C, H, 1)), leaf(tape, AP_SHAPE(C)),
                             leaf(tape, AP_SHAPE(C, C, 1)), leaf(tape, AP_SHAPE(C))};
    const int64_t flops = 2 * B * T * (H * C * K + C * H + C * C);
    ap_flops_taken();
    ap_var *y = ap_residual_block(tape, leaf(tape, AP_SHAPE(B, C, T)), w);
    assert_int_equal(ap_flops_taken(), flops);
    assert_about(backward_flops(tape, y), 2 * flops);
    ap_tape_free(tape);
}

static void the_lstm_counts_both_products(void **state)
{
    (void)state;
    enum { B = 2, C = 3, H = 5, T = 11, GATES = 4 };
    const int64_t from_x = 2 * B * T * GATES * H * C, step = 2 * B * GATES * H * H;
    ap_tape *tape = ap_tape_create(0);
    ap_var *in[] = {leaf(tape, AP_SHAPE(B, C, T)), leaf(tape, AP_SHAPE(GATES * H, C)),
                    leaf(tape, AP_SHAPE(GATES * H, H)), leaf(tape, AP_SHAPE(GATES * H)),
                    leaf(tape, AP_SHAPE(GATES * H))};
    ap_flops_taken();
    ap_var *y = ap_lstm(tape, in[0], in[1], in[2], in[3], in[4]);
    assert_int_equal(ap_flops_taken(), from_x + T * step);
    /* the first step has no state before it, neither for the gradient of the state nor for that of the weight
     */
    assert_int_equal(backward_flops(tape, y), 2 * from_x + 2 * (T - 1) * step);
    ap_tape_free(tape);
}

static void attention_counts_its_products_in_every_thread(void **state)
{
    (void)state;
    enum { B = 2, T = 131, HEADS = 2, C = 8 };
    const int64_t product = 2 * B * T * T * C;
    ap_tape *tape = ap_tape_create(0);
    ap_var *qkv = leaf(tape, AP_SHAPE(B, T, 3 * C));
    ap_flops_taken();
    ap_var *y = ap_attention(tape, qkv, HEADS, 0, 0);
    assert_int_equal(ap_flops_taken(), 2 * product);
    /* four for the gradients of q, k, v and the weights; the scores once more */
    assert_int_equal(backward_flops(tape, y), 5 * product);
    ap_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_count_is_taken_once),
        cmocka_unit_test(linear_counts_its_products),
        cmocka_unit_test(convolutions_count_their_taps),
        cmocka_unit_test(the_residual_block_counts_its_convolutions),
        cmocka_unit_test(the_lstm_counts_both_products),
        cmocka_unit_test(attention_counts_its_products_in_every_thread),
    };
    return cmocka_run_group_tests_name("flops", tests, NULL, NULL);
}
