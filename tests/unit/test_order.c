/* What an epoch trains on, for a set of four pieces of 3, 1, 2 and 4 windows: every item once, with a target
 * and at levels as the configuration says. */
#include "train/order.h"

#include "support/check.h"

#include <math.h>
#include <string.h>

#define ITEMS 10
#define EPOCHS 2000
#define LEVEL_DB 6.0

static const size_t pieces[ITEMS] = {0, 0, 0, 1, 2, 2, 3, 3, 3, 3};

typedef struct fixture {
    ap_item items[ITEMS];
    ap_dataset set;
    ap_config config;
} fixture;

static fixture *setting(fixture *f)
{
    *f = (fixture){.config = ap_config_default()};
    for (int i = 0; i < ITEMS; i++) f->items[i].piece = pieces[i];
    f->set = (ap_dataset){.items = f->items, .count = ITEMS, .pieces = 4};
    return f;
}

static void draw(const fixture *f, uint64_t seed, ap_choice *order)
{
    ap_order_draw(&f->config, &f->set, seed, ITEMS, order);
    bool seen[ITEMS] = {false};
    for (int i = 0; i < ITEMS; i++) {
        assert_in_range(order[i].input, 0, ITEMS - 1);
        assert_in_range(order[i].target, 0, ITEMS - 1);
        assert_false(seen[order[i].input]);
        seen[order[i].input] = true;
    }
}

/* an epoch longer than the set goes round it again, each time in another order, and ends where it should */
static void test_rounds(void **state)
{
    (void)state;
    fixture f;
    setting(&f);
    ap_choice once[ITEMS], rounds[2 * ITEMS + 2] = {[2 * ITEMS + 1] = {.input = -1}};
    draw(&f, 1, once);
    ap_order_draw(&f.config, &f.set, 1, 2 * ITEMS + 1, rounds);
    int seen[ITEMS] = {0}, moved = 0;
    for (int i = 0; i < ITEMS; i++) {
        assert_true(rounds[i].input == once[i].input);
        seen[rounds[ITEMS + i].input]++;
        moved += rounds[ITEMS + i].input != once[i].input;
    }
    for (int i = 0; i < ITEMS; i++) assert_int_equal(seen[i], 1);
    assert_true(moved > 0);
    assert_in_range(rounds[2 * ITEMS].input, 0, ITEMS - 1);
    assert_int_equal(rounds[2 * ITEMS + 1].input, -1);
}

static void test_matched(void **state)
{
    (void)state;
    fixture f;
    setting(&f);
    ap_choice first[ITEMS], again[ITEMS], second[ITEMS];
    draw(&f, 1, first);
    draw(&f, 1, again);
    draw(&f, 2, second);
    bool same = true;
    for (int i = 0; i < ITEMS; i++) {
        assert_true(first[i].target == first[i].input && !first[i].unity);
        assert_true(first[i].input_gain == 1 && first[i].target_gain == 1);
        assert_true(again[i].input == first[i].input);
        same = same && second[i].input == first[i].input;
    }
    assert_false(same);
}

/* how often each input had each target */
static void count(const fixture *f, int counts[ITEMS][ITEMS])
{
    memset(counts, 0, sizeof(int[ITEMS][ITEMS]));
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        ap_choice order[ITEMS];
        draw(f, epoch, order);
        for (int i = 0; i < ITEMS; i++) counts[order[i].input][order[i].target]++;
    }
}

/* a count of EPOCHS trials of probability p, within five standard deviations */
static void assert_share(int counted, double p)
{
    assert_true(fabs(counted - p * EPOCHS) <= 5 * sqrt(p * (1 - p) * EPOCHS));
}

static int windows_of(size_t piece)
{
    int n = 0;
    for (int i = 0; i < ITEMS; i++) n += pieces[i] == piece;
    return n;
}

static void test_shuffled_targets_are_of_other_pieces(void **state)
{
    (void)state;
    fixture f;
    setting(&f)->config.data.targets = AP_TARGETS_SHUFFLED;
    int counts[ITEMS][ITEMS];
    count(&f, counts);
    for (int i = 0; i < ITEMS; i++)
        for (int t = 0; t < ITEMS; t++)
            assert_share(counts[i][t], pieces[t] == pieces[i] ? 0 : 1.0 / (ITEMS - windows_of(pieces[i])));
    /* one piece alone has no other: each item keeps its own target */
    for (int i = 0; i < ITEMS; i++) f.items[i].piece = 0;
    count(&f, counts);
    for (int i = 0; i < ITEMS; i++) assert_int_equal(counts[i][i], EPOCHS);
}

static void test_levels(void **state)
{
    (void)state;
    fixture f;
    setting(&f)->config.data.augment_level_db = LEVEL_DB;
    double square = 0, product = 0, most = 0, sum = 0;
    int n = 0;
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        ap_choice order[ITEMS];
        draw(&f, epoch, order);
        for (int i = 0; i < ITEMS; i++, n++) {
            double a = 20 * log10((double)order[i].input_gain), b = 20 * log10((double)order[i].target_gain);
            assert_true(fabs(a) <= LEVEL_DB * 1.000001 && fabs(b) <= LEVEL_DB * 1.000001);
            sum += a;
            square += a * a;
            product += a * b;
            most = fmax(most, fabs(b));
        }
    }
    /* even over -6 .. 6 dB: mean 0, mean square 12; the two levels have nothing to do with each other */
    double spread = LEVEL_DB / sqrt(3), error = 5 / sqrt(n);
    assert_true(fabs(sum / n) < error * spread && fabs(product / n) < error * spread * spread);
    assert_true(fabs(square / n / (spread * spread) - 1) < error && most > 0.99 * LEVEL_DB);
}

static void test_unity(void **state)
{
    (void)state;
    fixture f;
    setting(&f)->config.data.unity_test = true;
    f.config.data.augment_level_db = LEVEL_DB;
    ap_choice order[ITEMS];
    draw(&f, 3, order);
    for (int i = 0; i < ITEMS; i++)
        assert_true(order[i].unity && order[i].input_gain == order[i].target_gain &&
                    order[i].input_gain != 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds),
        cmocka_unit_test(test_matched),
        cmocka_unit_test(test_shuffled_targets_are_of_other_pieces),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_unity),
    };
    return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
