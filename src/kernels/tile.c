#include "kernels/tile.h"

#include "base/bounds.h"

static int parts;

int ap_tile_parts(void)
{
    return parts;
}

void ap_tile_set_parts(int count)
{
    parts = count;
}

/* Products of pairs take four steps at a time and store data about each column after them; a part is half as
 * large as a number. */
int64_t ap_tile_depth(int64_t depth)
{
    return parts ? ap_round_up(depth, AP_TILE_STEPS) * parts / 2 : ap_round_up(depth, 4) + 2;
}
