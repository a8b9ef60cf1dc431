/* A batch whose rows are on several tapes gives what it gives on one: loss, gradients, running statistics.
 * Threads take the place of processes. */
#include "antiphon/model.h"
#include "antiphon/objective.h"
#include "antiphon/ops.h"
#include "base/memory.h"
#include "support/check.h"
#include "support/settings.h"

#include <math.h>
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 5
#define S 7200
#define MOST 7 /* tapes */

static ap_config every_part(void)
{
    ap_config config = ap_config_default();
    const char *const settings[][2] = {
        {"codec.type", "seanet"},  {"codec.dim", "16"},     {"codec.width", "4"},
        {"codec.ratios", "8,5,2"}, {"codec.lstm", "1"},     {"codec.train", "true"},
        {"agent.component", "4"},  {"agent.model", "32"},   {"agent.heads", "2"},
        {"agent.layers", "1"},     {"agent.ff", "64"},      {"agent.dropout", "0.3"},
        {"cascade.heads", "2"},    {"cascade.layers", "1"}, {"cascade.dropout", "0.3"},
    };
    set_all(&config, sizeof settings / sizeof *settings, settings);
    return config;
}

static void weigh_all(ap_config *config, bool novelty)
{
    for (int k = 0; k < AP_MEASURE_COUNT; k++)
        if (ap_measure_key(k))
            set(config, ap_measure_key(k), k == AP_MEASURE_NOVELTY && !novelty ? "0" : "0.7");
    set(config, "loss.balance", novelty ? "0.5" : "0");
}

/* What the tapes of one batch share: a sum that waits for all of them. */
typedef struct meeting {
    int count;
    pthread_barrier_t all;
    double *parts[MOST];
} meeting;

typedef struct rank {
    meeting *meeting;
    int index;
    const ap_config *config;
    const ap_real *input, *target; /* [ROWS, 1, S] */
    ap_model *model;
    ap_measures measures;
    ap_balancer balancer;
    double share;
} rank;

static void sum(void *context, int64_t n, double *x)
{
    rank *r = context;
    meeting *m = r->meeting;
    double *total = ap_allocate((size_t)n, sizeof *total);
    m->parts[r->index] = x;
    pthread_barrier_wait(&m->all);
    for (int k = 0; k < m->count; k++)
        for (int64_t i = 0; i < n; i++) total[i] += m->parts[k][i];
    pthread_barrier_wait(&m->all);
    memcpy(x, total, (size_t)n * sizeof *x);
    free(total);
}

static ap_var *rows_of(ap_tape *tape, const ap_real *audio, const ap_tape_rows *rows)
{
    int64_t count = rows->count ? rows->count : 1, first = rows->count ? rows->first : 0;
    return ap_tape_constant(tape, (ap_tensor){AP_SHAPE(count, 1, S), (ap_real *)audio + first * S});
}

static ap_heard hear(ap_tape *tape, const rank *r, const ap_tape_rows *rows)
{
    ap_codec *codec = ap_model_codec(r->model);
    ap_heard h = {.input = rows_of(tape, r->input, rows), .target = rows_of(tape, r->target, rows)};
    h.zi = ap_codec_encode(tape, codec, h.input);
    h.zt = ap_codec_encode(tape, codec, h.target);
    h.composed = ap_model_compose(tape, r->model, h.zi, h.zt);
    h.output = ap_codec_decode(tape, codec, h.composed.latents, S);
    return h;
}

static void *step(void *context)
{
    rank *r = context;
    int count = r->meeting->count;
    int64_t first = ROWS * r->index / count, end = ROWS * (r->index + 1) / count;
    const ap_tape_rows rows = {first, end - first, ROWS, sum, r};
    ap_tape *tape = ap_tape_create(3), *terms = ap_tape_create(0);
    omp_set_num_threads(1);
    ap_tape_training_set(tape, true);
    if (count > 1) ap_tape_rows_set(tape, &rows);
    if (count > 1) ap_tape_rows_set(terms, &rows);
    ap_heard heard = hear(tape, r, &rows);
    r->share = ap_tape_share(tape);
    if (r->config->loss.balancer) {
        ap_objective_balanced(tape, terms, r->config, &heard, &r->balancer, 0.5, &r->measures);
        ap_tape_backward_all(tape);
    } else {
        ap_var *loss = ap_objective(tape, r->config, &heard, &r->measures);
        ap_tape_backward(tape, loss, (ap_real)(0.5 * r->share));
    }
    ap_tape_free(tape);
    ap_tape_free(terms);
    return NULL;
}

/* One step over all rows with `count` tapes. */
static void run(const ap_config *config, const ap_real *input, const ap_real *target, int count,
                rank ranks[MOST])
{
    meeting m = {.count = count};
    pthread_t threads[MOST];
    assert_int_equal(pthread_barrier_init(&m.all, NULL, (unsigned)count), 0);
    for (int k = 0; k < count; k++) {
        ranks[k] = (rank){.meeting = &m, .index = k, .config = config, .input = input, .target = target};
        ap_status status = ap_model_create(config, 7, &ranks[k].model);
        assert_string_equal(status.message, "");
        assert_int_equal(pthread_create(&threads[k], NULL, step, &ranks[k]), 0);
    }
    for (int k = 0; k < count; k++) pthread_join(threads[k], NULL);
    pthread_barrier_destroy(&m.all);
}

