/* The parts of a training step: what a batch holds, what the agent hears of it, and an update. */
#include "train/step.h"

#include "antiphon/ops.h"
#include "support/check.h"
#include "support/settings.h"
#include "support/training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES 4000 /* samples of an item */
#define ITEMS 2

/* A small agent whose latents are what the decoder hears. */
static ap_config small_config(void)
{
    ap_config config = ap_config_default();
    const char *const settings[][2] = {
        {"data.seconds", "0.5"}, {"codec.dim", "16"},    {"agent.component", "4"},
        {"agent.model", "32"},   {"agent.heads", "2"},   {"agent.layers", "1"},
        {"agent.ff", "64"},      {"agent.dropout", "0"}, {"codec.width", "4"},
        {"codec.ratios", "8,5"}, {"codec.lstm", "1"},    {"agent.output", "direct"},
    };
    set_all(&config, sizeof settings / sizeof *settings, settings);
    return config;
}

static ap_model *model_of(const ap_config *config)
{
    ap_model *model;
    ap_status status = ap_model_create(config, 1, &model);
    assert_string_equal(status.message, "");
    return model;
}

/* ---------------------------------------------------------------- a batch */

static void latents_are_kept_while_nothing_changes_them(void **state)
{
    (void)state;
    const struct {
        ap_codec_type type;
        bool train;
        double level_db;
        bool kept;
    } cases[] = {
        {AP_CODEC_MDCT, false, 0, true},   {AP_CODEC_MDCT, false, 6, true},
        {AP_CODEC_SEANET, false, 0, true}, {AP_CODEC_SEANET, false, 6, false},
        {AP_CODEC_SEANET, true, 0, false}, {AP_CODEC_SEANET, true, 6, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ap_config config = ap_config_default();
        config.codec.type = cases[i].type;
        config.codec.train = cases[i].train;
        config.data.augment_level_db = cases[i].level_db;
        assert_int_equal(ap_step_keeps_latents(&config), cases[i].kept);
    }
}

static void check_encoded(ap_tape *tape, ap_codec *codec, ap_tensor audio, ap_tensor kept)
{
    ap_tensor z = ap_codec_encode(tape, codec, ap_tape_constant(tape, audio))->value;
    int64_t n = ap_shape_count(z.shape);
    assert_true(ap_shape_same(z.shape, kept.shape));
    double *want = malloc((size_t)n * sizeof *want);
    assert_non_null(want);
    for (int64_t i = 0; i < n; i++) want[i] = (double)z.data[i];
    check_close("latents", n, kept.data, want, forward_tolerance());
    free(want);
}

/* Wherever latents are kept: those of a batch are what its audio would be encoded to, at its level. */
static void check_kept(const ap_config *config, const ap_choice *choices)
{
    assert_true(ap_step_keeps_latents(config));
    ap_tensor audio = random_tensor(5, 1, AP_SHAPE(ITEMS, 2, SAMPLES));
    ap_dataset set = training_dataset(ITEMS, SAMPLES, SAMPLES, audio.data);
    ap_model *model = model_of(config);
    ap_tape *tape = ap_tape_create(0);
    assert_false(ap_dataset_encode(&set, ap_model_codec(model), tape, NULL).code);
    ap_batch batch = ap_batch_init(&set, ITEMS);
    assert_false(ap_batch_fill(&batch, &set, ITEMS, choices).code);
    for (int k = 0; k < ITEMS; k++)
        for (int i = 0; i < SAMPLES; i += 97) {
            const ap_choice *c = &choices[k];
            const ap_real *from = audio.data + 2 * c->input.piece * SAMPLES,
                          *to = audio.data + (2 * c->target.piece + 1) * SAMPLES;
            const ap_real *input = c->unity && c->target_side ? to : from;
            const ap_real *target = c->unity && !c->target_side ? from : to;
            assert_true(batch.input.data[k * SAMPLES + i] == c->input_gain * input[i]);
            assert_true(batch.target.data[k * SAMPLES + i] == c->target_gain * target[i]);
        }
    check_encoded(tape, ap_model_codec(model), batch.input, batch.zi);
    check_encoded(tape, ap_model_codec(model), batch.target, batch.zt);
    ap_batch_free(&batch);
    ap_tape_free(tape);
    ap_model_free(model);
    ap_dataset_free(&set);
    free(audio.data);
}

static void kept_latents_are_those_of_the_audio(void **state)
{
    (void)state;
    const ap_choice as_they_are[] = {{{1, 0}, {0, 0}, false, false, 1, 1, false},
                                     {{0, 0}, {1, 0}, false, false, 1, 1, false}};
    const ap_choice louder[] = {{{1, 0}, {0, 0}, false, false, 2, (ap_real)0.25, false},
                                {{0, 0}, {1, 0}, false, false, 3, (ap_real)1.5, false}};
    const ap_choice alone[] = {{{1, 0}, {0, 0}, true, false, 2, 2, false},
                               {{0, 0}, {1, 0}, true, true, (ap_real)0.5, (ap_real)0.5, false}};
    ap_config config = small_config();
    config.data.augment_level_db = 12;
    check_kept(&config, louder);
    check_kept(&config, alone);
    config.codec.type = AP_CODEC_SEANET;
    config.data.augment_level_db = 0;
    check_kept(&config, as_they_are);
}

/* ---------------------------------------------------------------- what the agent hears */

typedef struct sources {
    ap_tensor zi, zt;
} sources;

static sources make_sources(void)
{
    const ap_shape shape = AP_SHAPE(2, 16, 25);
    return (sources){random_tensor(1, 3, shape), random_tensor(2, 5, shape)};
}

static void free_sources(sources *s)
{
    free(s->zi.data);
    free(s->zt.data);
}

static ap_tensor compose(ap_tape *tape, ap_model *model, const sources *s)
{
    return ap_model_compose(tape, model, ap_tape_constant(tape, s->zi), ap_tape_constant(tape, s->zt))
        .latents->value;
}

/* To compress the latents is to hear latents that are compressed. */
static void an_agent_that_compresses_hears_asinh(void **state)
{
    (void)state;
    ap_config config = small_config();
    ap_model *plain = model_of(&config);
    set(&config, "agent.compress", "true");
    ap_model *compressing = model_of(&config);
    sources s = make_sources();
    ap_tape *tape = ap_tape_create(0);
    ap_tensor loud = compose(tape, plain, &s), got = compose(tape, compressing, &s);
    int64_t n = ap_shape_count(s.zi.shape);
    for (int64_t i = 0; i < n; i++) {
        s.zi.data[i] = (ap_real)asinh((double)s.zi.data[i]);
        s.zt.data[i] = (ap_real)asinh((double)s.zt.data[i]);
    }
    ap_tensor want = compose(tape, plain, &s);
    double apart = 0;
    for (int64_t i = 0; i < n; i++) {
        assert_true(fabs((double)(got.data[i] - want.data[i])) < 1e-4);
        apart = fmax(apart, fabs((double)(got.data[i] - loud.data[i])));
    }
    assert_true(apart > 1e-2);
    ap_tape_free(tape);
    free_sources(&s);
    ap_model_free(compressing);
    ap_model_free(plain);
}

/* ---------------------------------------------------------------- an update */

/* One number that is not finite among the gradients, and nothing has happened. */
static void a_gradient_that_is_not_finite_moves_nothing(void **state)
{
    (void)state;
    const ap_real bad[] = {NAN, INFINITY, -INFINITY};
    ap_config config = small_config();
    ap_model *model = model_of(&config);
    ap_params *params = ap_model_params(model);
    ap_adamw optimiser = ap_step_optimiser(&config, model);
    int64_t n = ap_params_trained_count(params);
    size_t bytes = (size_t)n * sizeof(ap_real);
    ap_real *values = ap_params_trained_values(params), *grads = ap_params_trained_grads(params);
    ap_real *before = malloc(bytes);
    assert_non_null(before);
    memcpy(before, values, bytes);
    for (int k = 0; k < 3; k++) {
        for (int64_t i = 0; i < n; i++) grads[i] = 1;
        grads[n / 2] = bad[k];
        assert_false(isfinite(ap_step_update(&config, model, &optimiser, 0.1)));
        assert_memory_equal(values, before, bytes);
        assert_int_equal(optimiser.step, 0);
        for (int64_t i = 0; i < n; i++)
            assert_true(grads[i] == 0 && optimiser.m[i] == 0 && optimiser.v[i] == 0);
    }
    for (int64_t i = 0; i < n; i++) grads[i] = 1;
    assert_true(fabs(ap_step_update(&config, model, &optimiser, 0.1) - sqrt((double)n)) < 1e-3);
    assert_int_equal(optimiser.step, 1);
    for (int64_t i = 0; i < n; i++) assert_true(values[i] < before[i] && grads[i] == 0);
    free(before);
    ap_adamw_free(&optimiser);
    ap_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(latents_are_kept_while_nothing_changes_them),
        cmocka_unit_test(kept_latents_are_those_of_the_audio),
        cmocka_unit_test(an_agent_that_compresses_hears_asinh),
        cmocka_unit_test(a_gradient_that_is_not_finite_moves_nothing),
    };
    return cmocka_run_group_tests_name("step", tests, NULL, NULL);
}
