/* What an epoch trains on, for a set of four pieces of 3, 1, 2 and 4 windows: every window once, with a
 * target and at levels as the configuration says. */
#include "train/order.h"

#include "support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PIECES 4
#define ITEMS 10
#define WINDOW 100
#define EPOCHS 2000
#define LEVEL_DB 6.0

static const int64_t lengths[PIECES] = {3 * WINDOW + 40, WINDOW, 2 * WINDOW + 1, 4 * WINDOW + 99};

typedef struct fixture {
    ap_piece pieces[PIECES];
    ap_dataset set;
    ap_config config;
} fixture;

static void fill(fixture *f, int count, const int64_t *of)
{
    f->set = (ap_dataset){.pieces = f->pieces, .count = count, .S = WINDOW};
    for (int k = 0; k < count; k++) {
        f->pieces[k] = (ap_piece){.length = of[k], .first = f->set.windows};
        f->set.windows += of[k] / WINDOW;
    }
}

static fixture *setting(fixture *f)
{
    *f = (fixture){.config = ap_config_default()};
    fill(f, PIECES, lengths);
    return f;
}

static int64_t window_of(const fixture *f, ap_place place)
{
    return f->pieces[place.piece].first + place.at / WINDOW;
}

static void draw(const fixture *f, uint64_t seed, ap_choice *order)
{
    bool seen[ITEMS] = {false};
    for (int i = 0; i < ITEMS; i++) {
        order[i] = ap_order_item(&f->config, &f->set, seed, i);
        int64_t input = window_of(f, order[i].input);
        assert_in_range(input, 0, ITEMS - 1);
        assert_in_range(window_of(f, order[i].target), 0, ITEMS - 1);
        assert_true(order[i].input.at % WINDOW == 0 && order[i].target.at % WINDOW == 0);
        assert_false(seen[input]);
        seen[input] = true;
    }
}

/* a count of `trials` of probability p, within five standard deviations */
static void assert_share(int counted, int trials, double p)
{
    assert_true(fabs(counted - p * trials) <= 5 * sqrt(p * (1 - p) * trials));
}

/* an epoch longer than the set goes round it again, each time in another order */
static void test_rounds(void **state)
{
    (void)state;
    fixture f;
    setting(&f);
    int seen[ITEMS] = {0}, moved = 0;
    for (int i = 0; i < ITEMS; i++) {
        ap_choice first = ap_order_item(&f.config, &f.set, 1, i),
                  second = ap_order_item(&f.config, &f.set, 1, ITEMS + i);
        seen[window_of(&f, second.input)]++;
        moved += window_of(&f, first.input) != window_of(&f, second.input);
    }
    for (int i = 0; i < ITEMS; i++) assert_int_equal(seen[i], 1);
    assert_true(moved > 0);
}

/* Every window has every place in the order equally often, and every other window as its neighbour. */
static void test_order_is_random(void **state)
{
    (void)state;
    fixture f;
    setting(&f);
    int at[ITEMS][ITEMS] = {{0}}, next[ITEMS][ITEMS] = {{0}};
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        ap_choice order[ITEMS];
        draw(&f, epoch, order);
        for (int i = 0; i < ITEMS; i++) {
            int64_t w = window_of(&f, order[i].input);
            at[w][i]++;
            if (i > 0) next[window_of(&f, order[i - 1].input)][w]++;
        }
    }
    for (int w = 0; w < ITEMS; w++)
        for (int i = 0; i < ITEMS; i++) {
            assert_share(at[w][i], EPOCHS, 1.0 / ITEMS);
            assert_share(next[w][i], EPOCHS, w == i ? 0 : 1.0 / ITEMS);
        }
}

/* Whatever the number of windows, up to millions, each comes once. */
static void test_every_window_once(void **state)
{
    (void)state;
    static const int64_t counts[] = {1, 2, 3, 255, 256, 257, 4097, 1500000};
    fixture f;
    setting(&f);
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        const int64_t length = counts[k] * WINDOW;
        fill(&f, 1, &length);
        bool *seen = calloc((size_t)counts[k], sizeof *seen);
        assert_non_null(seen);
        for (int64_t i = 0; i < counts[k]; i++) {
            int64_t w = ap_order_item(&f.config, &f.set, 5, i).input.at / WINDOW;
            if (w < 0 || w >= counts[k] || seen[w]) fail_msg("of %d: %d again", (int)counts[k], (int)w);
            seen[w] = true;
        }
        free(seen);
    }
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
        assert_memory_equal(&first[i].target, &first[i].input, sizeof first[i].input);
        assert_true(!first[i].unity && first[i].input_gain == 1 && first[i].target_gain == 1);
        assert_memory_equal(&again[i].input, &first[i].input, sizeof first[i].input);
        same = same && window_of(&f, second[i].input) == window_of(&f, first[i].input);
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
        for (int i = 0; i < ITEMS; i++) counts[window_of(f, order[i].input)][window_of(f, order[i].target)]++;
    }
}

