/* Going on with other settings: which items come next, and at which learning rate. */
#include "antiphon/checkpoint.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/replace.h"
#include "support/check.h"
#include "support/folder.h"
#include "support/settings.h"
#include "support/training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WINDOWS 7
#define EPOCHS 2

static char *set_path, *run, *last; /* the pair set; a run's folder and its last checkpoint */

static int set_up(void **state)
{
    if (folder_create(state) != 0) return -1;
    set_path = ap_copy_text(folder_path(state, "set"));
    run = ap_copy_text(folder_path(state, "run"));
    last = ap_format_text("%s/last.safetensors", run);
    training_write_pair(set_path, "train", 1, 0.4, 0.01,
                        0.5); /* four windows, and three, each as loud as none else */
    training_write_pair(set_path, "train", 2, 0.3, 0.02, 0.15);
    training_write_pair(set_path, "val", 3, 0.1, 0.1, 0.1);
    return 0;
}

static int tear_down(void **state)
{
    free(set_path);
    free(run);
    free(last);
    return folder_remove(state);
}

static ap_config config_of(const char *epochs, const char *batch_size, const char *accumulate)
{
    ap_config config = training_config(set_path);
    set(&config, "train.epochs", epochs);
    set(&config, "train.batch_size", batch_size);
    set(&config, "train.accumulate", accumulate);
    return config;
}

/* Trains for `steps` steps and is interrupted there. */
static training_record interrupt(const ap_config *config, int steps)
{
    training_record r = training_run(config, run, NULL, steps);
    assert_int_equal(r.status.code, AP_INTERRUPTED);
    assert_int_equal(r.steps, steps);
    return r;
}

static training_record go_on(const ap_config *config)
{
    training_record r = training_run(config, run, last, 0);
    assert_string_equal(r.status.message, "");
    return r;
}

static bool told(const training_record *r, const char *text)
{
    return strstr(r->notes, text) != NULL;
}

/* ---------------------------------------------------------------- which items come next */

/* A model that plays the input, and learns nothing: an item's loss tells which it is. */
static ap_config telling_config(const char *batch_size, const char *accumulate)
{
    ap_config config = config_of("2", batch_size, accumulate);
    set(&config, "agent.output", "direct");
    return config;
}

/* The losses of one epoch after the other, an item at a time. */
static const double *losses_in_order(void)
{
    static training_record whole;
    ap_config config = telling_config("1", "1");
    whole = training_run(&config, run, NULL, 0);
    assert_int_equal(whole.steps, EPOCHS * WINDOWS);
    for (int i = 0; i < WINDOWS; i++)
        for (int j = 0; j < i; j++) {
            double apart = fabs(whole.loss[i] - whole.loss[j]);
            if (!(apart > 1e-2)) fail_msg("%d and %d: %g and %g", i, j, whole.loss[i], whole.loss[j]);
        }
    return whole.loss;
}

/* Whether the steps of a run are means over one group of items after the other, in their order, from the item
 * `at` on; gives the item after the last. */
static int check_steps(const training_record *r, const double *losses, int at, int group)
{
    for (int k = 0; k < r->steps; k++) {
        int end = (at / WINDOWS + 1) * WINDOWS, count = at + group < end ? group : end - at;
        double mean = 0;
        for (int i = 0; i < count; i++) mean += losses[at + i] / count;
        if (!(fabs(r->loss[k] - mean) < 1e-4))
            fail_msg("step %d from item %d on: %g, not %g", k, at, r->loss[k], mean);
        at += count;
    }
    return at;
}

