#include "ops/workspace.h"

#include "antiphon/arena.h"
#include "base/bounds.h"

#define UNIT (AP_ARENA_ALIGNMENT / (int64_t)sizeof(ap_real))

int64_t ap_workspace_lay_out(int64_t count, const ap_workspace_part *parts, ap_real *memory)
{
    int64_t size = 0;
    for (int64_t i = 0; i < count; i++) {
        if (memory) *parts[i].part = memory + size;
        size += ap_round_up(parts[i].size, UNIT);
    }
    return size;
}
