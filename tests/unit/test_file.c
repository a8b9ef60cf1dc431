/* Files that appear whole or not at all. */
#include "core/file.h"

#include "support/check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/antiphon_file_XXXXXX";
static char path[64], temporary[64];

static void write_then_read(void **state)
{
    (void)state;
    const char bytes[] = "a\0b";
    ap_status status = ap_file_write(path, bytes, sizeof bytes);
    assert_string_equal(status.message, "");
    char *text;
    size_t length;
    status = ap_file_read(path, sizeof bytes, &text, &length);
    assert_string_equal(status.message, "");
    assert_int_equal(length, sizeof bytes);
    assert_memory_equal(text, bytes, sizeof bytes);
    assert_int_equal(text[length], 0);
    free(text);
    assert_int_not_equal(access(temporary, F_OK), 0);
}

static void replaced_only_by_commit(void **state)
{
    (void)state;
    char *text;
    size_t length;
    assert_int_equal(ap_file_write(path, "old", 3).code, AP_OK);
    ap_atomic_file file;
    assert_int_equal(ap_atomic_open(path, &file).code, AP_OK);
    fputs("new", file.stream);
    fflush(file.stream);
    assert_int_equal(ap_file_read(path, 3, &text, &length).code, AP_OK);
    assert_string_equal(text, "old");
    free(text);
    ap_atomic_abandon(&file);
    ap_atomic_abandon(&file); /* an emptied one is allowed */
    assert_int_not_equal(access(temporary, F_OK), 0);
    assert_int_equal(ap_file_read(path, 3, &text, &length).code, AP_OK);
    assert_string_equal(text, "old");
    free(text);
}

static void a_failed_write_is_reported(void **state)
{
    (void)state;
    assert_int_equal(ap_file_write(path, "old", 3).code, AP_OK);
    ap_atomic_file file;
    assert_int_equal(ap_atomic_open(path, &file).code, AP_OK);
    /* every write now ends on a full device */
    int full = open("/dev/full", O_WRONLY);
    assert_true(full >= 0 && dup2(full, fileno(file.stream)) >= 0);
    close(full);
    fputs("new", file.stream);
    ap_status status = ap_atomic_commit(&file);
    assert_int_equal(status.code, AP_FAILED);
    assert_non_null(strstr(status.message, path));
    assert_non_null(strstr(status.message, "No space left"));
    assert_int_not_equal(access(temporary, F_OK), 0);
    char *text;
    size_t length;
    assert_int_equal(ap_file_read(path, 3, &text, &length).code, AP_OK);
    assert_string_equal(text, "old");
    free(text);
}

static void what_cannot_be_read(void **state)
{
    (void)state;
    char *text;
    size_t length;
    ap_status status = ap_file_read("/nowhere/at/all", 9, &text, &length);
    assert_string_equal(status.message, "/nowhere/at/all: No such file or directory");
    assert_null(text);
    status = ap_file_read(folder, 1 << 20, &text, &length);
    assert_non_null(strstr(status.message, "not a regular file"));
    assert_int_equal(ap_file_write(path, "four", 4).code, AP_OK);
    status = ap_file_read(path, 3, &text, &length);
    assert_non_null(strstr(status.message, "4 bytes, more than the 3"));
    status = ap_file_write("/nowhere/at/all", "x", 1);
    assert_string_equal(status.message, "/nowhere/at/all: cannot be written: No such file or directory");
}

static int enter(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/file", folder);
    snprintf(temporary, sizeof temporary, "%s/file.tmp", folder);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_then_read),
        cmocka_unit_test(replaced_only_by_commit),
        cmocka_unit_test(a_failed_write_is_reported),
        cmocka_unit_test(what_cannot_be_read),
    };
    return cmocka_run_group_tests_name("file", tests, enter, leave);
}
