/* How long a value lives: readers, scopes, what is computed again. */
#include "antiphon/ops.h"
#include "support/check.h"
#include "support/fatal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define N 5000 /* large enough to be recycled */

typedef struct fixture {
    ap_tape *tape;
    ap_tensor numbers;
    ap_real *grad;
    ap_var *x;
} fixture;

static fixture set_up(ap_shape shape)
{
    fixture f = {ap_tape_create(0), random_tensor(1, 1, shape), NULL, NULL};
    f.grad = calloc((size_t)ap_shape_count(shape), sizeof *f.grad);
    f.x = ap_tape_leaf(f.tape, f.numbers, f.grad);
    return f;
}

static void tear_down(fixture *f)
{
    ap_tape_free(f->tape);
    free(f->numbers.data);
    free(f->grad);
}

/* ---------------------------------------------------------------- scopes */

static void a_scope_ends_all_use_but_that_of_its_result(void **state)
{
    (void)state;
    fixture f = set_up(AP_SHAPE(N));
    ap_tape_enter(f.tape);
    ap_var *outer = ap_scale(f.tape, f.x, 2);
    ap_tape_enter(f.tape);
    ap_var *unread = ap_scale(f.tape, outer, 3), *read = ap_elu(f.tape, unread);
    ap_var *result = ap_add(f.tape, read, outer);
    assert_ptr_equal(ap_tape_leave(f.tape, result), result);
    assert_true(unread->gone && !unread->value.data); /* ELU's backward reads its output */
    assert_true(!read->gone && read->readers == 1);
    assert_false(outer->gone); /* not of that scope */
    assert_false(result->gone);
    ap_tape_leave_all(f.tape, 0, NULL);
    assert_true(outer->gone && result->gone);
    ap_tape_free(f.tape);
    f.tape = NULL;
    tear_down(&f);
}

static void a_scope_without_gradients_holds_its_result_alone(void **state)
{
    (void)state;
    fixture f = set_up(AP_SHAPE(N));
    ap_tape_gradients_set(f.tape, false);
    size_t held = 0;
    ap_var *y = ap_tape_constant(f.tape, f.numbers);
    ap_tape_enter(f.tape);
    for (int i = 0; i < 50; i++) {
        y = ap_tape_carry(f.tape, ap_mul(f.tape, ap_elu(f.tape, y), y));
        if (i == 1) held = ap_arena_held(ap_tape_arena(f.tape));
    }
    ap_tape_leave(f.tape, y);
    assert_int_equal(ap_arena_held(ap_tape_arena(f.tape)), held);
    assert_false(y->gone);
    tear_down(&f);
}

static void several_results_are_left_with(void **state)
{
    (void)state;
    fixture f = set_up(AP_SHAPE(N));
    ap_tape_enter(f.tape);
    ap_var *a = ap_scale(f.tape, f.x, 2), *b = ap_scale(f.tape, a, 2), *c = ap_scale(f.tape, b, 2);
    ap_tape_leave_all(f.tape, 2, (ap_var *[]){a, c});
    assert_true(!a->gone && b->gone && !c->gone);
    tear_down(&f);
}

static void what_was_left_cannot_be_used(void **state)
{
    (void)state;
    fixture f = set_up(AP_SHAPE(3));
    ap_tape_enter(f.tape);
    ap_var *inside = ap_scale(f.tape, f.x, 2), *result = ap_scale(f.tape, inside, 2);
    ap_tape_leave(f.tape, result);
    assert_fatal(ap_add(f.tape, result, inside));
    assert_non_null(strstr(fatal_said, "add: input 1"));
    assert_fatal(ap_tape_leave(f.tape, result));
    assert_fatal(ap_tape_carry(f.tape, result));
    tear_down(&f);
}

/* A value is there until the last backward that reads it has run, and no longer. */
static void a_value_goes_with_its_last_reader(void **state)
{
    (void)state;
    fixture f = set_up(AP_SHAPE(N));
    ap_tape_enter(f.tape);
    ap_var *y = ap_scale(f.tape, f.x, 2), *square = ap_mul(f.tape, y, y);
    ap_var *cube = ap_mul(f.tape, square, y), *sum = ap_sum(f.tape, cube);
    ap_tape_leave(f.tape, sum);
    assert_int_equal(y->readers, 3); /* twice for the square */
    assert_int_equal(square->readers, 1);
    assert_true(cube->gone && !square->gone && !y->gone);
    ap_tape_backward(f.tape, sum, 1);
    assert_int_equal(y->readers, 0);
    assert_true(square->gone && y->gone);
    for (int i = 0; i < N; i++) {
        double want = 24 * (double)f.numbers.data[i] * (double)f.numbers.data[i];
        assert_true(fabs((double)f.grad[i] - want) <= 1e-4 * (1 + want));
    }
    tear_down(&f);
}

