/* Signals that ask the program to stop. */
#ifndef ANTIPHON_CLI_SIGNALS_H
#define ANTIPHON_CLI_SIGNALS_H

#include <stdbool.h>
#include <signal.h>

/* From now on a signal that asks for an end sets the flag of antiphon/stop.h instead of ending the program:
 * SIGINT, SIGTERM, SIGHUP, what batch systems send before the time is up (SIGUSR1, SIGUSR2, SIGXCPU), and
 * SIGPIPE, when nobody reads the output any more. SIGINT or SIGTERM again, a second or more after the first
 * of them, ends the program at once, with exit code 130. A signal that is ignored already stays so. */
void signals_catch(void);

/* What the first SIGINT or SIGTERM is answered with, on the standard error; NULL, as at first: nothing. The
 * text is kept, not copied. */
void signals_answer(const char *line);

/* The flag. */
const volatile sig_atomic_t *signals_flag(void);

/* Whether one of them was SIGPIPE: nobody wants to be told anything. */
bool signals_reader_gone(void);

#endif
