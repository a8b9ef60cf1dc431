#include "kernels/panel.h"

#include "base/bounds.h"
#include "kernels/flops.h"
#include "kernels/winograd_pairs.h"

#include <string.h>

#define ROWS AP_TILE_ROWS
#define VECS AP_TILE_VECS
#define COLUMNS AP_TILE_COLUMNS
/* Blocks of fewer rows have this many, twice as many, or one or two. */
#define FEW (ROWS / 3)
/* W is prefetched this many columns ahead: for a wide layer it comes from beyond the second-level cache, and
 * a strip of X uses each line only briefly. */
#define AHEAD 64
#define BY_TILES_ROWS 32
#define BY_TILES_DEPTH 64

int64_t ap_panel_columns(int64_t n)
{
    return ap_round_up(n, COLUMNS);
}

int64_t ap_panel_size(int64_t M, int64_t J)
{
    return ap_round_up(M, ROWS) * ap_tile_depth(J);
}

int64_t ap_panel_at(int64_t J, int64_t m, int64_t j)
{
    return m / ROWS * ROWS * ap_tile_depth(J) + j * ROWS + m % ROWS;
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
    return AP_PAIRS && M >= BY_TILES_ROWS && J >= BY_TILES_DEPTH;
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

/* The initial value of a block of y: itself, the bias, or zero. */
typedef struct start {
    bool load;
    const ap_real *bias;
} start;

/* The factors of a block: J columns of W, and as many rows of X. */
typedef struct factors {
    int64_t J;
    const ap_real *w;
    int64_t row, column;
    const ap_real *x;
    const int64_t *at;
} factors;

/* y [rows, vecs AP_LANES] = start + W [rows, J] X. `rows` and `vecs` are constants when inlined, so that the
 * sums are in registers */
static inline __attribute__((always_inline)) void block(int rows, int vecs, factors f, start from, ap_real *y,
                                                        int64_t ldy)
{
    ap_vec sum[ROWS][VECS];
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
        for (int v = 0; v < vecs; v++) {
            if (from.load)
                sum[r][v] = *(const ap_vec *)(y + r * ldy + v * AP_LANES);
            else
                sum[r][v] = (ap_vec){0} + (from.bias ? from.bias[r] : 0);
        }
    for (int64_t j = 0; j < f.J; j++) {
        const ap_real *line = f.x + f.at[j], *w = f.w + j * f.column;
        __builtin_prefetch(w + AHEAD * f.column);
        ap_vec value[VECS];
#pragma GCC unroll 2
        for (int v = 0; v < vecs; v++) value[v] = *(const ap_vec *)(line + v * AP_LANES);
#pragma GCC unroll 12
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
            for (int v = 0; v < vecs; v++) sum[r][v] += w[r * f.row] * value[v];
    }
    /* otherwise gcc works out where all rows of y stand ahead of the loop, and keeps that in memory through
     * it */
    __asm__("" : "+r"(y), "+r"(ldy));
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
        for (int v = 0; v < vecs; v++) *(ap_vec *)(y + r * ldy + v * AP_LANES) = sum[r][v];
}

/* Packed or transposed W is read in columns, which saves the addresses of its rows. */
static inline __attribute__((always_inline)) void in_columns(int rows, int vecs, factors f, start from,
                                                             ap_real *y, int64_t ldy)
{
    if (f.row == 1) {
        f.row = 1;
        block(rows, vecs, f, from, y, ldy);
    } else {
        block(rows, vecs, f, from, y, ldy);
    }
}

/* The smallest kernel for fewer rows than a panel has. y has room for its rows. */
static int kernel_rows(int64_t rows)
{
    return rows <= 2 ? (int)rows : rows <= FEW ? FEW : rows <= 2 * FEW ? 2 * FEW : ROWS;
}

static int kernel_vecs(int64_t columns)
{
    return (int)ap_divide_up(columns, AP_LANES);
}

static inline __attribute__((always_inline)) void rows_block(int rows, int vecs, factors f, start from,
                                                             ap_real *y, int64_t ldy)
{
    if (rows == 1)
        in_columns(1, vecs, f, from, y, ldy);
    else if (rows == 2)
        in_columns(2, vecs, f, from, y, ldy);
    else if (rows <= FEW)
        in_columns(FEW, vecs, f, from, y, ldy);
    else if (rows <= 2 * FEW)
        in_columns(2 * FEW, vecs, f, from, y, ldy);
    else
        in_columns(ROWS, vecs, f, from, y, ldy);
}

static void any_block(int rows, int vecs, const factors *f, const start *from, ap_real *y, int64_t ldy)
{
    if (vecs == 1)
        rows_block(rows, 1, *f, *from, y, ldy);
    else
        rows_block(rows, VECS, *f, *from, y, ldy);
}

/* A block at the lower or right edge of y is computed in a buffer of full size. */
static void edge_block(int rows, int64_t columns, const factors *f, const start *from, ap_real *y,
                       int64_t ldy)
{
    ap_real buffer[ROWS * COLUMNS] = {0}, bias[ROWS] = {0};
    if (rows > ROWS) __builtin_unreachable();
    for (int r = 0; r < rows; r++) {
        if (from->load) memcpy(buffer + r * COLUMNS, y + r * ldy, (size_t)columns * sizeof *y);
        if (from->bias) bias[r] = from->bias[r];
    }
    any_block(rows, kernel_vecs(columns), f, &(start){from->load, bias}, buffer, COLUMNS);
    for (int r = 0; r < rows; r++) memcpy(y + r * ldy, buffer + r * COLUMNS, (size_t)columns * sizeof *y);
}

/* Proceeds by columns of panels: COLUMNS numbers of each row of X serve every panel of W, from the first- or
 * second-level cache. Sums are complete before they are stored: dividing J into portions that fit the
 * first-level cache costs more than it saves. */
static void directly(const ap_panel_task *task, int64_t t)
{
    int64_t M = task->M, columns = ap_least(COLUMNS, task->n - t);
    factors f = {
        .J = task->J, .row = task->W.row, .column = task->W.column, .x = task->x + t, .at = task->at};
    for (int64_t m = 0; m < M; m += ROWS) {
        int rows = (int)ap_least(ROWS, M - m);
        ap_real *y = task->y + m * task->ldy + t;
        start from = {task->add, task->bias ? task->bias + m : NULL};
        f.w = task->W.data + m / ROWS * task->W.panel;
        if (columns % AP_LANES == 0 && rows == kernel_rows(rows))
            any_block(rows, kernel_vecs(columns), &f, &from, y, task->ldy);
        else
            edge_block(rows, columns, &f, &from, y, task->ldy);
    }
}

static void by_tiles(const ap_panel_task *task, int64_t t)
{
    for (int64_t j = 0; j < task->J; j++)
        memcpy(task->strip + j * COLUMNS, task->x + task->at[j] + t, COLUMNS * sizeof *task->strip);
    ap_tile_finish_strip(task->J, task->strip);
    for (int64_t m = 0; m < task->M; m += ROWS) {
        ap_tile_place place = {task->y + m * task->ldy + t, task->ldy, NULL,
                               task->bias ? task->bias + m : NULL, task->add};
        ap_tile_product(ap_least(ROWS, task->M - m), ap_least(COLUMNS, task->n - t), &place, task->J,
                        task->W.data + m / ROWS * task->W.panel, task->strip);
    }
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
