#include "kernels/tile.h"

#include "base/bounds.h"

static ap_tile_form_kind chosen = AP_TILE_FLOATS;

ap_tile_form_kind ap_tile_form(void)
{
    return chosen;
}

void ap_tile_set_form(ap_tile_form_kind form)
{
    chosen = form;
}

int ap_tile_parts(void)
{
    return chosen == AP_TILE_2_PARTS ? 2 : chosen == AP_TILE_3_PARTS ? 3 : 0;
}

/* Products of pairs take four steps at a time and store data about each column after them, those in fixed
 * point need no more; a part is half as large as a number. */
int64_t ap_tile_depth(int64_t depth)
{
    const int parts = ap_tile_parts();
    return parts ? ap_round_up(depth, AP_TILE_STEPS) * parts / 2 : ap_round_up(depth, 4) + 2;
}
