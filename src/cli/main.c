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

int main(int argc, char **argv)
{
    ap_fatal_handler_set(on_fatal);
    signal(SIGXFSZ,
           SIG_IGN); /* a file beyond the limit (ulimit -f) is a failure like a full disk, to be told of */
    return verbs_main(argc - 1, argv + 1);
}
