#include "cli/heap.h"
#include "cli/signals.h"
#include "cli/threads.h"
#include "cli/verbs.h"

#include "antiphon/status.h"
#include "base/leftovers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Memory that is not to be had is the user's business, not a fault of the program: one line and exit code 1.
 */
static void on_fatal(const char *message)
{
    static _Thread_local bool again; /* what is removed may want memory, too */
    static atomic_flag ending = ATOMIC_FLAG_INIT;
    if (again) _exit(EXIT_FAILURE);
    again = true;
    while (atomic_flag_test_and_set(&ending)) pause(); /* another thread is at it, and ends the program */
    fprintf(stderr, "antiphon: %s\n", message);
    ap_leftovers_remove();
    if (strncmp(message, "out of memory", strlen("out of memory")) == 0) _exit(EXIT_FAILURE);
}

/* How often a waiting thread of OpenMP looks before it sleeps: some tens of microseconds. */
#define SPINS "2000"

/* All of a file that does not say how long it is, and a NUL more. NULL: it cannot be read. */
static char *read_all(const char *path, size_t *length)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t room = 4096, got = 0;
    for (*length = 0; file; *length += got, room *= 2) {
        char *grown = realloc(text, room + 1);
        if (!grown) break;
        text = grown;
        got = fread(text + *length, 1, room - *length, file);
        text[*length + got] = '\0';
        if (got == 0) break;
    }
    if (file) fclose(file);
    return text;
}

/* The arguments as the program was begun with, those of a loader before it included (`ld.so PROGRAM ...`),
 * ended by NULL; NULL where the system does not tell. They are never freed. */
static char **whole_command(void)
{
    size_t length, count = 0;
    char *text = read_all("/proc/self/cmdline", &length);
    if (!text || length == 0) return NULL;
    for (size_t i = 0; i < length; i++) count += text[i] == '\0';
    char **words = calloc(count + 1, sizeof *words);
    for (size_t k = 0; words && k < count; k++, text += strlen(text) + 1) words[k] = text;
    return words;
}

/* By default libgomp's threads wait milliseconds for each other on the processor, which on a machine that
 * does anything else keeps the one that is waited for from running: a step can take fifty times as long. A
 * short wait costs nothing where the machine is free. libgomp reads how long before main begins, so the
 * program begins once more, unless the environment says what is wanted; where it cannot, it goes on as it is.
 */
static void wait_briefly(void)
{
    if (getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY")) return;
    char *program = realpath("/proc/self/exe", NULL); /* by its own name, which ps and top then show */
    char **words = whole_command();
    if (program && words && setenv("GOMP_SPINCOUNT", SPINS, 1) == 0) execv(program, words);
    free(program);
}

/* A standard stream that is closed is /dev/null: else the next file that is opened would take its number, and
 * what is printed would go there. */
static void open_standard_streams(void)
{
    for (int number = STDIN_FILENO; number <= STDERR_FILENO; number++)
        if (fcntl(number, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) < 0)
            _exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
    open_standard_streams();
    ap_fatal_handler_set(on_fatal);
    heap_main_begins();
    wait_briefly();
    signal(SIGXFSZ,
           SIG_IGN); /* a file beyond the limit (ulimit -f) is a failure like a full disk, to be told of */
    signals_catch();
    threads_settle("");
    return verbs_main(argc - 1, argv + 1);
}
