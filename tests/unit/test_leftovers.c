#include "support/check.h"
#include "support/folder.h"

#include "base/leftovers.h"
#include "base/replace.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char removed[100];

static void note_removal(const char *path)
{
    strcat(removed, path);
}

/* The last first, and nothing that was forgotten or removed already. */
static void what_is_noted_is_removed_once(void **state)
{
    (void)state;
    ap_leftover_note("a", note_removal);
    ap_leftover *b = ap_leftover_note("b", note_removal);
    ap_leftover_note("c", note_removal);
    ap_leftover_note("d", note_removal);
    ap_leftover_forget(b);
    ap_leftovers_remove();
    assert_string_equal(removed, "dca");
    ap_leftovers_remove();
    assert_string_equal(removed, "dca");
    ap_leftover_forget(NULL);
    ap_leftover *x = ap_leftover_note("x", note_removal);
    ap_leftover_rename(x, "y"); /* as mkdtemp does */
    ap_leftovers_remove();
    for (int k = 0; k < 2; k++) ap_leftover_forget(x); /* as another thread does that has not ended yet */
    assert_string_equal(removed, "dcay");
}

/* A file that has got its name stays; one that is being written goes. */
static void only_unfinished_files_go(void **state)
{
    ap_replacement r;
    assert_int_equal(ap_replace_file(folder_path(state, "whole"), "x", 1).code, AP_OK);
    assert_int_equal(ap_replace_begin(folder_path(state, "begun"), &r).code, AP_OK);
    assert_int_equal(folder_count(state), 2);
    ap_leftovers_remove();
    assert_int_equal(folder_count(state), 1);
    assert_int_equal(access(folder_path(state, "whole"), F_OK), 0);
    close(r.descriptor);
    free(r.temporary);
    free(r.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_noted_is_removed_once),
        cmocka_unit_test_setup_teardown(only_unfinished_files_go, folder_create, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
