/* Numbers that a user gives as text. */
#ifndef ANTIPHON_BASE_NUMBER_H
#define ANTIPHON_BASE_NUMBER_H

#include "antiphon/status.h"

#include <stdbool.h>

/* Which numbers are taken. */
typedef struct ap_number_range {
    bool whole;
    double least, most; /* both included, `most` may be INFINITY; used if least < most */
} ap_number_range;

/* The number in the whole text, finite and within the range; AP_MISUSE names it: "--rhythm must be between -1
 * and 1, not 2". `value` may be NULL. */
ap_status ap_number_read(const char *name, const char *text, ap_number_range range, double *value);

#endif
