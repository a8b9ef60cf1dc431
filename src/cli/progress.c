#include "cli/progress.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#define CLEAR_LINE "\r\033[K"

/* Whether a line stands there, without its end. */
static bool open_line;

void progress_show(const char *what, int64_t done, int64_t total)
{
    if (!isatty(STDERR_FILENO)) return;
    fprintf(stderr, CLEAR_LINE "%s: %lld of %lld", what, (long long)done, (long long)total);
    open_line = true;
    if (done == total) progress_clear();
    fflush(stderr);
}

void progress_show_seconds(void *context, double done, double whole)
{
    (void)context;
    progress_show("seconds", llround(fmin(done, whole)), llround(whole));
}

void progress_clear(void)
{
    if (open_line) fputs(CLEAR_LINE, stderr);
    open_line = false;
}

void progress_end(void)
{
    if (open_line) fputc('\n', stderr);
    open_line = false;
}
