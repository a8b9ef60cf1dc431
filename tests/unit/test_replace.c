#include "base/replace.h"

#include "support/check.h"
#include "support/folder.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void check_content(const char *path, const char *want)
{
    char got[64] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t bytes = fread(got, 1, sizeof got - 1, file);
    fclose(file);
    assert_int_equal(bytes, strlen(want));
    assert_string_equal(got, want);
}

static void the_old_stays_until_the_commit(void **state)
{
    const char *path = folder_path(state, "file");
    assert_int_equal(ap_replace_file(path, "old", 3).code, AP_OK);
    ap_replacement r;
    assert_int_equal(ap_replace_begin(path, &r).code, AP_OK);
    assert_int_equal(write(r.descriptor, "newer", 5), 5);
    check_content(path, "old");
    assert_int_equal(folder_count(state), 2);
    assert_int_equal(ap_replace_commit(&r).code, AP_OK);
    check_content(path, "newer");
    assert_int_equal(folder_count(state), 1);
}

static void an_abandoned_file_leaves_nothing(void **state)
{
    const char *path = folder_path(state, "file");
    ap_replacement r;
    assert_int_equal(ap_replace_begin(path, &r).code, AP_OK);
    assert_int_equal(folder_count(state), 1);
    ap_replace_abandon(&r);
    assert_int_equal(folder_count(state), 0);
}

static void touch(const char *path)
{
    assert_int_equal(ap_replace_file(path, "x", 1).code, AP_OK);
}

/* What a killed writer has left goes, and nothing else. */
static void what_was_left_is_swept(void **state)
{
    static const char *const stay[] = {"file", "file.12.tmp", "file.12-x.tmp", "file.tmp", "other.12-3.tmp"};
    for (size_t k = 0; k < sizeof stay / sizeof *stay; k++) touch(folder_path(state, stay[k]));
    touch(folder_path(state, "file.12-3.tmp"));
    touch(folder_path(state, "file.4567-0.tmp"));
    ap_replace_sweep(folder_path(state, "file"));
    assert_int_equal(folder_count(state), sizeof stay / sizeof *stay);
    for (size_t k = 0; k < sizeof stay / sizeof *stay; k++) check_content(folder_path(state, stay[k]), "x");
    ap_replace_sweep(folder_path(state, "missing/file"));
    touch(folder_path(state, "otherwise.4-5.tmp"));
    touch(folder_path(state, "mother.4-5.tmp"));
    ap_replace_sweep_all(*state, "other");
    assert_int_equal(folder_count(state),
                     sizeof stay / sizeof *stay); /* other.12-3.tmp went, mother.4-5.tmp came */
    check_content(folder_path(state, "mother.4-5.tmp"), "x");
    ap_replace_sweep_all(*state, ""); /* those of every file, and no file */
    assert_int_equal(folder_count(state), sizeof stay / sizeof *stay - 1);
    check_content(folder_path(state, "file"), "x");
}

/* nor goes what somebody is writing */
static void what_is_being_written_stays(void **state)
{
    const char *path = folder_path(state, "file");
    ap_replacement r;
    assert_int_equal(ap_replace_begin(path, &r).code, AP_OK);
    ap_replace_sweep(path);
    ap_replace_sweep_all(*state, "");
    assert_int_equal(folder_count(state), 1);
    assert_int_equal(ap_replace_commit(&r).code, AP_OK);
    touch(folder_path(state, "file.12-3.tmp"));
    assert_int_equal(ap_replace_check(path, AP_FILE_JSON).code, AP_OK);
    assert_int_equal(folder_count(state), 1);
}

/* Names as long as a folder can hold, of characters of one byte and of three. */
static void long_names_are_written_and_swept(void **state)
{
    static const char *const characters[] = {"a", "\xe2\x82\xac"};
    for (int k = 0; k < 2; k++)
        for (size_t length = 90; length <= 255; length += k ? 3 : 1) {
            char name[256] = "", sibling[256];
            for (size_t at = 0; at < length; at += strlen(characters[k])) strcat(name, characters[k]);
            name[0] = k ? name[0] : 'b';
            strcpy(sibling, name);
            sibling[strlen(sibling) - 1] ^= 1; /* differs in the end alone */
            ap_replacement r, other;
            assert_string_equal(ap_replace_begin(folder_path(state, name), &r).message, "");
            assert_string_equal(ap_replace_begin(folder_path(state, sibling), &other).message, "");
            assert_int_equal(folder_count(state), 2);
            close(r.descriptor); /* as if its writer had been killed */
            r.descriptor = -1;
            ap_replace_sweep(folder_path(state, sibling));
            assert_int_equal(folder_count(state), 2);
            ap_replace_sweep(folder_path(state, name));
            assert_int_equal(folder_count(state), 1);
            ap_replace_abandon(&r);
            assert_string_equal(ap_replace_commit(&other).message, "");
            assert_int_equal(access(folder_path(state, sibling), F_OK), 0);
            unlink(folder_path(state, sibling));
        }
}

