/* Misuse that a test provokes. */
#ifndef ANTIPHON_TESTS_FATAL_H
#define ANTIPHON_TESTS_FATAL_H

#include "antiphon/status.h"
#include "support/check.h"

/* What ap_fatal said last, and the way out of it: for assert_fatal alone. */
extern char fatal_said[AP_STATUS_MESSAGE];
extern jmp_buf fatal_escape;
void fatal_leave(const char *message);

/* Fails the test unless the statement ends in ap_fatal, whose message is then in fatal_said. */
#define assert_fatal(statement)                                                                              \
    do {                                                                                                     \
        ap_fatal_handler_set(fatal_leave);                                                                   \
        fatal_said[0] = '\0';                                                                                \
        if (!setjmp(fatal_escape)) {                                                                         \
            statement;                                                                                       \
            ap_fatal_handler_set(NULL);                                                                      \
            fail_msg("%s: is no misuse", #statement);                                                        \
        }                                                                                                    \
        ap_fatal_handler_set(NULL);                                                                          \
    } while (0)

#endif
