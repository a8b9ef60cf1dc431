/** @file status.h
 * How the library reports errors.
 *
 * Errors that come from outside (files, JSON, arguments, a network peer) are returned by value as an
 * ap_status: a code and one line that names the file, the place in it and the reason. A status owns nothing
 * and needs no freeing. Misuse by the calling code (shapes that do not match, a NULL tape) and exhausted
 * memory go to the fatal handler instead.
 */
#ifndef ANTIPHON_STATUS_H
#define ANTIPHON_STATUS_H

#include "antiphon/api.h"

#include <stdbool.h>

AP_API_BEGIN

typedef enum ap_code {
    AP_OK = 0,
    AP_FAILED, /**< a file cannot be opened, read or written; its content is broken; the disk is full */
    AP_MISUSE, /**< the user asked for something that does not exist: an argument, a config key, a value */
    AP_INTERRUPTED /**< the user asked to stop (stop.h); a training in progress has been saved */
} ap_code;

/** Bytes of a message, its NUL included. */
#define AP_STATUS_MESSAGE 480

typedef struct ap_status {
    ap_code code;
    char message[AP_STATUS_MESSAGE]; /**< one line without a newline, empty when code is AP_OK */
} ap_status;

/** The status of success. */
ap_status ap_ok(void);

/** A status with a printf-style message. A message that is too long is cut. Control characters, which names
 * of files may contain, become '?'. */
ap_status ap_error(ap_code code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Whether `status` reports an error of any kind. */
bool ap_failed(const ap_status *status);

/** Evaluates an ap_status expression and returns it from the enclosing function if it is a failure. */
#define AP_TRY(expression)                                                                                   \
    do {                                                                                                     \
        ap_status ap_try_status_ = (expression);                                                             \
        if (ap_try_status_.code != AP_OK) return ap_try_status_;                                             \
    } while (0)

/** Receives one line of text on misuse inside the program or when memory runs out. */
typedef void ap_fatal_handler(const char *message);

/** Replaces the fatal handler. NULL restores the default, which prints the line to stderr and aborts. If a
 * handler returns, abort() follows; a host that must survive leaves the handler by longjmp. */
void ap_fatal_handler_set(ap_fatal_handler *handler);

/** Reports misuse or exhausted memory to the fatal handler. Does not return. */
void ap_fatal(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

AP_API_END

#endif
