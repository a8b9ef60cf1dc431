#include "antiphon/pairs.h"

#include "base/replace.h"
#include "support/check.h"
#include "support/folder.h"

#include <string.h>
#include <unistd.h>

static void make(void **state, const char *name)
{
    assert_int_equal(ap_replace_file(folder_path(state, name), "x", 1).code, AP_OK);
}

static void pairs_are_sorted_and_named(void **state)
{
    const char *const files[] = {"pair_0010_target.wav", "pair_0002_input.wav",   "pair_0010_input.wav",
                                 "pair_0002_output.wav", "pair_b-side_input.wav", "pair_b-side_target.wav"};
    ap_pairs pairs;
    assert_int_equal(ap_make_folder(folder_path(state, "val")).code, AP_OK);
    for (int k = 0; k < 6; k++) {
        char name[64] = "val/";
        make(state, strcat(name, files[k]));
    }
    assert_int_equal(ap_pairs_list(*state, "val", &pairs).code, AP_OK);
    assert_int_equal(pairs.count, 3);
    assert_int_equal(pairs.lone, 0);
    assert_null(pairs.first_lone);
    assert_string_equal(pairs.at[0].name, "pair_0002");
    assert_string_equal(pairs.at[1].name, "pair_0010");
    assert_string_equal(pairs.at[2].name, "pair_b-side");
    assert_string_equal(pairs.at[1].input, folder_path(state, "val/pair_0010_input.wav"));
    assert_string_equal(pairs.at[1].target, folder_path(state, "val/pair_0010_target.wav"));
    /* as sets of earlier versions call the target */
    assert_string_equal(pairs.at[0].target, folder_path(state, "val/pair_0002_output.wav"));
    ap_pairs_free(&pairs);
    assert_int_equal(ap_pairs_list(folder_path(state, "val"), NULL, &pairs).code, AP_OK);
    assert_int_equal(pairs.count, 3);
    ap_pairs_free(&pairs);
}

static void a_file_without_partner_is_counted_and_named(void **state)
{
    const char *const files[] = {"pair_1_input.wav",  "pair_2_input.wav", "pair_2_output.wav",
                                 "pair_3_output.wav", "pair__input.wav",  "pear_2_output.wav",
                                 "pair_4_input.flac", "notes.txt"};
    ap_pairs pairs;
    for (int k = 0; k < 8; k++) make(state, files[k]);
    assert_int_equal(ap_pairs_list(*state, NULL, &pairs).code, AP_OK);
    assert_int_equal(pairs.count, 1);
    assert_string_equal(pairs.at[0].name, "pair_2");
    assert_int_equal(pairs.lone, 2);
    assert_string_equal(pairs.first_lone, folder_path(state, "pair_1_input.wav"));
    ap_pairs_free(&pairs);
}

/* Where a pair has a target by either name, the name of today counts, and the other file is told of. */
static void of_two_targets_one_counts(void **state)
{
    const char *const files[] = {"pair_1_input.wav", "pair_1_target.wav", "pair_1_output.wav"};
    ap_pairs pairs;
    for (int k = 0; k < 3; k++) make(state, files[k]);
    assert_int_equal(ap_pairs_list(*state, NULL, &pairs).code, AP_OK);
    assert_int_equal(pairs.count, 1);
    assert_string_equal(pairs.at[0].target, folder_path(state, "pair_1_target.wav"));
    assert_int_equal(pairs.lone, 1);
    assert_string_equal(pairs.first_lone, folder_path(state, "pair_1_output.wav"));
    ap_pairs_free(&pairs);
}

static void check_refused(const char *folder, const char *split, const char *reason)
{
    ap_pairs pairs;
    ap_status status = ap_pairs_list(folder, split, &pairs);
    assert_int_equal(status.code, AP_FAILED);
    if (!strstr(status.message, folder) || !strstr(status.message, reason))
        fail_msg("\"%s\" should name the folder and \"%s\"", status.message, reason);
    assert_null(pairs.at);
    assert_int_equal(pairs.count, 0);
}

static void no_pair_is_a_failure(void **state)
{
    check_refused(
        *state, "train",
        ": is not a pair set, since it has no train/ (a set has train/ and val/, with pair_NAME_input.wav "
        "beside pair_NAME_target.wav): antiphon prepare --inputs DIR");
    check_refused(folder_path(state, "nowhere"), "train", "nowhere/train: cannot be listed: No such file");
    make(state, "drums.wav");
    check_refused(
        *state, NULL,
        ": holds no pair (pair_NAME_input.wav beside pair_NAME_target.wav): antiphon prepare --inputs");
    check_refused(folder_path(state, "drums.wav"), "val",
                  "drums.wav: is not a pair set, since it has no val/");
    make(state, "pair_7_input.wav");
    check_refused(*state, NULL, "1 file without a partner: ");
    make(state, "pair_8_input.wav");
    check_refused(*state, NULL, "2 files without a partner, such as ");
    check_refused(folder_path(state, "pair_7_input.wav"), NULL, ": is not a folder");
}

/* A val/ that cannot be looked at is not passed over for the files beside it. */
static void held_out_pairs_are_not_passed_over(void **state)
{
    ap_pairs pairs;
    make(state, "pair_7_input.wav");
    make(state, "pair_7_target.wav");
    assert_int_equal(ap_pairs_list_held_out(*state, &pairs).code, AP_OK);
    assert_int_equal(pairs.count, 1);
    ap_pairs_free(&pairs);
    assert_int_equal(symlink("val", folder_path(state, "val")), 0);
    ap_status status = ap_pairs_list_held_out(*state, &pairs);
    assert_int_equal(status.code, AP_FAILED);
    assert_non_null(strstr(status.message, "val: Too many levels of symbolic links"));
    assert_null(pairs.at);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_create, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(pairs_are_sorted_and_named),         IN_FOLDER(a_file_without_partner_is_counted_and_named),
        IN_FOLDER(of_two_targets_one_counts),          IN_FOLDER(no_pair_is_a_failure),
        IN_FOLDER(held_out_pairs_are_not_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
