/* After the first step the training loop takes no memory from the heap: neither in a step of the default
 * recipe, with its lags and its wider envelopes, nor in one of the full model's parts. The linker passes the
 * library's calls of malloc and its kin by here; what OpenBLAS does inside is its own. */
#include "train/feed.h"
#include "train/order.h"
#include "train/step.h"

#include "support/check.h"
#include "support/folder.h"
#include "support/settings.h"
#include "support/training.h"

#include <stdatomic.h>
#include <stdlib.h>

static atomic_int counted;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);

void *__wrap_malloc(size_t size)
{
    counted++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    counted++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    counted++;
    return __real_realloc(block, size);
}

#define ITEMS 2
#define SAMPLES 12000

static void check_steps(ap_config *config)
{
    set(config, "data.seconds", "0.5");
    ap_tensor audio = random_tensor(5, (ap_real)0.3, AP_SHAPE(ITEMS, 2, SAMPLES));
    ap_dataset set = training_dataset(ITEMS, SAMPLES, SAMPLES, audio.data);
    ap_model *model;
    ap_status status = ap_model_create(config, 1, &model);
    assert_string_equal(status.message, "");
    ap_tape *tape = ap_tape_create(0);
    ap_adamw optimiser = ap_step_optimiser(config, model);
    assert_false(ap_dataset_encode(&set, ap_model_codec(model), tape, NULL).code);
    ap_batch batch = ap_batch_init(&set, ITEMS);
    for (int step = 0; step < 4; step++) {
        counted = 0;
        ap_choice choices[ITEMS];
        for (int k = 0; k < ITEMS; k++) choices[k] = ap_order_item(config, &set, 1, k);
        assert_false(ap_batch_fill(&batch, &set, ITEMS, choices).code);
        ap_step_gradient(tape, config, model, &batch, 1);
        ap_step_update(config, model, &optimiser, 1e-3);
        if (step > 0) assert_int_equal(counted, 0);
        if (step == 0) assert_true(counted > 0); /* the counter counts */
    }
    ap_batch_free(&batch);
    ap_adamw_free(&optimiser);
    ap_tape_free(tape);
    ap_model_free(model);
    ap_dataset_free(&set);
    free(audio.data);
}

static void the_default_recipe_takes_no_memory(void **state)
{
    (void)state;
    ap_config config = ap_config_default();
    ap_status status = ap_config_load("../configs/compose.json", &config);
    assert_string_equal(status.message, "");
    const char *const small[][2] = {
        {"agent.component", "4"}, {"agent.model", "32"}, {"agent.layers", "1"}, {"agent.ff", "64"}};
    set_all(&config, sizeof small / sizeof *small, small);
    check_steps(&config);
}

static void the_whole_loss_takes_no_memory(void **state)
{
    (void)state;
    ap_config config = ap_config_default();
    const char *const settings[][2] = {
        {"codec.type", "seanet"},     {"codec.dim", "16"},       {"codec.width", "4"},
        {"codec.ratios", "8,5"},      {"codec.lstm", "1"},       {"agent.component", "4"},
        {"agent.model", "32"},        {"agent.heads", "2"},      {"agent.layers", "1"},
        {"agent.ff", "64"},           {"cascade.layers", "1"},   {"cascade.heads", "2"},
        {"loss.mel", "0.1"},          {"loss.corr_weight", "1"}, {"loss.corr_bands", "3"},
        {"loss.corr_envelope", "p8"},
    };
    set_all(&config, sizeof settings / sizeof *settings, settings);
    check_steps(&config);
}

/* Nor does the thread that reads the batches of a set that is not in memory. */
static void reading_ahead_takes_no_memory(void **state)
{
    const char *folder = folder_path(state, "pairs");
    for (int k = 0; k < 3; k++) training_write_pair(folder, "train", k, 0.5, 0.1, 0.1);
    ap_config config = training_config(folder);
    config.data.crop = AP_CROP_RANDOM;
    ap_dataset set;
    assert_string_equal(ap_dataset_open(folder, "train", 2400, &set).message, "");
    ap_model *model;
    assert_string_equal(ap_model_create(&config, 1, &model).message, "");
    ap_tape *tape = ap_tape_create(0);
    ap_dataset_encode_later(&set, ap_model_codec(model), tape);
    ap_feed *feed = ap_feed_create(&config, &set);
    for (int step = 0; step < 12; step++) {
        const ap_batch *batch;
        double waited;
        if (step == 1) counted = 0;
        assert_false(ap_feed_take(feed, (ap_span){0, step, 1}, NULL, &batch, &waited).code);
        ap_step_gradient(tape, &config, model, batch, 1);
    }
    assert_int_equal(counted, 0);
    ap_feed_free(feed);
    ap_tape_free(tape);
    ap_model_free(model);
    ap_dataset_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_recipe_takes_no_memory),
        cmocka_unit_test(the_whole_loss_takes_no_memory),
        cmocka_unit_test_setup_teardown(reading_ahead_takes_no_memory, folder_create, folder_remove),
    };
    return cmocka_run_group_tests_name("allocations", tests, NULL, NULL);
}
