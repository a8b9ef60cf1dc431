/** @file stop.h
 * How a program stops long work: training, composing, preparing, evaluating, reading a recording.
 */
#ifndef ANTIPHON_STOP_H
#define ANTIPHON_STOP_H

#include "antiphon/api.h"
#include "antiphon/status.h"

#include <signal.h>

AP_API_BEGIN

/** Makes all long work of the process watch *flag and stop soon after it becomes nonzero. The flag is the
 * caller's and must outlive the work; a signal handler may set it. NULL, the default: nothing is ever
 * stopped. */
void ap_stop_flag_set(const volatile sig_atomic_t *flag);

/** Whether the flag is nonzero. */
bool ap_stop_asked(void);

/** AP_INTERRUPTED when the flag is nonzero, otherwise success. Work that writes files leaves no half-written
 * file behind when it returns this. */
ap_status ap_stop_check(void);

AP_API_END

#endif
