#include "cli/verbs.h"

#include "antiphon/status.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Memory that is not to be had is the user's business, not a fault of the program: one line and exit code 1.
 */
static void on_fatal(const char *message)
{
    fprintf(stderr, "antiphon: %s\n", message);
    if (strncmp(message, "out of memory", strlen("out of memory")) == 0) _exit(EXIT_FAILURE);
}

/* How often a waiting thread of OpenMP looks before it sleeps: some tens of microseconds. */
#define SPINS "2000"

/* By default libgomp's threads wait milliseconds for each other on the processor, which on a machine that
 * does anything else keeps the one that is waited for from running: a step can take fifty times as long. A
 * short wait costs nothing where the machine is free. libgomp reads how long before main begins, so the
 * program begins once more, unless the environment says what is wanted; where it cannot, it goes on as it is.
 */
static void wait_briefly(char **argv)
{
    if (getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY")) return;
    char *program = realpath("/proc/self/exe", NULL); /* by its own name, which ps and top then show */
    if (program && setenv("GOMP_SPINCOUNT", SPINS, 1) == 0) execv(program, argv);
    free(program);
}

int main(int argc, char **argv)
{
    wait_briefly(argv);
    ap_fatal_handler_set(on_fatal);
    signal(SIGXFSZ,
           SIG_IGN); /* a file beyond the limit (ulimit -f) is a failure like a full disk, to be told of */
    return verbs_main(argc - 1, argv + 1);
}
