#include "base/suggest.h"

#include "support/check.h"

#include <string.h>

static const char *const keys[] = {"batch_size", "epochs", "corr_weight", "checkpoint", "lr"};

static const char *suggest(const char *word)
{
    return ap_suggest(word, keys, sizeof keys / sizeof *keys);
}

static void slips_of_the_hand(void **state)
{
    (void)state;
    assert_string_equal(suggest("epoch"), "epochs");            /* removed */
    assert_string_equal(suggest("eppochs"), "epochs");          /* inserted */
    assert_string_equal(suggest("epogs"), "epochs");            /* changed and removed */
    assert_string_equal(suggest("corr_wieght"), "corr_weight"); /* swapped */
    assert_string_equal(suggest("Batch-Size"), "batch_size");
}

static void what_is_far_is_not_suggested(void **state)
{
    (void)state;
    assert_null(suggest("zebra"));
    assert_null(suggest("l"));
    assert_null(suggest(""));
    char longest[1000];
    memset(longest, 'e', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_null(suggest(longest));
    assert_null(ap_suggest("epochs", NULL, 0));
}

/* Two changes in three letters would be too far. */
static void a_swap_counts_once(void **state)
{
    (void)state;
    const char *const three[] = {"abc"};
    assert_string_equal(ap_suggest("acb", three, 1), "abc");
    assert_null(ap_suggest("cab", three, 1));
}

static void the_nearest_wins_and_the_first_of_equals(void **state)
{
    (void)state;
    const char *const near[] = {"seconds", "second", "secondo"};
    assert_string_equal(ap_suggest("second", near, 3), "second");
    assert_string_equal(ap_suggest("secondz", near, 3), "seconds");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slips_of_the_hand),
        cmocka_unit_test(what_is_far_is_not_suggested),
        cmocka_unit_test(a_swap_counts_once),
        cmocka_unit_test(the_nearest_wins_and_the_first_of_equals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
