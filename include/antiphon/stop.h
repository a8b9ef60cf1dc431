/** @file stop.h
 * How a program asks long work to stop: training, composing, preparing, evaluating, reading a recording.
 */
#ifndef ANTIPHON_STOP_H
#define ANTIPHON_STOP_H

#include "antiphon/api.h"
#include "antiphon/status.h"

#include <signal.h>

AP_API_BEGIN

/** From now on all long work of the process looks at *flag, and stops soon after it has become nonzero. The
 * flag is the caller's and must outlive the work; a signal handler may set it. NULL, as at first: nothing
 * ever stops. */
void ap_stop_flag_set(const volatile sig_atomic_t *flag);

/** Whether the flag is nonzero. */
bool ap_stop_asked(void);

/** AP_INTERRUPTED when the flag is nonzero, otherwise success. Work that writes files leaves nothing
 * half-written when it returns this. */
ap_status ap_stop_check(void);

AP_API_END

#endif