/* Who wants no gradient reads nothing. */
static void constants_are_read_by_nobody(void **state)
{
    (void)state;
    fixture f = set_up(AP_SHAPE(N));
    ap_tape_enter(f.tape);
    ap_var *constant = ap_scale(f.tape, ap_tape_constant(f.tape, f.numbers), 2);
    ap_var *aside = ap_mul(f.tape, constant, constant), *y = ap_scale(f.tape, f.x, 2);
    ap_tape_leave(f.tape, ap_mul(f.tape, y, constant));
    assert_true(aside->gone);
    assert_true(y->gone); /* whose product's other factor has no gradient */
    assert_int_equal(constant->readers, 1);
    assert_false(constant->gone);
    tear_down(&f);
}

/* ---------------------------------------------------------------- computed again */

#define ROWS 40
#define WIDTH 64

typedef struct weights {
    ap_tensor value[3];
    ap_real *grad[3];
} weights;

static weights set_up_weights(void)
{
    weights w;
    for (int k = 0; k < 3; k++) {
        w.value[k] =
            random_tensor(2 + (uint64_t)k, (ap_real)0.2, k < 2 ? AP_SHAPE(WIDTH, WIDTH) : AP_SHAPE(WIDTH));
        w.grad[k] = calloc(WIDTH * WIDTH, sizeof(ap_real));
    }
    return w;
}

/* layer_norm, linear, gelu, linear: gelu and the norm are cheap, and the first product is read by gelu. */
static void run_block(fixture *f, weights *w, bool in_scope, bool frugal, ap_var *made[3])
{
    ap_var *p[3];
    ap_tape_frugal_set(f->tape, frugal);
    for (int k = 0; k < 3; k++) p[k] = ap_tape_leaf(f->tape, w->value[k], w->grad[k]);
    ap_var *in = ap_elu(f->tape, f->x);
    if (in_scope) ap_tape_enter(f->tape);
    made[0] = ap_layer_norm(f->tape, in, p[2], p[2]);
    made[1] = ap_linear(f->tape, made[0], p[0], NULL);
    made[2] = ap_gelu(f->tape, made[1], (ap_real)0.1);
    ap_var *y = ap_linear(f->tape, made[2], p[1], NULL);
    if (in_scope) ap_tape_leave(f->tape, y);
    ap_real *dy = ap_var_grad(f->tape, y);
    for (int i = 0; i < ROWS * WIDTH; i++) dy[i] = (ap_real)sin(i);
}

static void what_is_cheap_is_computed_again_and_what_is_dear_on_request(void **state)
{
    (void)state;
    enum { PLAIN, SCOPED, FRUGAL, RUNS };
    ap_real *dx[RUNS], *dw[RUNS][3];
    for (int run = 0; run < RUNS; run++) {
        fixture f = set_up(AP_SHAPE(ROWS, WIDTH));
        weights w = set_up_weights();
        ap_var *made[3];
        ap_tape_training_set(f.tape, true);
        run_block(&f, &w, run != PLAIN, run == FRUGAL, made);
        assert_int_equal(made[0]->gone, run != PLAIN);
        assert_int_equal(made[1]->gone, run == FRUGAL);
        assert_int_equal(made[2]->gone, run != PLAIN);
        ap_tape_backward_all(f.tape);
        for (int k = 0; k < 3; k++) assert_true(made[k]->gone && made[k]->readers == 0);
        dx[run] = f.grad;
        f.grad = NULL;
        tear_down(&f);
        for (int k = 0; k < 3; k++) {
            dw[run][k] = w.grad[k];
            free(w.value[k].data);
        }
    }
    for (int run = SCOPED; run < RUNS; run++) {
        assert_memory_equal(dx[run], dx[PLAIN], ROWS * WIDTH * sizeof(ap_real));
        for (int k = 0; k < 3; k++)
            assert_memory_equal(dw[run][k], dw[PLAIN][k], WIDTH * WIDTH * sizeof(ap_real));
    }
    for (int run = 0; run < RUNS; run++) {
        free(dx[run]);
        for (int k = 0; k < 3; k++) free(dw[run][k]);
    }
}

