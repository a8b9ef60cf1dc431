#include "cli/heap.h"
#include "cli/signals.h"
#include "cli/threads.h"
#include "cli/verbs.h"

#include "antiphon/status.h"
#include "base/leftovers.h"
#include "ranks/place.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Running out of memory is not a fault of the program: it prints one line and ends with exit code 1. All
 * else aborts. */
static void on_fatal(const char *message)
{
    static _Thread_local bool again; /* removing temporary files may need memory, too */
    static atomic_flag ending = ATOMIC_FLAG_INIT;
    if (again) _exit(EXIT_FAILURE);
    again = true;
    while (atomic_flag_test_and_set(&ending)) pause(); /* another thread is already ending the program */
    fprintf(stderr, "antiphon: %s\n", message);
    ap_leftovers_remove();
    if (strncmp(message, "out of memory", strlen("out of memory")) == 0) _exit(EXIT_FAILURE);
}

/* How often a waiting OpenMP thread polls before it sleeps: some hundreds of microseconds. On a virtual
 * machine, waking a thread takes about as long as many of a step's loops. */
#define SPINS "10000"

/* The content of a file of unknown length, with a NUL appended. NULL if it cannot be read. */
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

/* The complete command line, including that of a loader (`ld.so PROGRAM ...`), ended by NULL; NULL if the
 * system does not tell. Never freed. */
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

/* By default, libgomp's threads poll for milliseconds while they wait for each other. On a machine that does
 * anything else, this keeps the thread they wait for from running, and a step can take fifty times as long.
 * A short wait costs nothing on a free machine. libgomp reads the setting before main begins, so the program
 * sets it and executes itself again, unless the environment already has a setting. If that fails, it simply
 * continues. */
static void wait_briefly(void)
{
    if (getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY")) return;
    char *program =
        realpath("/proc/self/exe", NULL); /* its real path, so that ps and top show the program's name */
    char **words = whole_command();
    if (program && words && setenv("GOMP_SPINCOUNT", SPINS, 1) == 0) execv(program, words);
    free(program);
}

/* Opens /dev/null for standard streams that are closed. Otherwise the next file to be opened would take such
 * a number, and output would go into it. */
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
    ap_place_unbind();
    wait_briefly();
    signal(SIGXFSZ, SIG_IGN); /* exceeding the file size limit (ulimit -f) is then an error like a full disk,
                                 which is reported */
    signals_catch();
    threads_settle("");
    return verbs_main(argc - 1, argv + 1);
}
