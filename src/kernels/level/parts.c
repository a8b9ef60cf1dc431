#include "kernels/level/names.h"

#include "kernels/tile.h"

#include "base/bounds.h"
#include "kernels/level/square.h"

#ifdef AP_AMX

/* Tiles by the matrix unit of Intel's processors (AMX), which multiplies bfloat16 and sums in float. A
 * bfloat16 has 8 of a float's 24 bits, so a packed number is the sum of two or three of them: the nearest to
 * it, the nearest to what is then left, and so on. Three are exact. Of the products of parts those are formed
 * that are not far below the rest,
 *
 *     a b = a0 b0 + a0 b1 + a1 b0 + (a0 b2 + a1 b1 + a2 b0)
 *
 * the ones in brackets where there are three parts: six products leave an error below float's own rounding,
 * three one of about 2^-17 of each product (G. Henry, P. T. P. Tang and A. Heinecke, "Leveraging the bfloat16
 * Artificial Intelligence Datatype For Higher-Precision Computations", ARITH 2019; rounding to nearest, as in
 * H. Ootomo and R. Yokota, "Recovering single precision accuracy from Tensor Cores while surpassing the FP32
 * theoretical peak performance", IJHPCA 36, 2022, leaves parts of both signs, whose errors do not add up).
 *
 * The unit takes denormals for 0. So do all kernels in training (kernels/denormals.h); here the last part of
 * numbers below 2^-110 is lost, too. What rounds to infinity, from 2^128 - 2^119 on, is infinite.
 *
 * A panel and a strip are packed in blocks of STEPS steps, in each block part by part: of a panel the ROWS
 * rows of STEPS bfloat16; of a strip two halves of its columns, each in rows of pairs. */
#ifdef AP_AMX_EMULATED
#include "kernels/level/amx_emulated.h"
#else
#include <immintrin.h>
#endif
#include <string.h>

#define ROWS AP_TILE_ROWS
#define COLUMNS AP_TILE_COLUMNS
#define STEPS AP_TILE_STEPS
/* Bytes of a tile's row, and of one part of a block. */
#define LINE 64
#define HALF (STEPS / 2 * LINE)
#define PANEL_PART (ROWS * LINE)
#define STRIP_PART (2 * HALF)

_Static_assert(STEPS * sizeof(uint16_t) == LINE && COLUMNS * sizeof(ap_real) == 2 * LINE,
               "a row of a tile is as wide as the hardware's");

/* ---------------------------------------------------------------- parts */

typedef uint32_t words __attribute__((vector_size(VEC_BYTES), aligned(sizeof(uint32_t)), may_alias));
typedef uint16_t halves __attribute__((vector_size(VEC_BYTES / 2), aligned(sizeof(uint16_t)), may_alias));

/* The nearest bfloat16, or the even one of two, as the upper half of a word. */
static ALWAYS_INLINE words nearest(vec x)
{
    const words bits = (words)x, nan = (words)(x != x);
    const words rounded = bits + 0x7fff + ((bits >> 16) & 1);
    return ((rounded & ~nan) | ((bits | 0x400000) & nan)) & 0xffff0000;
}

/* Takes the first part of what is left of x. */
static ALWAYS_INLINE words take_part(vec *x)
{
    words part = nearest(*x);
    *x -= (vec)part;
    return part;
}

/* The block `block` of x [depth, width], with zeros beyond the depth. */
static ALWAYS_INLINE void copy_block(int width, int64_t depth, int64_t block, const ap_real *x, ap_real *to)
{
    const int64_t steps = ap_least(STEPS, depth - block * STEPS);
    memcpy(to, x + block * STEPS * width, (size_t)(steps * width) * sizeof *to);
    memset(to + steps * width, 0, (size_t)((STEPS - steps) * width) * sizeof *to);
}

/* Where the packed block begins: with three parts it is half as large again as it was, so blocks are packed
 * from the last to the first. */
static ALWAYS_INLINE char *block_at(int width, int parts, int64_t block, const ap_real *x)
{
    return (char *)x + block * STEPS * width * parts * (int64_t)sizeof(uint16_t);
}

