/* Which sources the library was built from. */
#ifndef ANTIPHON_BASE_COMMIT_H
#define ANTIPHON_BASE_COMMIT_H

#include <stdbool.h>

/* The git commit, 40 hexadecimal digits; "" if the sources were not in git. */
const char *ap_commit(void);

/* Whether files that git tracks differed from that commit. */
bool ap_commit_modified(void);

#endif
