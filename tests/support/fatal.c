#include "support/fatal.h"

#include <stdio.h>

char fatal_said[AP_STATUS_MESSAGE];
jmp_buf fatal_escape;

void fatal_leave(const char *message)
{
    snprintf(fatal_said, sizeof fatal_said, "%s", message);
    longjmp(fatal_escape, 1);
}
