/* The ground floor: random stream, shapes, tape, parameters. */
#include "antiphon/ops.h"
#include "antiphon/params.h"
#include "support/fatal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- random numbers */

static void rng_repeats_from_its_two_numbers(void **state)
{
    (void)state;
    ap_rng rng = ap_rng_init(5);
    for (int i = 0; i < 10; i++) ap_rng_next(&rng);
    ap_rng copy = rng;
    for (int i = 0; i < 100; i++) assert_true(ap_rng_next(&rng) == ap_rng_next(&copy));
    ap_rng other = ap_rng_init(6);
    assert_true(ap_rng_next(&rng) != ap_rng_next(&other));
}

static void rng_has_the_moments_it_promises(void **state)
{
    (void)state;
    enum { N = 200000 };
    ap_rng rng = ap_rng_init(1);
    double uniform = 0, normal = 0, square = 0, hashed = 0;
    for (int i = 0; i < N; i++) {
        double u = ap_rng_uniform(&rng), z = ap_rng_normal(&rng);
        assert_true(u >= 0 && u < 1);
        uniform += u / N;
        normal += z / N;
        square += z * z / N;
        hashed += ap_rng_hash(77, (uint64_t)i) * 0x1p-32 / N;
    }
    assert_true(fabs(uniform - 0.5) < 0.005 && fabs(hashed - 0.5) < 0.005);
    assert_true(fabs(normal) < 0.01 && fabs(square - 1) < 0.02);
}

static void rng_shuffles_into_a_permutation(void **state)
{
    (void)state;
    enum { N = 1000 };
    int64_t order[N], seen[N] = {0}, moved = 0;
    ap_rng rng = ap_rng_init(3);
    for (int64_t i = 0; i < N; i++) order[i] = i;
    ap_rng_shuffle(&rng, order, N);
    for (int64_t i = 0; i < N; i++) {
        seen[order[i]]++;
        moved += order[i] != i;
    }
    for (int64_t i = 0; i < N; i++) assert_int_equal(seen[i], 1);
    assert_true(moved > N * 9 / 10);
}

/* ---------------------------------------------------------------- shapes and the tape */

static void shapes_count_compare_and_print(void **state)
{
    (void)state;
    assert_int_equal(ap_shape_count(AP_SHAPE(2, 3, 5)), 30);
    assert_int_equal(ap_shape_count(AP_SHAPE_SCALAR), 1);
    assert_true(ap_shape_same(AP_SHAPE(2, 3), AP_SHAPE(2, 3)));
    assert_false(ap_shape_same(AP_SHAPE(2, 3), AP_SHAPE(3, 2)));
    assert_false(ap_shape_same(AP_SHAPE(2, 3), AP_SHAPE(2, 3, 1)));
    assert_string_equal(ap_shape_print(AP_SHAPE(2, 128, 1200)).text, "[2, 128, 1200]");
}

/* loss = sum((a b + a) a): a is used three times, so its gradient 2 a b + 2 a is a sum over paths */
static ap_var *shared_loss(ap_tape *tape, ap_var *a, ap_var *b)
{
    return ap_sum(tape, ap_mul(tape, ap_add(tape, ap_mul(tape, a, b), a), a));
}

static void tape_adds_up_the_paths_to_a_shared_input(void **state)
{
    (void)state;
    ap_real a[3] = {1, -2, 3}, b[3] = {4, 5, -6}, da[3] = {0}, db[3] = {0};
    ap_tape *tape = ap_tape_create(0);
    ap_var *loss = shared_loss(tape, ap_tape_leaf(tape, (ap_tensor){AP_SHAPE(3), a}, da),
                               ap_tape_leaf(tape, (ap_tensor){AP_SHAPE(3), b}, db));
    ap_tape_backward(tape, loss, 2);
    for (int i = 0; i < 3; i++) {
        assert_true(fabs((double)(da[i] - 2 * (2 * a[i] * b[i] + 2 * a[i]))) < 1e-5);
        assert_true(fabs((double)(db[i] - 2 * a[i] * a[i])) < 1e-5);
    }
    ap_tape_free(tape);
}

static void tape_gives_constants_no_gradient(void **state)
{
    (void)state;
    ap_real a[3] = {1, -2, 3}, b[3] = {4, 5, -6}, da[3] = {0}, db[3] = {0};
    ap_tape *tape = ap_tape_create(0);
    ap_tensor ta = {AP_SHAPE(3), a}, tb = {AP_SHAPE(3), b};
    ap_tape_backward(tape, shared_loss(tape, ap_tape_leaf(tape, ta, da), ap_tape_constant(tape, tb)), 1);
    assert_true(da[0] != 0);
    memset(da, 0, sizeof da);
    ap_tape_reset(tape);
    ap_tape_gradients_set(tape, false);
    ap_var *loss = shared_loss(tape, ap_tape_leaf(tape, ta, da), ap_tape_leaf(tape, tb, db));
    assert_false(loss->wants_grad);
    ap_tape_backward(tape, loss, 1);
    for (int i = 0; i < 3; i++) assert_true(da[i] == 0 && db[i] == 0);
    ap_tape_free(tape);
}

