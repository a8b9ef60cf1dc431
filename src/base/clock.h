/* Time that only goes forward. */
#ifndef ANTIPHON_BASE_CLOCK_H
#define ANTIPHON_BASE_CLOCK_H

/* Seconds since some moment in the past. */
double ap_clock_seconds(void);

#endif