static ALWAYS_INLINE void pack_panel_block(int parts, const ap_real *x, char *to)
{
    for (int r = 0; r < ROWS; r += VEC_LANES)
        for (int k = 0; k < STEPS; k += VEC_LANES) {
            const int rows = ROWS - r < VEC_LANES ? ROWS - r : VEC_LANES;
            vec square[VEC_LANES];
#pragma GCC unroll 16
            for (int i = 0; i < VEC_LANES; i++) square[i] = *(const vec *)(x + (k + i) * ROWS + r);
            square_turn(square);
#pragma GCC unroll 16
            for (int i = 0; i < VEC_LANES; i++) {
                char *line = to + (r + i) * LINE + k * (int)sizeof(uint16_t);
                if (i >= rows) continue;
                for (int part = 0; part < parts; part++, line += PANEL_PART)
                    *(halves *)line = __builtin_convertvector(take_part(&square[i]) >> 16, halves);
            }
        }
}

static ALWAYS_INLINE void pack_strip_block(int parts, const ap_real *x, char *to)
{
    for (int k = 0; k < STEPS; k += 2)
        for (int c = 0; c < COLUMNS; c += VEC_LANES) {
            const ap_real *from = x + k * COLUMNS + c;
            vec even = *(const vec *)from, odd = *(const vec *)(from + COLUMNS);
            char *line =
                to + c / (COLUMNS / 2) * HALF + k / 2 * LINE + c % (COLUMNS / 2) * (int)sizeof(uint32_t);
            for (int part = 0; part < parts; part++, line += STRIP_PART) {
                words low = take_part(&even) >> 16;
                *(words *)line = low | take_part(&odd);
            }
        }
}

void ap_tile_finish_panel(int64_t depth, ap_real *panel)
{
    const int parts = ap_tile_parts();
    for (int64_t block = ap_divide_up(depth, STEPS) - 1; block >= 0; block--) {
        ap_real x[STEPS * ROWS + VEC_LANES]; /* the last rows are read in whole vectors */
        copy_block(ROWS, depth, block, panel, x);
        memset(x + STEPS * ROWS, 0, VEC_LANES * sizeof *x);
        pack_panel_block(parts, x, block_at(ROWS, parts, block, panel));
    }
}

void ap_tile_finish_strip(int64_t depth, ap_real *strip)
{
    const int parts = ap_tile_parts();
    for (int64_t block = ap_divide_up(depth, STEPS) - 1; block >= 0; block--) {
        ap_real x[STEPS * COLUMNS];
        copy_block(COLUMNS, depth, block, strip, x);
        pack_strip_block(parts, x, block_at(COLUMNS, parts, block, strip));
    }
}

/* ---------------------------------------------------------------- products */

/* Tiles of the unit: the sums of two panels' rows and both halves of the columns, a part of each of the two
 * panels, and of both halves of the strip. */
#define SUMS_00 0
#define SUMS_01 1
#define SUMS_10 2
#define SUMS_11 3
#define PANEL_0 4
#define PANEL_1 5
#define STRIP_0 6
#define STRIP_1 7

/* Palette 1: eight tiles of up to 16 rows of 64 bytes. */
static const struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} shapes = {.palette = 1,
            .row_bytes = {LINE, LINE, LINE, LINE, LINE, LINE, LINE, LINE},
            .rows = {ROWS, ROWS, ROWS, ROWS, ROWS, ROWS, STEPS / 2, STEPS / 2}};

/* The factors of a pair of panels, or of one alone. */
typedef struct factors {
    const char *panel, *next, *strip;
} factors;

/* both: whether there are two panels; here and below, a constant where it is inlined */
static ALWAYS_INLINE void load_panels(bool both, factors f, int part)
{
    _tile_loadd(PANEL_0, f.panel + part * PANEL_PART, LINE);
    if (both) _tile_loadd(PANEL_1, f.next + part * PANEL_PART, LINE);
}

static ALWAYS_INLINE void load_strip(factors f, int part)
{
    _tile_loadd(STRIP_0, f.strip + part * STRIP_PART, LINE);
    _tile_loadd(STRIP_1, f.strip + part * STRIP_PART + HALF, LINE);
}