typedef struct visits {
    int count;
    const char *sections[8];
    bool backward[8];
} visits;

static void note_visit(void *context, const char *section, bool backward)
{
    visits *v = context;
    assert_in_range(v->count, 0, 7);
    v->sections[v->count] = section;
    v->backward[v->count++] = backward;
}

/* GELU writes its input's gradient over its output's: not where the one is there already, nor where the other
 * is kept. */
static void tape_hands_a_gradient_down_that_nobody_keeps(void **state)
{
    (void)state;
    enum { N = 5000, PLAIN = 0, SHARED, KEPT, CASES };
    ap_tensor x = random_tensor(1, 1, AP_SHAPE(N));
    ap_real *dx = malloc(N * sizeof *dx);
    ap_tape *tape = ap_tape_create(0);
    for (int k = 0; k < CASES; k++) {
        ap_tape_reset(tape);
        memset(dx, 0, N * sizeof *dx);
        ap_var *h = ap_scale(tape, ap_tape_leaf(tape, x, dx), 3), *y = ap_gelu(tape, h, 0);
        ap_tape_keep(h);
        if (k == KEPT) ap_tape_keep(y);
        ap_real *dy = ap_var_grad(tape, y);
        for (int i = 0; i < N; i++) dy[i] = 2;
        ap_real *other = k == SHARED ? ap_var_grad(tape, ap_scale(tape, h, 5)) : NULL;
        for (int i = 0; other && i < N; i++) other[i] = 1;
        ap_tape_backward_all(tape);
        if (k == PLAIN) assert_ptr_equal(h->grad, dy);
        if (k == KEPT) assert_true(y->grad == dy && h->grad != dy);
        for (int i = 0; i < N; i++) {
            double at = 3 * (double)x.data[i];
            double slope = (1 + erf(at * M_SQRT1_2)) / 2 + at * exp(-at * at / 2) / sqrt(2 * M_PI);
            double want = 2 * slope + (other ? 5 : 0);
            assert_true(fabs((double)h->grad[i] - want) < 1e-5);
            assert_true(fabs((double)dx[i] - 3 * want) < 1e-5);
            if (k == KEPT) assert_true(y->grad[i] == 2);
        }
    }
    ap_tape_free(tape);
    free(dx);
    free(x.data);
}

static void tape_tells_its_watch_of_sections_there_and_back(void **state)
{
    (void)state;
    ap_real a[3] = {1, -2, 3}, da[3] = {0};
    ap_tape *tape = ap_tape_create(0);
    visits v = {0};
    ap_tape_watch_set(tape, note_visit, &v);
    ap_var *x = ap_tape_leaf(tape, (ap_tensor){AP_SHAPE(3), a}, da);
    ap_tape_section(tape, "first");
    ap_var *y = ap_mul(tape, ap_scale(tape, x, 2), x);
    ap_tape_section(tape, "unused");
    ap_tape_section(tape, "last");
    ap_var *loss = ap_sum(tape, y);
    ap_tape_backward(tape, loss, 1);
    const char *const sections[] = {"first", "unused", "last", "last", "first"};
    assert_int_equal(v.count, 5);
    for (int i = 0; i < 5; i++) {
        assert_string_equal(v.sections[i], sections[i]);
        assert_int_equal(v.backward[i], i > 2);
    }
    assert_int_equal(ap_tape_count(tape), 4);
    assert_ptr_equal(ap_tape_at(tape, 0), x);
    assert_ptr_equal(ap_tape_at(tape, 3), loss);
    assert_null(x->section);
    assert_string_equal(y->section, "first");
    assert_true(da[1] == -8);
    ap_tape_watch_set(tape, NULL, NULL);
    ap_tape_reset(tape);
    ap_tape_section(tape, "unheard");
    assert_int_equal(v.count, 5);
    ap_tape_free(tape);
}

/* A long chain of large values: backward gives each value and gradient back as it passes, so a second step
 * finds all it needs, and what is kept is still there. */