static void no_item_is_repeated_or_left_out(void **state)
{
    (void)state;
    static const struct {
        const char *sizes[4]; /* batch_size and accumulate, before and after */
        int group[2], steps;  /* items of a step; steps before the interruption */
    } cases[] = {
        {{"2", "1", "1", "1"}, {2, 1}, 2}, {{"1", "1", "3", "1"}, {1, 3}, 3},
        {{"1", "3", "2", "1"}, {3, 2}, 1}, {{"2", "2", "1", "1"}, {4, 1}, 1},
        {{"1", "1", "4", "2"}, {1, 8}, 9}, {{"3", "1", "3", "1"}, {3, 3}, 4},
    };
    const double *losses = losses_in_order();
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        ap_config config = telling_config(cases[k].sizes[0], cases[k].sizes[1]);
        training_record before = interrupt(&config, cases[k].steps);
        int at = check_steps(&before, losses, 0, cases[k].group[0]);
        set(&config, "train.batch_size", cases[k].sizes[2]);
        set(&config, "train.accumulate", cases[k].sizes[3]);
        training_record after = go_on(&config);
        assert_int_equal(check_steps(&after, losses, at, cases[k].group[1]), EPOCHS * WINDOWS);
        assert_string_equal(strstr(after.notes, "anew") ? after.notes : "", "");
        for (int e = 0; e < after.epochs; e++) /* the epoch's mean is over all of them */
            assert_true(fabs(after.train[e] / after.train[0] - 1) < 1e-4);
    }
}

/* Puts `is`, of the same length, where `was` stands once in the file. */
static void patch(const char *path, const char *was, const char *is)
{
    char *text;
    size_t length, bytes = strlen(was);
    ap_status status = ap_file_read(path, 1 << 24, &text, &length);
    assert_string_equal(status.message, "");
    assert_int_equal(bytes, strlen(is));
    char *at = memmem(text, length, was, bytes);
    if (!at) fail_msg("%s: no %s", path, was);
    memcpy(at, is, bytes);
    status = ap_replace_file(path, text, length);
    assert_string_equal(status.message, "");
    free(text);
}

/* Makes the checkpoint one of before: it counts batches, has no plan and no checksums. Both numbers are
 * of one digit. */
static void make_older(const char *items, const char *batches)
{
    char *was = ap_format_text("\\\"items\\\":\\t\\\"%s\\\"", items);
    char *is = ap_format_text("\\\"batch\\\":\\t\\\"%s\\\"", batches);
    patch(last, "\"checksums\"", "\"checksumX\"");
    patch(last, "\"checksums.crc32\"", "\"checksums.crc3X\"");
    patch(last, was, is);
    free(was);
    free(is);
}

/* A checkpoint of before counts batches, of the size that its configuration says. */
static void an_older_checkpoint_counts_in_batches(void **state)
{
    (void)state;
    const double *losses = losses_in_order();
    ap_config config = telling_config("2", "1");
    interrupt(&config, 3);
    make_older("6", "3");
    set(&config, "train.batch_size", "1");
    training_record after = go_on(&config);
    assert_int_equal(after.steps, 1 + WINDOWS);
    assert_int_equal(check_steps(&after, losses, 6, 1), EPOCHS * WINDOWS);
    assert_string_equal(after.notes[0] && strstr(after.notes, "anew") ? after.notes : "", "");
}

/* The set may move; another one, or another order, has no item that would be the next. */
static void an_epoch_over_another_set_begins_anew(void **state)
{
    const char *moved = folder_path(state, "moved"), *larger = folder_path(state, "larger"),
               *other = folder_path(state, "other");
    for (int k = 0; k < 2; k++) {
        const char *path = k ? larger : moved;
        training_write_pair(path, "train", 1, 0.4, 0.01, 0.5);
        training_write_pair(path, "train", 2, 0.3, 0.02, 0.15);
        training_write_pair(path, "val", 3, 0.1, 0.1, 0.1);
    }
    training_write_pair(larger, "train", 4, 0.2, 0.1, 0.1);
    training_write_pair(other, "train", 1, 0.7, 0.01, 0.5); /* as many windows */
    training_write_pair(other, "val", 3, 0.1, 0.1, 0.1);
    const struct {
        const char *key, *value, *why; /* NULL: not anew */
        int steps;                     /* after the interruption */
    } cases[] = {{"data.path", moved, NULL, 11},
                 {"data.path", larger, "the training set has changed", 18},
                 {"data.path", other, "the training set has changed", 14},
                 {"data.seconds", "0.05", "the training set has changed", 28},
                 {"train.seed", "5", "train.seed has changed", 14},
                 {"data.targets", "shuffled", "data.targets has changed", 14},
                 {"data.crop", "random", "data.crop has changed", 14},
                 {"train.lr", "0.002", NULL, 11}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        ap_config config = config_of("2", "1", "1");
        interrupt(&config, 3);
        set(&config, cases[k].key, cases[k].value);
        training_record after = go_on(&config);
        assert_int_equal(after.steps, cases[k].steps);
        assert_int_equal(after.epochs, 2);
        if (cases[k].why && !told(&after, cases[k].why))
            fail_msg("not told: %s, but %s", cases[k].why, after.notes);
        assert_true(told(&after, "epoch 1, with 3 items done, starts again") == (cases[k].why != NULL));
    }
}

