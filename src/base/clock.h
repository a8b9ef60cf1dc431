/* A monotonic clock. */
#ifndef ANTIPHON_BASE_CLOCK_H
#define ANTIPHON_BASE_CLOCK_H

/* Seconds since an arbitrary moment in the past. */
double ap_clock_seconds(void);

#endif