static int64_t piece_of(const fixture *f, int window)
{
    return ap_dataset_window(&f->set, window).piece;
}

static void test_shuffled_targets_are_of_other_pieces(void **state)
{
    (void)state;
    fixture f;
    setting(&f)->config.data.targets = AP_TARGETS_SHUFFLED;
    int counts[ITEMS][ITEMS];
    count(&f, counts);
    for (int i = 0; i < ITEMS; i++)
        for (int t = 0; t < ITEMS; t++) {
            double others = (double)(ITEMS - lengths[piece_of(&f, i)] / WINDOW);
            assert_share(counts[i][t], EPOCHS, piece_of(&f, t) == piece_of(&f, i) ? 0 : 1 / others);
        }
    /* one piece alone has no other: each item keeps its own target */
    const int64_t whole = ITEMS * WINDOW;
    fill(&f, 1, &whole);
    count(&f, counts);
    for (int i = 0; i < ITEMS; i++) assert_int_equal(counts[i][i], EPOCHS);
}

/* Random crops begin at any sample of their piece from which a window fits, each equally often, and input and
 * target at the same sample, unless the target is another piece's. A piece has as many as it has windows. */
static void test_random_crops(void **state)
{
    (void)state;
    fixture f;
    setting(&f)->config.data.crop = AP_CROP_RANDOM;
    int first[PIECES] = {0}, last[PIECES] = {0}, of_piece[PIECES] = {0}, trials = 10 * EPOCHS;
    for (int i = 0; i < trials * ITEMS; i++) {
        ap_choice c = ap_order_item(&f.config, &f.set, 7, i);
        assert_memory_equal(&c.input, &c.target, sizeof c.input);
        assert_in_range(c.input.at, 0, lengths[c.input.piece] - WINDOW);
        of_piece[c.input.piece]++;
        first[c.input.piece] += c.input.at == 0;
        last[c.input.piece] += c.input.at == lengths[c.input.piece] - WINDOW;
    }
    for (int p = 0; p < PIECES; p++) {
        int items = trials * (int)(lengths[p] / WINDOW);
        assert_int_equal(of_piece[p], items);
        assert_share(first[p], items, 1.0 / (double)(lengths[p] - WINDOW + 1));
        assert_share(last[p], items, 1.0 / (double)(lengths[p] - WINDOW + 1));
    }
    f.config.data.targets = AP_TARGETS_SHUFFLED;
    bool between = false;
    for (int i = 0; i < 1000; i++) {
        ap_choice c = ap_order_item(&f.config, &f.set, 7, i);
        assert_true(c.input.piece != c.target.piece);
        assert_in_range(c.target.at, 0, lengths[c.target.piece] - WINDOW);
        between = between || c.target.at % WINDOW != 0;
    }
    assert_true(between);
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

/* Some batches, about the share asked for, ask by a recording's own attacks; in these every item does, and
 * its target is another window of the same piece, where there is one. */
static void some_batches_have_answers(void **state)
{
    (void)state;
    fixture f;
    setting(&f);
    f.config.data.targets = AP_TARGETS_SHUFFLED;
    f.config.data.answers = 0.3;
    f.config.train.batch_size = 5;
    int answered = 0;
    for (int i = 0; i < 5 * EPOCHS; i++) {
        ap_choice c = ap_order_item(&f.config, &f.set, 7, i);
        answered += i % 5 == 0 && c.answered;
        assert_int_equal(c.answered, ap_order_item(&f.config, &f.set, 7, i - i % 5).answered);
        assert_true(c.answered == (c.target.piece == c.input.piece));
        if (c.answered) {
            assert_true(c.input_gain == c.target_gain);
            assert_true((c.input.at == c.target.at) == (f.pieces[c.input.piece].length < 2 * WINDOW));
        }
    }
    assert_true(fabs(answered - 0.3 * EPOCHS) < 5 * sqrt(0.21 * EPOCHS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_batches_have_answers),
        cmocka_unit_test(test_rounds),
        cmocka_unit_test(test_order_is_random),
        cmocka_unit_test(test_every_window_once),
        cmocka_unit_test(test_matched),
        cmocka_unit_test(test_shuffled_targets_are_of_other_pieces),
        cmocka_unit_test(test_random_crops),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_unity),
    };
    return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
