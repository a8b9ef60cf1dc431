/* Where temporary files go: the folder that TMPDIR names, or /tmp. */
#ifndef ANTIPHON_BASE_SCRATCH_H
#define ANTIPHON_BASE_SCRATCH_H

#include "antiphon/status.h"

#include <stdio.h>

/* The folder; not to be freed. */
const char *ap_scratch_folder(void);

/* A new file to write and read, without a name: it is gone when it is closed, or when the program is. */
ap_status ap_scratch_open(FILE **file);

#endif