static double tolerance(void)
{
    return sizeof(ap_real) == sizeof(double) ? 1e-9 : 2e-2;
}

static void check_near(const char *what, int64_t n, const ap_real *got, const ap_real *want)
{
    double difference = 0, size = 0;
    for (int64_t i = 0; i < n; i++) {
        difference += pow((double)got[i] - (double)want[i], 2);
        size += pow((double)want[i], 2);
    }
    if (!(sqrt(difference) <= tolerance() * sqrt(size) + 1e-6 * tolerance()))
        fail_msg("%s: off by %g of %g", what, sqrt(difference), sqrt(size));
}

static void compare(int count, rank *ranks, const rank *whole)
{
    ap_params *want = ap_model_params(whole->model), *first = ap_model_params(ranks[0].model);
    ap_real *grads = ap_params_trained_grads(first);
    for (int k = 1; k < count; k++)
        for (int64_t i = 0; i < ap_params_trained_count(first); i++)
            grads[i] += ap_params_trained_grads(ap_model_params(ranks[k].model))[i];
    for (size_t i = 0; i < ap_params_count(want); i++) {
        const ap_param *w = ap_params_at(want, i);
        int64_t n = ap_shape_count(w->value.shape);
        if (w->grad) check_near(w->name, n, ap_params_at(first, i)->grad, w->grad);
        for (int k = 0; k < count && w->kind == AP_PARAM_BUFFER; k++)
            check_near(w->name, n, ap_params_at(ap_model_params(ranks[k].model), i)->value.data,
                       w->value.data);
    }
    for (int m = 0; m < AP_MEASURE_COUNT; m++) {
        double value = 0;
        for (int k = 0; k < count; k++) value += ranks[k].share * ranks[k].measures.value[m];
        if (fabs(value - whole->measures.value[m]) > tolerance() * (1e-2 + fabs(whole->measures.value[m])))
            fail_msg("%s: %g on %d tapes, %g on one", ap_measure_name(m), value, count,
                     whole->measures.value[m]);
    }
}

static void free_models(int count, rank *ranks)
{
    for (int k = 0; k < count; k++) ap_model_free(ranks[k].model);
}

/* More tapes than rows: some have none. */
static void check_shares(const ap_config *config)
{
    ap_tensor input = random_tensor(1, 0.2, AP_SHAPE(ROWS, 1, S)),
              target = random_tensor(2, 0.5, input.shape);
    for (int64_t i = 0; i < ROWS * S; i++) input.data[i] *= (ap_real)(1 + i / S); /* no two rows alike */
    rank whole[MOST], ranks[MOST];
    run(config, input.data, target.data, 1, whole);
    for (int count = 2; count <= MOST; count += count == 2 ? 1 : 4) {
        run(config, input.data, target.data, count, ranks);
        compare(count, ranks, whole);
        free_models(count, ranks);
    }
    free_models(1, whole);
    free(input.data);
    free(target.data);
}

static void every_term_is_that_of_the_whole_batch(void **state)
{
    (void)state;
    ap_config config = every_part();
    weigh_all(&config, true);
    check_shares(&config);
}

static void the_balancer_weighs_by_the_whole_batch(void **state)
{
    (void)state;
    ap_config config = every_part();
    weigh_all(&config, false);
    set(&config, "loss.balancer", "true");
    check_shares(&config);
}

/* ---------------------------------------------------------------- when a gradient is whole */

typedef struct told {
    int count;
    const ap_real *last;
    ap_real value; /* of its first number, when it was told */
} told;

static void on_leaf(void *context, const ap_var *leaf)
{
    told *t = context;
    t->count++;
    t->last = leaf->grad;
    t->value = leaf->grad[0];
}

/* y = sum (a b) + sum (a c): the second leaf of a is told first, when only half of its gradient is there. */
static void a_leaf_is_told_when_its_gradient_is_whole(void **state)
{
    (void)state;
    ap_real values[3] = {2, 3, 5}, grads[3] = {0};
    ap_tape *tape = ap_tape_create(0);
    told t = {0};
    ap_tape_leaf_done_set(tape, on_leaf, &t);
    ap_var *a = ap_tape_leaf(tape, (ap_tensor){AP_SHAPE(1), &values[0]}, &grads[0]);
    ap_var *b = ap_tape_leaf(tape, (ap_tensor){AP_SHAPE(1), &values[1]}, &grads[1]);
    ap_var *y = ap_mul(tape, a, b);
    ap_var *again = ap_tape_leaf(tape, (ap_tensor){AP_SHAPE(1), &values[0]}, &grads[0]);
    ap_var *c = ap_tape_constant(tape, (ap_tensor){AP_SHAPE(1), &values[2]});
    y = ap_add(tape, ap_sum(tape, y), ap_sum(tape, ap_mul(tape, again, c)));
    ap_tape_backward(tape, y, 1);
    assert_int_equal(t.count, 3);
    assert_ptr_equal(t.last, &grads[0]);
    assert_true(t.value == 8);
    assert_true(grads[1] == 2);
    ap_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_term_is_that_of_the_whole_batch),
        cmocka_unit_test(the_balancer_weighs_by_the_whole_batch),
        cmocka_unit_test(a_leaf_is_told_when_its_gradient_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