static ALWAYS_INLINE void multiply_loaded(bool both)
{
    _tile_dpbf16ps(SUMS_00, PANEL_0, STRIP_0);
    _tile_dpbf16ps(SUMS_01, PANEL_0, STRIP_1);
    if (both) _tile_dpbf16ps(SUMS_10, PANEL_1, STRIP_0);
    if (both) _tile_dpbf16ps(SUMS_11, PANEL_1, STRIP_1);
}

/* One block of the depth. From each product of parts to the next only one side is loaded. */
static ALWAYS_INLINE void multiply_block(bool both, int parts, factors f)
{
    load_panels(both, f, 0);
    if (parts == 3) {
        load_strip(f, 2);
        multiply_loaded(both);
    }
    load_strip(f, 1);
    multiply_loaded(both);
    if (parts == 3) {
        load_panels(both, f, 1);
        multiply_loaded(both);
        load_strip(f, 0);
        multiply_loaded(both);
        load_panels(both, f, 2);
        multiply_loaded(both);
        load_panels(both, f, 0);
        multiply_loaded(both);
    } else {
        load_strip(f, 0);
        multiply_loaded(both);
        load_panels(both, f, 1);
        multiply_loaded(both);
    }
}

/* sum [2 ROWS, COLUMNS], or its first half */
static ALWAYS_INLINE void multiply_panels(bool both, int parts, int64_t depth, factors f, ap_real *sum)
{
    const int64_t stride = COLUMNS * (int64_t)sizeof *sum;
    _tile_zero(SUMS_00);
    _tile_zero(SUMS_01);
    if (both) _tile_zero(SUMS_10);
    if (both) _tile_zero(SUMS_11);
    for (int64_t k = 0; k < depth; k += STEPS) {
        multiply_block(both, parts, f);
        f.panel += parts * PANEL_PART;
        f.next += parts * PANEL_PART;
        f.strip += parts * STRIP_PART;
    }
    _tile_stored(SUMS_00, sum, stride);
    _tile_stored(SUMS_01, sum + COLUMNS / 2, stride);
    if (both) _tile_stored(SUMS_10, sum + ROWS * COLUMNS, stride);
    if (both) _tile_stored(SUMS_11, sum + ROWS * COLUMNS + COLUMNS / 2, stride);
}

/* The sums come last: what they are added to may cancel. */
static void put_sums(int64_t rows, int64_t columns, const ap_tile_place *place, int64_t m, const ap_real *sum)
{
    for (int64_t r = 0; r < rows; r++, sum += COLUMNS) {
        ap_real *to = place->C + (m + r) * place->ldc, line[COLUMNS];
        for (int c = 0; c < COLUMNS; c++) line[c] = place->row_bias ? place->row_bias[m + r] : 0;
        for (int64_t c = 0; place->bias && c < columns; c++) line[c] += place->bias[c];
        for (int64_t c = 0; place->add && c < columns; c++) line[c] += to[c];
        for (int c = 0; c < COLUMNS; c++) line[c] += sum[c];
        memcpy(to, line, (size_t)(columns == COLUMNS ? COLUMNS : columns) * sizeof *to);
    }
}

void ap_tile_product(int64_t rows, int64_t columns, const ap_tile_place *place, int64_t depth,
                     const ap_real *panels, int64_t pitch, const ap_real *strip)
{
    const int parts = ap_tile_parts();
    ap_real sum[2 * ROWS * COLUMNS];
    __asm__ volatile("" : : : "memory"); /* the compiler does not know what the instructions read */
    _tile_loadconfig(&shapes);
    for (int64_t m = 0; m < rows; m += 2 * ROWS, panels += 2 * pitch) {
        const factors f = {(const char *)panels, (const char *)(panels + pitch), (const char *)strip};
        const bool both = rows - m > ROWS;
        if (both && parts == 3)
            multiply_panels(true, 3, depth, f, sum);
        else if (both)
            multiply_panels(true, 2, depth, f, sum);
        else if (parts == 3)
            multiply_panels(false, 3, depth, f, sum);
        else
            multiply_panels(false, 2, depth, f, sum);
        __asm__ volatile("" : : : "memory");
        put_sums(ap_least(2 * ROWS, rows - m), columns, place, m, sum);
    }
    _tile_release();
}

#endif
