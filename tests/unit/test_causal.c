/* A causal agent: what it composes hangs neither on what comes later nor on what was long ago. */
#include "antiphon/compose.h"

#include "antiphon/rate.h"
#include "support/check.h"
#include "support/settings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HOP 320
#define HOPS 200
#define SAMPLES (HOPS * HOP)
#define PAST 20
#define LAYERS 2
/* The frames before it that a composed one hangs on: the composer's, and the widest head's. */
#define REACH (LAYERS * (PAST - 1) + (15 - 1) + (21 - 1))

static ap_model *model_with(const char *past)
{
    ap_config config = ap_config_default();
    const char *const settings[][2] = {{"codec.dim", "16"},          {"agent.component", "4"},
                                       {"agent.model", "32"},        {"agent.attention_heads", "2"},
                                       {"agent.layers", "2"},        {"agent.ff", "64"},
                                       {"agent.positions", "false"}, {"agent.past", past},
                                       {"agent.output", "gates"},    {"agent.gate_delays", "[0,3]"},
                                       {"agent.gate_new", "100"}};
    set_all(&config, sizeof settings / sizeof *settings, settings);
    ap_model *model;
    ap_status status = ap_model_create(&config, 1, &model);
    assert_string_equal(status.message, "");
    return model;
}

static ap_real *compose(ap_model *model, const ap_tensor sources[2])
{
    ap_real *output = malloc(SAMPLES * sizeof *output);
    assert_non_null(output);
    ap_tape *tape = ap_tape_create(0);
    ap_compose_window(model, tape, SAMPLES, sources[0].data, sources[1].data, output);
    ap_tape_free(tape);
    return output;
}

/* The largest change of the output in hops begin .. end - 1. */
static double change(const ap_real *a, const ap_real *b, int64_t begin, int64_t end)
{
    double most = 0;
    for (int64_t i = begin * HOP; i < end * HOP; i++) most = fmax(most, fabs((double)(a[i] - b[i])));

    return most;
}

/* The same composition, and one of sources that are others in hops begin .. end - 1. */
typedef struct twins {
    ap_real *plain, *changed;
} twins;

static twins compose_twins(const char *past, int64_t begin, int64_t end)
{
    ap_model *model = model_with(past);
    ap_tensor sources[2];
    twins made;
    for (int k = 0; k < 2; k++) sources[k] = random_tensor((uint64_t)k, (ap_real)0.1, AP_SHAPE(SAMPLES));
    made.plain = compose(model, sources);
    for (int k = 0; k < 2; k++) {
        ap_tensor other = random_tensor((uint64_t)(k + 2), (ap_real)0.1, AP_SHAPE((end - begin) * HOP));
        memcpy(sources[k].data + begin * HOP, other.data, (size_t)((end - begin) * HOP) * sizeof(ap_real));
        free(other.data);
    }
    made.changed = compose(model, sources);
    for (int k = 0; k < 2; k++) free(sources[k].data);
    ap_model_free(model);
    return made;
}

static void twins_free(twins t)
{
    free(t.plain);
    free(t.changed);
}

/* Products of pairs leave a rounding of what they take away. */
#define NOTHING 1e-6
#define SOMETHING 1e-2

static void the_future_changes_nothing(void **state)
{
    (void)state;
    const int64_t now = 120;
    twins t = compose_twins("20", now, HOPS);
    /* a hop of output is of the frame before it and of the one behind, which begins with that hop */
    assert_true(change(t.plain, t.changed, 0, now - 1) < NOTHING);
    assert_true(change(t.plain, t.changed, now - 1, now) > SOMETHING);
    twins_free(t);
}

static void what_was_long_ago_changes_nothing(void **state)
{
    (void)state;
    const int64_t then = 5;
    twins t = compose_twins("20", 0, then);
    /* frame `then` is the last that hears the changed hops, hop f the first output of frame f */
    assert_true(change(t.plain, t.changed, then + REACH + 1, HOPS) < NOTHING);
    assert_true(change(t.plain, t.changed, then + PAST, then + PAST + 10) > SOMETHING);
    twins_free(t);
}

static void without_a_past_the_agent_looks_ahead(void **state)
{
    (void)state;
    const int64_t now = 120;
    twins t = compose_twins("0", now, HOPS);
    assert_true(change(t.plain, t.changed, now - 11, now - 1) > SOMETHING);
    twins_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_future_changes_nothing),
        cmocka_unit_test(what_was_long_ago_changes_nothing),
        cmocka_unit_test(without_a_past_the_agent_looks_ahead),
    };
    return cmocka_run_group_tests_name("causal", tests, NULL, NULL);
}
