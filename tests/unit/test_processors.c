/* How many processors a control group grants, under a made-up root. */
#include "base/processors.h"

#include "base/memory.h"
#include "base/replace.h"
#include "cli/threads.h"
#include "support/check.h"
#include "support/folder.h"

#include <libgen.h>
#include <omp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

static int available(void)
{
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    return CPU_COUNT(&set);
}

static void put(void **state, const char *name, const char *text)
{
    char *path = ap_format_text("%s/%s", (const char *)*state, name), *folder = ap_copy_text(path);
    assert_int_equal(ap_make_folder(dirname(folder)).code, AP_OK);
    assert_int_equal(ap_replace_file(path, text, strlen(text)).code, AP_OK);
    free(folder);
    free(path);
}

static int least(int wanted)
{
    return wanted < available() ? wanted : available();
}

static void without_a_quota_all_are_granted(void **state)
{
    assert_int_equal(ap_processors_granted(*state), available());
    put(state, "proc/self/cgroup", "0::/work\n");
    put(state, "sys/fs/cgroup/work/cpu.max", "max 100000\n");
    assert_int_equal(ap_processors_granted(*state), available());
    put(state, "sys/fs/cgroup/work/cpu.max", "rubbish");
    assert_int_equal(ap_processors_granted(*state), available());
    put(state, "sys/fs/cgroup/work/cpu.max", "100000 0\n");
    assert_int_equal(ap_processors_granted(*state), available());
}

static void the_second_version_grants_by_one_file(void **state)
{
    put(state, "proc/self/cgroup", "0::/work/job\n");
    put(state, "sys/fs/cgroup/work/job/cpu.max", "100000 100000\n");
    assert_int_equal(ap_processors_granted(*state), 1);
    put(state, "sys/fs/cgroup/work/job/cpu.max", "20000 100000\n"); /* a part of one is one */
    assert_int_equal(ap_processors_granted(*state), 1);
    put(state, "sys/fs/cgroup/work/job/cpu.max", "110000 100000\n");
    assert_int_equal(ap_processors_granted(*state), least(2));
    put(state, "sys/fs/cgroup/work/cpu.max", "50000 50000\n"); /* the group above grants less */
    assert_int_equal(ap_processors_granted(*state), 1);
}

/* as a container sees it, whose own group is the root */
static void the_root_is_looked_at_too(void **state)
{
    put(state, "proc/self/cgroup", "0::/\n");
    put(state, "sys/fs/cgroup/cpu.max", "100000 100000\n");
    assert_int_equal(ap_processors_granted(*state), 1);
}

static void the_first_version_grants_by_two(void **state)
{
    put(state, "proc/self/cgroup", "5:memory:/job\n4:cpu,cpuacct:/docker/0123\n3:cpuset:/job\n");
    put(state, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
    put(state, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    put(state, "sys/fs/cgroup/cpuset/job/cpu.cfs_quota_us", "1000\n"); /* no matter of cpuset's */
    put(state, "sys/fs/cgroup/cpuset/job/cpu.cfs_period_us", "100000\n");
    assert_int_equal(ap_processors_granted(*state), available());
    put(state, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "100000\n");
    assert_int_equal(ap_processors_granted(*state), 1); /* the path is the host's, and not to be seen here */
}

/* More threads than are granted are not used, whoever asks for them. */
static void threads_keep_to_what_is_granted(void **state)
{
    put(state, "proc/self/cgroup", "0::/\n");
    put(state, "sys/fs/cgroup/cpu.max", "100000 100000\n");
    for (int asked = 0; asked < 2; asked++) {
        assert_int_equal(asked ? setenv("OMP_NUM_THREADS", "3", 1) : unsetenv("OMP_NUM_THREADS"), 0);
        omp_set_num_threads(3);
        threads_settle(*state);
        assert_int_equal(omp_get_max_threads(), 1);
    }
    put(state, "sys/fs/cgroup/cpu.max", "max 100000\n");
    omp_set_num_threads(1);
    threads_settle(*state);
    assert_int_equal(omp_get_max_threads(), 1); /* fewer are as good as any */
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_create, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(without_a_quota_all_are_granted), IN_FOLDER(the_second_version_grants_by_one_file),
        IN_FOLDER(the_root_is_looked_at_too),       IN_FOLDER(the_first_version_grants_by_two),
        IN_FOLDER(threads_keep_to_what_is_granted),
    };
    return cmocka_run_group_tests_name("processors", tests, NULL, NULL);
}
