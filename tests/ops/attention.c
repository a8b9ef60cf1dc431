#include "antiphon/ops.h"

#include "antiphon/rng.h"
#include "ops/dropout.h"
#include "ops/ops.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

typedef struct setting {
    int heads;
    int64_t past;
    ap_real dropout;
} setting;

#define LONG_COPIES 50

static ap_var *build_attention(ap_tape *tape, ap_var *const *in, const void *context)
{
    const setting *s = context;
    return ap_attention(tape, in[0], s->heads, s->past, s->dropout);
}

/* One output row of one head, from the definition; factor(i) tells what dropout makes of weight i. */
static void naive_row(const ap_real *qkv, int64_t T, int64_t C, int64_t D, int64_t query, int64_t past,
                      const double *factor, double *y)
{
    double sum = 0, *weight = malloc((size_t)T * sizeof *weight);
    assert_non_null(weight);
    for (int64_t t = 0; t < T; t++) {
        double dot = 0;
        for (int64_t d = 0; d < D; d++)
            dot += (double)qkv[query * 3 * C + d] * (double)qkv[t * 3 * C + C + d];
        bool heard = !past || (t <= query && t > query - past);
        sum += weight[t] = heard ? exp(dot / sqrt((double)D)) : 0;
    }
    for (int64_t d = 0; d < D; d++) {
        y[d] = 0;
        for (int64_t t = 0; t < T; t++)
            y[d] += weight[t] / sum * factor[t] * (double)qkv[t * 3 * C + 2 * C + d];
    }
    free(weight);
}

static void check_forward(int64_t B, int64_t T, int64_t C, setting s, bool training)
{
    ap_tensor qkv = random_tensor(1, 1, AP_SHAPE(B, T, 3 * C));
    int64_t D = C / s.heads;
    double *want = malloc((size_t)(B * T * C) * sizeof *want), *factor = malloc((size_t)T * sizeof *factor);
    assert_non_null(want);
    assert_non_null(factor);
    ap_tape *tape = ap_tape_create(5);
    ap_tape_training_set(tape, training);
    ap_rng before = *ap_tape_rng(tape);
    ap_tensor y = ap_attention(tape, ap_tape_constant(tape, qkv), s.heads, s.past, s.dropout)->value;
    assert_true(ap_shape_same(y.shape, AP_SHAPE(B, T, C)));

    /* which weights are dropped: the elements of [B, heads, T, T] in their order, by the key that was drawn
     */
    uint64_t key = ap_rng_next(&before), index = 0;
    double p = training ? (double)s.dropout : 0;
    int64_t dropped = 0;
    for (int64_t b = 0; b < B; b++)
        for (int64_t h = 0; h < s.heads; h++)
            for (int64_t query = 0; query < T; query++) {
                for (int64_t t = 0; t < T; t++) {
                    bool drop = ap_rng_hash(key, index++) < (uint32_t)(p * 0x1p32);
                    factor[t] = drop ? 0 : 1 / (1 - p);
                    dropped += drop;
                }
                naive_row(qkv.data + b * T * 3 * C + h * D, T, C, D, query, s.past, factor,
                          want + (b * T + query) * C + h * D);
            }
    check_close("attention", B * T * C, y.data, want, forward_tolerance());
    double n = (double)index;
    assert_true(fabs((double)dropped - n * p) <= 5 * sqrt(n * p * (1 - p)));
    ap_tape_free(tape);
    free(factor);
    free(want);
    free(qkv.data);
}

void forward_attention(void **state)
{
    (void)state;
    const setting plain = {.heads = 3}, dropping = {.heads = 2, .dropout = (ap_real)0.25};
    check_forward(2, 1, 3, plain, false);
    check_forward(2, 37, 15, plain, false);
    check_forward(1, 131, 24, plain, true);    /* several blocks of queries, the last one part full */
    check_forward(2, 70, 14, dropping, false); /* dropout only in training mode */
    check_forward(2, 131, 14, dropping, true);
    check_forward(1, 170, 110, dropping, true); /* heads wider than a panel; sums in more than one part */
    /* itself alone; less than a strip; across strips; more than there is */
    const int64_t pasts[] = {1, 5, 50, 1000};
    for (int k = 0; k < 4; k++) {
        check_forward(2, 131, 15, (setting){.heads = 3, .past = pasts[k]}, false);
        check_forward(2, 131, 14, (setting){.heads = 2, .past = pasts[k], .dropout = (ap_real)0.25}, true);
    }
}

/* in[0] said again and again over in[1]: a long sequence of few numbers to differentiate. */
static ap_var *build_long(ap_tape *tape, ap_var *const *in, const void *context)
{
    ap_var *again[LONG_COPIES];
    for (int i = 0; i < LONG_COPIES; i++) again[i] = in[0];
    ap_var *qkv = ap_add(tape, ap_concat(tape, 1, LONG_COPIES, again), in[1]);
    return build_attention(tape, &qkv, context);
}

void gradient_attention(void **state)
{
    (void)state;
    const setting settings[] = {{.heads = 2},
                                {.heads = 2, .dropout = (ap_real)0.25},
                                {.heads = 2, .past = 3},
                                {.heads = 2, .past = 40, .dropout = (ap_real)0.25}};
    for (int k = 0; k < 4; k++) {
        gradient_case c = {.name = "attention",
                           .build = build_attention,
                           .context = settings + k,
                           .input_count = 1,
                           .inputs = {random_tensor(1, 1, AP_SHAPE(2, 7, 3 * 6))},
                           .training = true};
        /* longer than a block of queries; than a tile of keys; work for several threads */
        gradient_case long_one = c, longer = c, large = c;
        long_one.inputs[0] = random_tensor(2, 1, AP_SHAPE(1, 167, 3 * 2));
        longer.build = build_long;
        longer.input_count = 2;
        longer.constant[1] = true;
        longer.inputs[0] = random_tensor(4, 1, AP_SHAPE(1, 9, 3 * 2));
        longer.inputs[1] = random_tensor(5, 1, AP_SHAPE(1, 9 * LONG_COPIES, 3 * 2));
        large.inputs[0] = random_tensor(3, 1, AP_SHAPE(2, 131, 3 * 32));
        check_gradient(&c);
        check_gradient(&long_one);
        check_gradient(&longer);
        check_threads(&large, 0);
        free_inputs(&c);
        free_inputs(&long_one);
        free_inputs(&longer);
        free_inputs(&large);
    }
}
