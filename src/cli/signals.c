#include "cli/signals.h"

#include "antiphon/stop.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* `timeout` and batch systems signal a program and then its process group, so the same request arrives twice
 * within moments. A second request by a person comes later. */
#define PAUSE_MS 1000
#define EXIT_AT_ONCE 130

static volatile sig_atomic_t flag, reader_gone;
static const char *volatile answer;
static bool terminal;      /* whether the standard error is one */
static atomic_ulong first; /* time of the first SIGINT or SIGTERM in ms; 0: none yet */

static const int requests[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU, SIGPIPE};
#define REQUESTS (sizeof requests / sizeof *requests)

static unsigned long milliseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (unsigned long)t.tv_sec * 1000 + (unsigned long)t.tv_nsec / 1000000;
}

static void say(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0) return; /* nobody would read the answer */
}

/* On a terminal "^C" stands there now, or the end of a progress line. */
static void end_line(void)
{
    if (terminal) say("\n");
}

/* SIGINT or SIGTERM, which may be repeated to stop at once. */
static void asked(void)
{
    unsigned long now = milliseconds(), before = 0;
    if (!atomic_compare_exchange_strong(&first, &before, now | 1)) {
        if ((long)(now - before) < PAUSE_MS) return;
        end_line();
        _exit(EXIT_AT_ONCE);
    }
    end_line();
    if (answer) say(answer);
}

static void on_request(int number)
{
    int kept = errno;
    flag = 1;
    if (number == SIGPIPE) reader_gone = 1;
    if (number == SIGINT || number == SIGTERM) asked();
    errno = kept;
}

void signals_catch(void)
{
    struct sigaction action = {.sa_handler = on_request, .sa_flags = SA_RESTART}, before;
    for (size_t k = 0; k < REQUESTS; k++) sigaddset(&action.sa_mask, requests[k]);
    for (size_t k = 0; k < REQUESTS; k++)
        if (sigaction(requests[k], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(requests[k], &action, NULL);
    terminal = isatty(STDERR_FILENO);
    ap_stop_flag_set(&flag);
}

void signals_answer(const char *line)
{
    answer = line;
}

const volatile sig_atomic_t *signals_flag(void)
{
    return &flag;
}

bool signals_reader_gone(void)
{
    return reader_gone;
}
