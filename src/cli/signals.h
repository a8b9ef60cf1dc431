/* Signals that ask the program to stop. */
#ifndef ANTIPHON_CLI_SIGNALS_H
#define ANTIPHON_CLI_SIGNALS_H

#include <stdbool.h>
#include <signal.h>

/* Installs handlers: a signal that asks the program to stop sets the flag of antiphon/stop.h instead of
 * ending the program. These are SIGINT, SIGTERM, SIGHUP, those that batch systems send before the time is up
 * (SIGUSR1, SIGUSR2, SIGXCPU), and SIGPIPE, when the reader of the output has gone. A second SIGINT or
 * SIGTERM, at least a second after the first, ends the program at once with exit code 130. Signals that are
 * already ignored stay ignored. */
void signals_catch(void);

/* Sets the line printed on the standard error at the first SIGINT or SIGTERM; NULL, the default: none. The
 * text is kept, not copied. */
void signals_answer(const char *line);

/* The flag. */
const volatile sig_atomic_t *signals_flag(void);

/* Whether SIGPIPE has come: nobody reads the output any more. */
bool signals_reader_gone(void);

#endif
