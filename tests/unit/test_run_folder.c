/* A run's folder: where a training starts, and that one at a time trains in it. */
#include "antiphon/run_folder.h"

#include "base/replace.h"
#include "support/check.h"
#include "support/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static ap_run_folder run_in(void **state)
{
    ap_run_folder folder = ap_run_folder_init(folder_path(state, "run"));
    assert_int_equal(ap_make_folder(folder.checkpoints).code, AP_OK);
    return folder;
}

static void write_file(const char *path)
{
    assert_int_equal(ap_replace_file(path, "x", 1).code, AP_OK);
}

/* Every combination of what a run, a kill or a full disk may have left, against every way to begin. */
static void where_a_training_starts(void **state)
{
    for (int left = 0; left < 4; left++) {
        ap_run_folder folder = run_in(state);
        const char *from = "?";
        remove(folder.last);
        remove(folder.best);
        if (left & 1) write_file(folder.best);
        if (left & 2) write_file(folder.last);
        ap_status status = ap_run_folder_choose(&folder, NULL, &from);
        assert_int_equal(status.code, left ? AP_MISUSE : AP_OK);
        assert_null(from);
        assert_int_equal(ap_run_folder_choose(&folder, "auto", &from).code, AP_OK);
        assert_ptr_equal(from, left & 2 ? folder.last : left & 1 ? folder.best : NULL);
        const char *elsewhere = folder_path(state, "other.safetensors");
        status = ap_run_folder_choose(&folder, elsewhere, &from);
        assert_int_equal(status.code, left ? AP_MISUSE : AP_OK);
        if (left) assert_non_null(strstr(status.message, "would overwrite"));
        char own[4096];
        snprintf(own, sizeof own, "%s/best.safetensors", folder.checkpoints);
        assert_int_equal(ap_run_folder_choose(&folder, own, &from).code, AP_OK);
        assert_ptr_equal(from, own);
        ap_run_folder_free(&folder);
    }
}

/* A folder stands for its best checkpoint, or for its last where there is no best; any other path for itself.
 */
static void a_folder_stands_for_its_best(void **state)
{
    char *checkpoint, with_slash[4096], message[4096];
    for (int left = 0; left < 4; left++) {
        ap_run_folder folder = run_in(state);
        remove(folder.last);
        remove(folder.best);
        if (left & 1) write_file(folder.best);
        if (left & 2) write_file(folder.last);
        snprintf(with_slash, sizeof with_slash, "%s//", folder.path);
        const char *names[] = {folder.path, with_slash};
        for (int k = 0; k < 2; k++) {
            ap_status status = ap_run_folder_checkpoint(names[k], &checkpoint);
            assert_int_equal(status.code, left ? AP_OK : AP_FAILED);
            if (left)
                assert_string_equal(checkpoint, left & 1 ? folder.best : folder.last);
            else {
                snprintf(message, sizeof message, "%s: is a folder without a checkpoint", names[k]);
                assert_null(checkpoint);
                assert_memory_equal(status.message, message, strlen(message));
            }
            free(checkpoint);
        }
        ap_run_folder_free(&folder);
    }
    const char *others[] = {folder_path(state, "run/absent.safetensors"), "", "/dev/null"};
    for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
        assert_int_equal(ap_run_folder_checkpoint(others[k], &checkpoint).code, AP_OK);
        assert_string_equal(checkpoint, others[k]);
        free(checkpoint);
    }
}

/* What cannot be looked at, as a link that leads to itself, is not taken for absent. */
static void a_checkpoint_that_cannot_be_looked_at_is_told(void **state)
{
    for (int which = 0; which < 2; which++) {
        ap_run_folder folder = run_in(state);
        const char *broken = which ? folder.last : folder.best, *whole = which ? folder.best : folder.last;
        const char *resumes[] = {NULL, "auto", folder_path(state, "other.safetensors")}, *from;
        char *checkpoint, message[4096];
        unlink(broken);
        unlink(whole);
        assert_int_equal(symlink(broken, broken), 0);
        write_file(whole);
        snprintf(message, sizeof message, "%s: Too many levels of symbolic links", broken);
        for (size_t k = 0; k < sizeof resumes / sizeof *resumes; k++) {
            ap_status status = ap_run_folder_choose(&folder, resumes[k], &from);
            assert_int_equal(status.code, AP_FAILED);
            assert_string_equal(status.message, message);
        }
        ap_status status = ap_run_folder_checkpoint(folder.path, &checkpoint);
        assert_int_equal(status.code, AP_FAILED);
        assert_string_equal(status.message, message);
        assert_null(checkpoint);
        ap_run_folder_free(&folder);
    }
}

/* The lock keeps another process out until the folder is freed, and temporary files go only with it. */
static void one_training_at_a_time(void **state)
{
    ap_run_folder folder = run_in(state), again = ap_run_folder_init(folder.path);
    assert_int_equal(ap_run_folder_lock(&folder).code, AP_OK);
    assert_true(folder.lock >= 0);
    assert_int_equal(ap_run_folder_lock(&folder).code, AP_OK); /* taken already: by us */
    ap_status status = ap_run_folder_lock(&again);
    assert_int_equal(status.code, AP_FAILED);
    assert_non_null(strstr(status.message, "another training"));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        ap_run_folder theirs = ap_run_folder_init(folder.path);
        _exit(ap_run_folder_lock(&theirs).code == AP_FAILED ? 0 : 1);
    }
    int code;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_true(WIFEXITED(code) && WEXITSTATUS(code) == 0);
    ap_run_folder_free(&folder);
    assert_int_equal(ap_run_folder_lock(&again).code, AP_OK);
    ap_run_folder_free(&again);
    ap_run_folder none = ap_run_folder_init(folder_path(state, "none"));
    assert_int_equal(ap_run_folder_lock(&none).code, AP_OK);
    assert_int_equal(none.lock, -1);
    ap_run_folder_free(&none);
}

static void a_run_is_not_among_its_pairs(void **state)
{
    const struct {
        const char *run;
        bool refused;
    } cases[] = {
        {"set", true}, {"set/train", true}, {"set/val/run", true}, {"set/run", false}, {"run", false}};
    char pairs[4096];
    snprintf(pairs, sizeof pairs, "%s", folder_path(state, "set"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(ap_make_folder(folder_path(state, "set/train")).code, AP_OK);
        assert_int_equal(ap_make_folder(folder_path(state, "set/val")).code, AP_OK);
        ap_run_folder folder = ap_run_folder_init(folder_path(state, cases[i].run));
        assert_int_equal(ap_run_folder_check(&folder, pairs).code, cases[i].refused ? AP_MISUSE : AP_OK);
        ap_run_folder_free(&folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(where_a_training_starts, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(a_folder_stands_for_its_best, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(a_checkpoint_that_cannot_be_looked_at_is_told, folder_create,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(one_training_at_a_time, folder_create, folder_remove),
        cmocka_unit_test_setup_teardown(a_run_is_not_among_its_pairs, folder_create, folder_remove),
    };
    return cmocka_run_group_tests_name("run_folder", tests, NULL, NULL);
}
