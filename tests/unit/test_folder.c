/* Where a path leads. */
#include "base/folder.h"

#include "base/memory.h"
#include "base/replace.h"
#include "support/check.h"
#include "support/folder.h"

#include <stdlib.h>
#include <unistd.h>

static void check_resolved(const char *path, const char *want)
{
    char *got = ap_folder_resolve(path);
    assert_string_equal(got, want);
    free(got);
}

static void what_is_not_there_yet_is_resolved_too(void **state)
{
    char *here = realpath(*state, NULL), *new = ap_format_text("%s/a/new/run", here);
    assert_int_equal(ap_make_folder(folder_path(state, "a/b")).code, AP_OK);
    assert_int_equal(symlink("a", folder_path(state, "link")), 0);
    check_resolved(folder_path(state, "a/new/run"), new);
    check_resolved(folder_path(state, "a/b/..//new/run//"), new);
    check_resolved(folder_path(state, "./link/new/run"), new);
    check_resolved("/absent-from-here", "/absent-from-here");
    assert_int_equal(chdir(here), 0);
    check_resolved("a/new/run", new);
    check_resolved(".", here);
    free(new);
    free(here);
}

static void a_folder_holds_itself_and_what_is_in_it(void **state)
{
    const char *folder = folder_path(state, "set"), *link = folder_path(state, "there");
    assert_true(ap_folder_holds(folder, folder));
    assert_true(ap_folder_holds(folder, folder_path(state, "set/new/run")));
    assert_int_equal(ap_make_folder(folder).code, AP_OK);
    assert_int_equal(symlink("set", link), 0);
    assert_true(ap_folder_holds(folder, link));
    assert_true(ap_folder_holds(link, folder_path(state, "set/new/run")));
    assert_false(ap_folder_holds(folder, *state));
    assert_false(ap_folder_holds(folder, folder_path(state, "settings")));
    assert_false(ap_folder_holds(folder, folder_path(state, "set/../run")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_not_there_yet_is_resolved_too, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(a_folder_holds_itself_and_what_is_in_it, folder_create,
                                        folder_remove),
    };
    return cmocka_run_group_tests_name("folder", tests, NULL, NULL);
}