/* Nothing is won where the input would have to stay for it. */
static void nothing_is_computed_again_from_what_nobody_else_reads(void **state)
{
    (void)state;
    fixture f = set_up(AP_SHAPE(ROWS, WIDTH));
    weights w = set_up_weights();
    ap_var *weight = ap_tape_leaf(f.tape, w.value[0], w.grad[0]);
    ap_tape_frugal_set(f.tape, true);
    ap_tape_enter(f.tape);
    ap_var *scaled = ap_scale(f.tape, f.x, 2), *constant = ap_tape_constant(f.tape, w.value[1]);
    ap_var *product = ap_linear(f.tape, scaled, constant, NULL); /* does not read `scaled` */
    ap_tape_leave(f.tape, ap_linear(f.tape, product, weight, NULL));
    assert_true(scaled->gone);
    assert_false(product->gone);
    tear_down(&f);
    for (int k = 0; k < 3; k++) {
        free(w.value[k].data);
        free(w.grad[k]);
    }
}

/* ---------------------------------------------------------------- declarations */

static void square_backward(ap_tape *tape, ap_var *y)
{
    const ap_real *x = y->inputs[0]->value.data;
    ap_real *dx = ap_var_grad(tape, y->inputs[0]);
    for (int64_t i = 0; dx && i < ap_var_count(y); i++) dx[i] += 2 * x[i] * y->grad[i];
}

static ap_var *square(ap_tape *tape, const ap_op *op, ap_var *x)
{
    ap_var *y = ap_tape_push(tape, op, x->value.shape, 1, &x);
    for (int64_t i = 0; i < ap_var_count(y); i++) y->value.data[i] = x->value.data[i] * x->value.data[i];
    return y;
}

static const ap_op right = {.name = "square", .backward = square_backward, .reads = AP_READS_INPUT(0)};
static const ap_op one_too_few = {.name = "square", .backward = square_backward, .reads = AP_READS_NOTHING};
static const ap_op silent = {.name = "silent", .backward = square_backward};

/* Small tensors, whose memory nobody else takes. */
static void a_read_that_is_not_declared_gives_nan(void **state)
{
    (void)state;
    setenv("AP_POISON", "1", 1);
    for (int declared = 0; declared < 2; declared++) {
        fixture f = set_up(AP_SHAPE(3));
        ap_tape_enter(f.tape);
        ap_var *x = ap_scale(f.tape, f.x, 1), *y = square(f.tape, declared ? &right : &one_too_few, x);
        ap_tape_leave_all(f.tape, 0, NULL);
        ap_real *dy = ap_var_grad(f.tape, y);
        for (int i = 0; i < 3; i++) dy[i] = 1;
        ap_tape_backward_all(f.tape);
        for (int i = 0; i < 3; i++)
            if (declared)
                assert_true(f.grad[i] == 2 * f.numbers.data[i]);
            else
                assert_true(isnan(f.grad[i]));
        tear_down(&f);
    }
}

static ap_var *build_square(ap_tape *tape, ap_var *const *in, const void *context)
{
    return square(tape, context, in[0]);
}

static void an_operation_has_to_declare(void **state)
{
    (void)state;
    fixture f = set_up(AP_SHAPE(3));
    assert_fatal(square(f.tape, &silent, f.x));
    assert_non_null(strstr(fatal_said, "silent does not declare"));
    gradient_case c = {.name = "square", .build = build_square, .context = &right, .input_count = 1};
    c.inputs[0] = f.numbers;
    check_gradient(&c);
    check_reads("square");
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scope_ends_all_use_but_that_of_its_result),
        cmocka_unit_test(a_scope_without_gradients_holds_its_result_alone),
        cmocka_unit_test(several_results_are_left_with),
        cmocka_unit_test(what_was_left_cannot_be_used),
        cmocka_unit_test(a_value_goes_with_its_last_reader),
        cmocka_unit_test(constants_are_read_by_nobody),
        cmocka_unit_test(what_is_cheap_is_computed_again_and_what_is_dear_on_request),
        cmocka_unit_test(nothing_is_computed_again_from_what_nobody_else_reads),
        cmocka_unit_test(a_read_that_is_not_declared_gives_nan),
        cmocka_unit_test(an_operation_has_to_declare),
    };
    return cmocka_run_group_tests_name("tape", tests, NULL, NULL);
}
