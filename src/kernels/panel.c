#include "kernels/panel.h"

#include "base/bounds.h"
#include "kernels/flops.h"
#include "kernels/kernel.h"

#include <string.h>

#define ROWS AP_TILE_ROWS
#define COLUMNS AP_TILE_COLUMNS
#define BY_TILES_ROWS 32
#define BY_TILES_DEPTH 64

int64_t ap_panel_columns(int64_t n)
{
    return ap_round_up(n, COLUMNS);
}

void ap_panel_pack(int64_t M, int64_t J, int64_t j, int64_t count, const ap_real *w, int64_t row_pitch,
                   int64_t column_pitch, ap_real *packed)
{
#pragma omp parallel for schedule(static) if (M * count > 1 << 14)
    for (int64_t panel = 0; panel < M; panel += ROWS)
        for (int64_t i = 0; i < count; i++) {
            ap_real *column = packed + ap_panel_at(J, panel, j + i);
            for (int64_t m = panel; m < panel + ROWS; m++)
                column[m - panel] = m < M ? w[m * row_pitch + i * column_pitch] : 0;
        }
}

bool ap_panel_by_tiles(int64_t M, int64_t J)
{
    return ap_kernel_gains_by_packing() && M >= BY_TILES_ROWS && J >= BY_TILES_DEPTH;
}

void ap_panel_finish(int64_t M, int64_t J, ap_real *packed)
{
    if (!ap_panel_by_tiles(M, J)) return;
#pragma omp parallel for schedule(static) if (M * J > 1 << 14)
    for (int64_t panel = 0; panel < M; panel += ROWS)
        ap_tile_finish_panel(J, packed + ap_panel_at(J, panel, 0));
}

ap_panel_weight ap_panel_packed(const ap_real *packed, int64_t M, int64_t J, int64_t m)
{
    return (ap_panel_weight){packed + ap_panel_at(J, m, 0), ap_panel_size(ROWS, J), 1, ROWS,
                             ap_panel_by_tiles(M, J)};
}

ap_panel_weight ap_panel_rows(const ap_real *data, int64_t pitch)
{
    return (ap_panel_weight){data, ROWS * pitch, pitch, 1, false};
}

ap_panel_weight ap_panel_transposed(const ap_real *data, int64_t pitch)
{
    return (ap_panel_weight){data, ROWS, 1, pitch, false};
}

static ap_tile_place place_of(const ap_panel_task *task, int64_t m, int64_t t)
{
    return (ap_tile_place){task->y + m * task->ldy + t, task->ldy, NULL, task->bias ? task->bias + m : NULL,
                           task->add};
}

/* Proceeds by columns of panels: COLUMNS numbers of each row of X serve every panel of W, from the first- or
 * second-level cache. Sums are complete before they are stored: dividing J into portions that fit the
 * first-level cache costs more than it saves. */
static void directly(const ap_panel_task *task, int64_t t)
{
    ap_tile_factors f = {task->J, NULL, task->W.row, task->W.column, task->x + t, task->at};
    for (int64_t m = 0; m < task->M; m += ROWS) {
        ap_tile_place place = place_of(task, m, t);
        f.a = task->W.data + m / ROWS * task->W.panel;
        ap_tile_loose_product(ap_least(ROWS, task->M - m), ap_least(COLUMNS, task->n - t), &place, &f);
    }
}

static void by_tiles(const ap_panel_task *task, int64_t t)
{
    for (int64_t j = 0; j < task->J; j++)
        memcpy(task->strip + j * COLUMNS, task->x + task->at[j] + t, COLUMNS * sizeof *task->strip);
    ap_tile_finish_strip(task->J, task->strip);
    ap_tile_place place = place_of(task, 0, t);
    ap_tile_product(task->M, ap_least(COLUMNS, task->n - t), &place, task->J, task->W.data, task->W.panel,
                    task->strip);
}

void ap_panel_product(const ap_panel_task *task)
{
    ap_flops_add(2 * task->M * task->J * task->n);
    for (int64_t t = 0; t < task->n; t += COLUMNS)
        if (task->W.by_tiles)
            by_tiles(task, t);
        else
            directly(task, t);
}