static void tape_recycles_on_the_way_back(void **state)
{
    (void)state;
    enum { N = 600000, LINKS = 20 };
    ap_tensor x = random_tensor(1, 1, AP_SHAPE(N));
    ap_real *dx = calloc(N, sizeof *dx);
    ap_tape *tape = ap_tape_create(0);
    size_t growths = 0;
    for (int step = 0; step < 3; step++) {
        ap_tape_reset(tape);
        memset(dx, 0, N * sizeof *dx);
        ap_var *y = ap_tape_leaf(tape, x, dx), *kept = NULL;
        for (int i = 0; i < LINKS; i++) {
            y = ap_scale(tape, y, (ap_real)1.1);
            if (i == 3) kept = y;
        }
        ap_tape_keep(kept);
        ap_tape_backward(tape, ap_sum(tape, y), 1);
        for (int i = 0; i < N; i += 999) {
            assert_true(fabs((double)dx[i] - pow(1.1, LINKS)) < 1e-4);
            assert_true(fabs((double)kept->value.data[i] - pow(1.1, 4) * (double)x.data[i]) < 1e-4);
        }
        if (step == 0) growths = ap_arena_growths(ap_tape_arena(tape));
    }
    assert_int_equal(ap_arena_growths(ap_tape_arena(tape)), growths);
    assert_true(ap_arena_held(ap_tape_arena(tape)) < (LINKS + 8) * (N + N / 4) * sizeof(ap_real));
    ap_tape_free(tape);
    free(dx);
    free(x.data);
}

/* ---------------------------------------------------------------- parameters */

static void params_lie_in_one_array_in_order(void **state)
{
    (void)state;
    ap_params *params = ap_params_create();
    ap_init half = {.kind = AP_INIT_ALL_BUT_BLOCK, .a = -2, .zero_block = 1, .blocks = 2},
            within = {.kind = AP_INIT_UNIFORM, .a = 0.25};
    ap_param *a = ap_params_add(params, AP_PARAM_TRAINED, AP_SHAPE(2, 3), within, "m.%d.a", 7);
    ap_param *frozen = ap_params_add(params, AP_PARAM_FROZEN, AP_SHAPE(4), half, "m.frozen");
    ap_param *b = ap_params_add(params, AP_PARAM_TRAINED, AP_SHAPE(5), within, "m.b");
    ap_rng rng = ap_rng_init(0);
    ap_params_build(params, &rng);
    assert_int_equal(ap_params_trained_count(params), 11);
    assert_ptr_equal(a->value.data, ap_params_trained_values(params));
    assert_ptr_equal(b->value.data, a->value.data + 6);
    assert_ptr_equal(b->grad, ap_params_trained_grads(params) + 6);
    assert_null(frozen->grad);
    assert_true(frozen->value.data[1] == -2 && frozen->value.data[2] == 0);
    for (int i = 0; i < 11; i++) assert_true(fabs((double)ap_params_trained_values(params)[i]) <= 0.25);
    assert_ptr_equal(ap_params_find(params, "m.7.a"), a);
    assert_null(ap_params_find(params, "m.c"));
    ap_params_free(params);
}

/* ---------------------------------------------------------------- misuse */

static void shapes_that_do_not_fit_are_both_named(void **state)
{
    (void)state;
    ap_real x[6] = {0};
    ap_tape *tape = ap_tape_create(0);
    ap_var *a = ap_tape_constant(tape, (ap_tensor){AP_SHAPE(2, 3), x});
    ap_var *b = ap_tape_constant(tape, (ap_tensor){AP_SHAPE(3, 2), x});
    assert_fatal(ap_add(tape, a, b));
    assert_non_null(strstr(fatal_said, "[2, 3]"));
    assert_non_null(strstr(fatal_said, "[3, 2]"));
    ap_tape_free(tape);
}

static void a_status_is_one_line(void **state)
{
    (void)state;
    ap_status status = ap_error(AP_FAILED, "%s: no such name", "a\nb\x1B[31m\x7F\xC3\xA9");
    assert_string_equal(status.message, "a?b?[31m?\xC3\xA9: no such name");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rng_repeats_from_its_two_numbers),
        cmocka_unit_test(rng_has_the_moments_it_promises),
        cmocka_unit_test(rng_shuffles_into_a_permutation),
        cmocka_unit_test(shapes_count_compare_and_print),
        cmocka_unit_test(tape_adds_up_the_paths_to_a_shared_input),
        cmocka_unit_test(tape_gives_constants_no_gradient),
        cmocka_unit_test(tape_recycles_on_the_way_back),
        cmocka_unit_test(tape_hands_a_gradient_down_that_nobody_keeps),
        cmocka_unit_test(tape_tells_its_watch_of_sections_there_and_back),
        cmocka_unit_test(params_lie_in_one_array_in_order),
        cmocka_unit_test(shapes_that_do_not_fit_are_both_named),
        cmocka_unit_test(a_status_is_one_line),
    };
    return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
