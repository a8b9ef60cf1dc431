/* Files read whole. */
#include "base/file.h"

#include "base/replace.h"
#include "support/check.h"
#include "support/folder.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void with_all_its_bytes(void **state)
{
    const char *path = folder_path(state, "file"), bytes[] = "a\0b";
    ap_status status = ap_replace_file(path, bytes, sizeof bytes);
    assert_string_equal(status.message, "");
    char *text;
    size_t length;
    status = ap_file_read(path, sizeof bytes, &text, &length);
    assert_string_equal(status.message, "");
    assert_int_equal(length, sizeof bytes);
    assert_memory_equal(text, bytes, sizeof bytes);
    assert_int_equal(text[length], 0);
    free(text);
}

static void an_empty_one(void **state)
{
    const char *path = folder_path(state, "file");
    char *text;
    size_t length = 7;
    assert_int_equal(ap_replace_file(path, "", 0).code, AP_OK);
    assert_int_equal(ap_file_read(path, 0, &text, &length).code, AP_OK);
    assert_int_equal(length, 0);
    assert_string_equal(text, "");
    free(text);
}

static void what_is_there_and_what_cannot_be_looked_at(void **state)
{
    const char *file = folder_path(state, "there"), *loop = folder_path(state, "loop");
    const char *absent[] = {folder_path(state, "absent"), folder_path(state, "there/below"),
                            folder_path(state, "dangling")};
    bool there = false;
    assert_int_equal(ap_replace_file(file, "", 0).code, AP_OK);
    assert_int_equal(symlink("nowhere", absent[2]), 0);
    assert_int_equal(symlink("loop", loop), 0);
    assert_int_equal(ap_file_is_there(file, &there).code, AP_OK);
    assert_true(there);
    for (int k = 0; k < 3; k++) {
        assert_int_equal(ap_file_is_there(absent[k], &there).code, AP_OK);
        assert_false(there);
    }
    ap_status status = ap_file_is_there(loop, &there);
    assert_int_equal(status.code, AP_FAILED);
    assert_non_null(strstr(status.message, "loop: Too many levels of symbolic links"));
    assert_false(there);
}

static void what_cannot_be_read(void **state)
{
    const char *path = folder_path(state, "file");
    char *text;
    size_t length;
    ap_status status = ap_file_read("/nowhere/at/all", 9, &text, &length);
    assert_string_equal(status.message, "/nowhere/at/all: No such file or directory");
    assert_null(text);
    status = ap_file_read(*state, 1 << 20, &text, &length);
    assert_non_null(strstr(status.message, "not a regular file"));
    assert_null(text);
    assert_int_equal(mkfifo(folder_path(state, "fifo"), 0600), 0);
    status = ap_file_read(folder_path(state, "fifo"), 1 << 20, &text, &length); /* which nobody writes */
    assert_non_null(strstr(status.message, "not a regular file"));
    assert_null(text);
    assert_int_equal(ap_replace_file(path, "four", 4).code, AP_OK);
    status = ap_file_read(path, 3, &text, &length);
    assert_non_null(strstr(status.message, "4 bytes, more than the limit of 3"));
    assert_null(text);
}

int main(void)
{
    alarm(60); /* who waits for a writer waits for ever */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_all_its_bytes),
        cmocka_unit_test(an_empty_one),
        cmocka_unit_test(what_is_there_and_what_cannot_be_looked_at),
        cmocka_unit_test(what_cannot_be_read),
    };
    return cmocka_run_group_tests_name("file", tests, folder_create, folder_remove);
}