/* train.steps_per_epoch asks for less than the epoch has had: it ends, and that is told. */
static void an_epoch_with_too_many_items_behind_it_ends(void **state)
{
    (void)state;
    ap_config config = config_of("2", "2", "1");
    set(&config, "train.steps_per_epoch", "5");
    interrupt(&config, 4);
    set(&config, "train.batch_size", "1");
    training_record after = go_on(&config);
    assert_true(told(&after, "epoch 1 has 8 items done, and an epoch has only 5 now: it ends here"));
    assert_int_equal(after.epochs, 2);
    assert_int_equal(after.steps, 5);
    for (int k = 0; k < after.steps; k++) assert_int_equal(after.epoch[k], 2);
}

/* ---------------------------------------------------------------- the learning rate */

#define LR 0.001

static ap_config cosine(const char *epochs, const char *batch_size)
{
    ap_config config = config_of(epochs, batch_size, "1");
    set(&config, "train.schedule", "cosine");
    return config;
}

static double half_cosine(double high, double low, double share)
{
    return low + (high - low) * (1 + cos(M_PI * share)) / 2;
}

/* Whether the rates are those of the rest of a cosine from `share` on, spread over the steps of the run. */
static void check_rest(const training_record *r, double high, double low, double share)
{
    for (int k = 0; k < r->steps; k++) {
        double want = half_cosine(high, low, share + (1 - share) * k / r->steps);
        if (!(fabs(r->rate[k] - want) < 1e-9)) fail_msg("step %d: rate %g, not %g", k, r->rate[k], want);
    }
}

static void the_same_settings_give_the_same_rates(void **state)
{
    (void)state;
    const char *const settings[][2] = {{"train.warmup_steps", "0"}, {"train.warmup_steps", "9"}};
    for (int k = 0; k < 2; k++)
        for (int steps = 1; steps <= 15; steps += 7) { /* in the warm-up, in the cosine, in another epoch */
            ap_config config = cosine("3", "1");
            set_all(&config, 1, settings + k);
            training_record whole = training_run(&config, run, NULL, 0), first = interrupt(&config, steps);
            training_record rest = go_on(&config);
            assert_int_equal(first.steps + rest.steps, whole.steps);
            assert_memory_equal(whole.rate, first.rate, (size_t)first.steps * sizeof *first.rate);
            assert_memory_equal(whole.rate + steps, rest.rate, (size_t)rest.steps * sizeof *rest.rate);
            assert_false(told(&rest, "cosine"));
            if (k == 0) check_rest(&whole, LR, 0, 0);
        }
}

/* Of 14 steps 4 are done: the rest of the way goes over however many are left. */
static void the_cosine_keeps_its_place_with_other_sizes_and_epochs(void **state)
{
    const char *larger = folder_path(state, "twice");
    for (int k = 0; k < 3; k++) training_write_pair(larger, "train", 1 + k, 0.5, 0.01, 0.5);
    training_write_pair(larger, "val", 3, 0.1, 0.1, 0.1);
    const struct {
        const char *key, *value;
        int steps; /* after the interruption */
    } cases[] = {{"train.batch_size", "7", 2},       {"train.batch_size", "2", 6},
                 {"train.accumulate", "3", 4},       {"train.epochs", "6", 38},
                 {"train.epochs", "1", 3},           {"data.path", larger, 30},
                 {"train.steps_per_epoch", "20", 36}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        ap_config config = cosine("2", "1");
        interrupt(&config, 4);
        set(&config, cases[k].key, cases[k].value);
        training_record rest = go_on(&config);
        assert_int_equal(rest.steps, cases[k].steps);
        check_rest(&rest, LR, 0, 4.0 / 14);
        assert_true(told(&rest, "28.6 % of the cosine is done"));
    }
    /* a second change goes on from where the first had come to: 4 / 14, and a quarter of the rest */
    ap_config config = cosine("2", "1");
    interrupt(&config, 4);
    set(&config, "train.accumulate", "3");
    training_record second = training_run(&config, run, last, 1);
    assert_int_equal(second.status.code, AP_INTERRUPTED);
    set(&config, "train.epochs", "4");
    training_record third = go_on(&config);
    check_rest(&third, LR, 0, 4.0 / 14 + 10.0 / 14 / 4);
    assert_true(third.rate[0] <= second.rate[0]);
}