static void check_refused(const char *path, const char *reason)
{
    ap_status status = ap_replace_file(path, "x", 1);
    assert_int_equal(status.code, AP_FAILED);
    assert_non_null(strstr(status.message, path));
    assert_non_null(strstr(status.message, reason));
}

static void what_cannot_be_written_is_named(void **state)
{
    check_refused(folder_path(state, "missing/file"), "No such file");
    check_refused((const char *)*state, "directory");
    check_refused("/dev/null", "not a regular file");
}

static void check_kind(void **state, const char *content, ap_file_kind kind, ap_code code)
{
    const char *path = folder_path(state, "there");
    assert_int_equal(ap_replace_file(path, content, strlen(content)).code, AP_OK);
    ap_status status = ap_replace_check(path, kind);
    assert_int_equal(status.code, code);
    if (code != AP_OK) assert_non_null(strstr(status.message, "there: exists and"));
    check_content(path, content);
}

static void a_file_of_another_kind_is_not_to_be_replaced(void **state)
{
    assert_int_equal(ap_replace_check(folder_path(state, "new"), AP_FILE_JSON).code, AP_OK);
    for (ap_file_kind kind = AP_FILE_JSON; kind <= AP_FILE_FLAC; kind++) {
        check_kind(state, "", kind, AP_OK);
        check_kind(state, "text", kind, AP_MISUSE);
        check_kind(state, "<", kind, AP_MISUSE);
        check_kind(state, "{}", kind, kind == AP_FILE_JSON ? AP_OK : AP_MISUSE);
        check_kind(state, " \n\t[1]", kind, kind == AP_FILE_JSON ? AP_OK : AP_MISUSE);
        check_kind(state, "<!DOCTYPE html>", kind, kind == AP_FILE_HTML ? AP_OK : AP_MISUSE);
        check_kind(state, "RIFF....WAVE", kind, kind == AP_FILE_WAV ? AP_OK : AP_MISUSE);
        check_kind(state, "fLaC....", kind, kind == AP_FILE_FLAC ? AP_OK : AP_MISUSE);
    }
    /* a safetensors file whose header of 0x7b20 bytes makes it begin with a space and a brace */
    const char *path = folder_path(state, "there");
    assert_int_equal(ap_replace_file(path, " {\0\0\0\0\0\0{", 9).code, AP_OK);
    assert_int_equal(ap_replace_check(path, AP_FILE_JSON).code, AP_MISUSE);
}

static void folders_are_made_with_their_parents(void **state)
{
    struct stat info;
    const char *path = folder_path(state, "a/b//c/");
    assert_int_equal(ap_make_folder(path).code, AP_OK);
    assert_int_equal(ap_make_folder(path).code, AP_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISDIR(info.st_mode));
    assert_int_equal(ap_replace_file(folder_path(state, "a/file"), "", 0).code, AP_OK);
    ap_status status = ap_make_folder(folder_path(state, "a/file/d"));
    assert_int_equal(status.code, AP_FAILED);
    assert_non_null(strstr(status.message, "a/file"));
}

static void a_folder_that_cannot_be_made_has_its_own_reason(void **state)
{
    if (geteuid() == 0) skip(); /* who may write everywhere */
    assert_int_equal(chmod(*state, 0500), 0);
    ap_status status = ap_make_folder(folder_path(state, "a/b"));
    assert_int_equal(chmod(*state, 0700), 0);
    assert_int_equal(status.code, AP_FAILED);
    assert_non_null(strstr(status.message, "/a: cannot create the folder: Permission denied"));
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_create, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(the_old_stays_until_the_commit),
        IN_FOLDER(an_abandoned_file_leaves_nothing),
        IN_FOLDER(what_was_left_is_swept),
        IN_FOLDER(what_is_being_written_stays),
        IN_FOLDER(long_names_are_written_and_swept),
        IN_FOLDER(what_cannot_be_written_is_named),
        IN_FOLDER(a_file_of_another_kind_is_not_to_be_replaced),
        IN_FOLDER(folders_are_made_with_their_parents),
        IN_FOLDER(a_folder_that_cannot_be_made_has_its_own_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
