/* Signals that ask for an end, each tried in a process of its own. */
#include "antiphon/stop.h"
#include "cli/signals.h"
#include "support/check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER "stopping\n"

/* What `trial` makes of a process: the code it exits with, or minus the signal that ends it. What it writes
 * to the standard error goes to `said`. */
static int outcome_of(void (*trial)(void), char said[64])
{
    int ends[2], state;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        trial();
        _exit(ap_stop_asked() ? 1 : 0);
    }
    close(ends[1]);
    memset(said, 0, 64);
    for (ssize_t length = 0, got; (got = read(ends[0], said + length, 63 - (size_t)length)) > 0;)
        length += got;
    close(ends[0]);
    assert_int_equal(waitpid(child, &state, 0), child);
    return WIFEXITED(state) ? WEXITSTATUS(state) : -WTERMSIG(state);
}

static int signal_of_trial;

static void one(void)
{
    signals_catch();
    signals_answer(ANSWER);
    raise(signal_of_trial);
}

static void every_request_asks_for_an_end(void **state)
{
    (void)state;
    static const int requests[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU, SIGPIPE};
    char said[64];
    for (size_t k = 0; k < sizeof requests / sizeof *requests; k++) {
        signal_of_trial = requests[k];
        assert_int_equal(outcome_of(one, said), 1);
        bool answered = requests[k] == SIGINT || requests[k] == SIGTERM;
        assert_string_equal(said, answered ? ANSWER : "");
    }
}

static void ignored(void)
{
    signal(signal_of_trial, SIG_IGN);
    signals_catch();
    raise(signal_of_trial);
}

static void what_is_ignored_stays_ignored(void **state)
{
    (void)state;
    static const int requests[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU, SIGPIPE};
    char said[64];
    for (size_t k = 0; k < sizeof requests / sizeof *requests; k++) {
        signal_of_trial = requests[k];
        assert_int_equal(outcome_of(ignored, said), 0);
    }
}

static void wait_out_the_pause(void)
{
    usleep(1100 * 1000);
}

/* as `timeout` does it, and a batch system whose limit is passed every second */
static void several_at_once(void)
{
    signals_catch();
    signals_answer(ANSWER);
    raise(SIGTERM);
    raise(SIGTERM);
    raise(SIGINT);
    wait_out_the_pause();
    raise(SIGXCPU);
    raise(SIGHUP);
    raise(SIGUSR1);
}

static void warned_first(void)
{
    signals_catch();
    raise(SIGUSR1);
    wait_out_the_pause();
    raise(SIGTERM);
}

static void again_after_a_pause(void)
{
    signals_catch();
    raise(signal_of_trial);
    wait_out_the_pause();
    raise(SIGTERM);
}

static void only_a_second_request_after_a_pause_forces(void **state)
{
    (void)state;
    char said[64];
    assert_int_equal(outcome_of(several_at_once, said), 1);
    assert_string_equal(said, ANSWER);
    assert_int_equal(outcome_of(warned_first, said), 1);
    signal_of_trial = SIGTERM;
    assert_int_equal(outcome_of(again_after_a_pause, said), 130);
    signal_of_trial = SIGINT;
    assert_int_equal(outcome_of(again_after_a_pause, said), 130);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_asks_for_an_end),
        cmocka_unit_test(what_is_ignored_stays_ignored),
        cmocka_unit_test(only_a_second_request_after_a_pause_forces),
    };
    return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}