static void a_cosine_at_its_end_does_not_rise_again_by_itself(void **state)
{
    (void)state;
    const char *const lows[] = {"0", "0.0002"};
    for (int k = 0; k < 2; k++) {
        double low = strtod(lows[k], NULL);
        ap_config config = cosine("1", "1");
        set(&config, "train.min_lr", lows[k]);
        training_record whole = training_run(&config, run, NULL, 0);
        assert_int_equal(whole.steps, WINDOWS);
        set(&config, "train.epochs", "2");
        training_record stays = training_run(&config, run, last, 3);
        for (int i = 0; i < stays.steps; i++) assert_true(stays.rate[i] == low);
        assert_true(told(&stays, "the cosine has ended: the learning rate stays at train.min_lr"));
        assert_true(told(&stays, "nothing is learned") == (low == 0));
        training_record still = training_run(&config, run, last, 1);
        assert_true(told(&still, "the cosine has ended")); /* each time */
        /* another train.lr says that it is to, also later */
        set(&config, "train.lr", "0.0005");
        training_record again = go_on(&config);
        assert_int_equal(again.steps, 3);
        assert_true(told(&again, "a new one begins at 0.0005"));
        check_rest(&again, 0.0005, low, 0);
    }
}

static void a_constant_rate_turns_into_a_cosine_from_where_it_is(void **state)
{
    (void)state;
    ap_config config = config_of("2", "1", "1");
    training_record before = interrupt(&config, 5);
    assert_true(before.rate[4] == LR);
    set(&config, "train.schedule", "cosine");
    training_record rest = go_on(&config);
    assert_int_equal(rest.steps, 9);
    check_rest(&rest, LR, 0, 0);
}

/* Older checkpoints have no plan: it is that of their configuration. */
static void an_older_checkpoint_has_the_plan_of_its_configuration(void **state)
{
    (void)state;
    for (int steps = 5; steps <= 12; steps += 7) { /* in the first epoch, in the second */
        ap_config config = cosine("2", "1");
        interrupt(&config, steps);
        make_older("5", "5");
        training_record same = training_run(&config, run, last, 1);
        assert_true(fabs(same.rate[0] - half_cosine(LR, 0, steps / 14.0)) < 1e-9 && !told(&same, "cosine"));
        interrupt(&config, steps);
        make_older("5", "5");
        set(&config, "train.epochs", "5");
        training_record rest = go_on(&config);
        check_rest(&rest, LR, 0, steps / 14.0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_item_is_repeated_or_left_out),
        cmocka_unit_test(an_older_checkpoint_counts_in_batches),
        cmocka_unit_test(an_epoch_over_another_set_begins_anew),
        cmocka_unit_test(an_epoch_with_too_many_items_behind_it_ends),
        cmocka_unit_test(the_same_settings_give_the_same_rates),
        cmocka_unit_test(the_cosine_keeps_its_place_with_other_sizes_and_epochs),
        cmocka_unit_test(a_cosine_at_its_end_does_not_rise_again_by_itself),
        cmocka_unit_test(a_constant_rate_turns_into_a_cosine_from_where_it_is),
        cmocka_unit_test(an_older_checkpoint_has_the_plan_of_its_configuration),
    };
    return cmocka_run_group_tests_name("resume", tests, set_up, tear_down);
}
