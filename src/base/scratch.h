/* The folder for temporary files: TMPDIR, or /tmp. */
#ifndef ANTIPHON_BASE_SCRATCH_H
#define ANTIPHON_BASE_SCRATCH_H

#include "antiphon/status.h"

#include <stdio.h>

/* The folder; not to be freed. */
const char *ap_scratch_folder(void);

/* Creates a file without a name, for writing and reading. It disappears when it is closed or the program
 * ends. The caller closes it. */
ap_status ap_scratch_open(FILE **file);

#endif
