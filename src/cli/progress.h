/* A progress line on the terminal. Nothing is shown if the standard error is not a terminal. */
#ifndef ANTIPHON_CLI_PROGRESS_H
#define ANTIPHON_CLI_PROGRESS_H

#include <stdint.h>

/* Shows "what: done of total". The line disappears when all is done. */
void progress_show(const char *what, int64_t done, int64_t total);

/* Removes the line before something else is printed. */
void progress_clear(void);

/* Ends the line where it stands, before a failure is told. */
void progress_end(void);

/* As progress_show, of seconds of sound; an observer of ap_compose_files. */
void progress_show_seconds(void *context, double done, double whole);

#endif
