/* The workspace of a thread: several arrays in one block of the arena. */
#ifndef ANTIPHON_OPS_WORKSPACE_H
#define ANTIPHON_OPS_WORKSPACE_H

#include "antiphon/real.h"

#include <stdint.h>

/* An array of `size` numbers, and where to store its address. */
typedef struct ap_workspace_part {
    ap_real **part;
    int64_t size;
} ap_workspace_part;

/* The total size of the parts in numbers, each aligned as the arena aligns `memory`. They are laid out in
 * `memory` unless that is NULL. */
int64_t ap_workspace_lay_out(int64_t count, const ap_workspace_part *parts, ap_real *memory);

#endif
