/* What a transformer's tape keeps, and what it computes again. */
#include "model/transformer.h"

#include "support/check.h"

#include <stdlib.h>
#include <string.h>

#define WIDTH 32
#define FRAMES 1200
#define LAYERS 3

typedef struct outcome {
    ap_real *grads; /* of the parameters, then of x */
    int64_t count;
    size_t held;
} outcome;

/* A step, in which products are kept or not. */
static outcome step(bool frugal)
{
    const ap_transformer_config config = {
        .model = WIDTH, .heads = 4, .layers = LAYERS, .ff = 4 * WIDTH, .dropout = (ap_real)0.1};
    ap_params *params = ap_params_create();
    ap_transformer *transformer = ap_transformer_create(params, config, "t");
    ap_rng rng = ap_rng_init(1);
    ap_params_build(params, &rng);
    ap_tensor x = random_tensor(2, 1, AP_SHAPE(2, FRAMES, WIDTH));
    int64_t trained = ap_params_trained_count(params), n = ap_shape_count(x.shape);
    outcome out = {calloc((size_t)(trained + n), sizeof(ap_real)), trained + n, 0};
    assert_non_null(out.grads);
    ap_tape *tape = ap_tape_create(3);
    ap_tape_training_set(tape, true);
    ap_tape_frugal_set(tape, frugal);
    ap_var *y = ap_transformer_apply(tape, transformer, ap_tape_leaf(tape, x, out.grads + trained));
    ap_real *dy = ap_var_grad(tape, y);
    for (int64_t i = 0; i < n; i++) dy[i] = (ap_real)ap_rng_normal(&rng);
    out.held = ap_arena_held(ap_tape_arena(tape));
    ap_tape_backward_all(tape);
    memcpy(out.grads, ap_params_trained_grads(params), (size_t)trained * sizeof(ap_real));
    ap_tape_free(tape);
    ap_params_free(params);
    free(x.data);
    return out;
}

static void frugality_changes_memory_and_nothing_else(void **state)
{
    (void)state;
    outcome usual = step(false), frugal = step(true);
    assert_int_equal(usual.count, frugal.count);
    for (int64_t i = 0; i < usual.count; i++) assert_true(usual.grads[i] == frugal.grads[i]);
    /* queries, keys and values and the hidden part, of every layer but the last at least; but memory comes in
     * whole pages of the arena's */
    size_t spared = (size_t)(LAYERS - 1) * 2 * FRAMES * 7 * WIDTH * sizeof(ap_real);
    assert_true(frugal.held + spared / 2 <= usual.held);
    free(usual.grads);
    free(frugal.grads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frugality_changes_memory_and_nothing_else),
    };
    return cmocka_run_group_tests_name("transformer", tests, NULL, NULL);
}
