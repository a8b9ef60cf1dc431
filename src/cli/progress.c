#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#define CLEAR_LINE "\r\033[K"

void progress_show(const char *what, int64_t done, int64_t total)
{
    if (!isatty(STDERR_FILENO)) return;
    fprintf(stderr, CLEAR_LINE "%s: %lld of %lld", what, (long long)done, (long long)total);
    if (done == total) progress_clear();
    fflush(stderr);
}

void progress_clear(void)
{
    if (isatty(STDERR_FILENO)) fputs(CLEAR_LINE, stderr);
}
