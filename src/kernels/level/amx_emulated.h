/* The instructions on matrix tiles that level/parts.c uses, in C, under the names of the compiler's
 * intrinsics: what the kernel packs, and the order in which it sums, is computed and tested on every
 * processor. After Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2: LDTILECFG,
 * TILEZERO, TILELOADD, TILESTORED, TDPBF16PS, TILERELEASE. What the processor would not do, as with tiles
 * whose shapes do not fit, is fatal. */
#ifndef ANTIPHON_KERNELS_LEVEL_AMX_EMULATED_H
#define ANTIPHON_KERNELS_LEVEL_AMX_EMULATED_H

#include "antiphon/status.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define AMX_TILES 8
#define AMX_ROWS 16
#define AMX_ROW_BYTES 64
/* Numbers of a row: sums, and factors, of which a row of the second holds pairs. */
#define AMX_SUMS (AMX_ROW_BYTES / (int)sizeof(float))
#define AMX_FACTORS (2 * AMX_SUMS)

/* What LDTILECFG reads. */
typedef struct amx_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} amx_config;

typedef struct amx_tile {
    int rows, row_bytes;
    unsigned char row[AMX_ROWS][AMX_ROW_BYTES];
} amx_tile;

/* The tiles of a thread; without a configuration none has rows. */
static _Thread_local amx_tile amx_tiles[AMX_TILES];

static inline void amx_expect(bool holds, const char *what)
{
    if (!holds) ap_fatal("a matrix tile: %s", what);
}

static inline amx_tile *amx_tile_at(int tile)
{
    amx_expect(tile >= 0 && tile < AMX_TILES && amx_tiles[tile].rows > 0, "not configured");
    return &amx_tiles[tile];
}

static inline void amx_release(void)
{
    for (int i = 0; i < AMX_TILES; i++) amx_tiles[i].rows = 0;
}

static inline void amx_load_config(const void *from)
{
    amx_config config;
    memcpy(&config, from, sizeof config);
    amx_expect(config.palette == 1 && config.start_row == 0, "neither palette 1 nor from its first row on");
    for (int i = 0; i < 14; i++) amx_expect(config.reserved[i] == 0, "reserved bytes of the configuration");
    amx_release();
    for (int i = 0; i < 16; i++) {
        int rows = config.rows[i], bytes = config.row_bytes[i];
        amx_expect(rows <= (i < AMX_TILES ? AMX_ROWS : 0) && bytes <= (i < AMX_TILES ? AMX_ROW_BYTES : 0) &&
                       (rows == 0) == (bytes == 0),
                   "no such shape");
        if (rows) amx_tiles[i].rows = rows;
        if (rows) amx_tiles[i].row_bytes = bytes;
    }
}

static inline void amx_zero(int tile)
{
    amx_tile *t = amx_tile_at(tile);
    memset(t->row, 0, sizeof t->row);
}

static inline void amx_load(int tile, const void *from, int64_t stride)
{
    amx_tile *t = amx_tile_at(tile);
    if (t->rows < AMX_ROWS || t->row_bytes < AMX_ROW_BYTES) memset(t->row, 0, sizeof t->row);
    for (int r = 0; r < t->rows; r++)
        memcpy(t->row[r], (const char *)from + r * stride, (size_t)t->row_bytes);
}

static inline void amx_store(int tile, void *to, int64_t stride)
{
    const amx_tile *t = amx_tile_at(tile);
    for (int r = 0; r < t->rows; r++) memcpy((char *)to + r * stride, t->row[r], (size_t)t->row_bytes);
}

/* Denormals count as 0. */
static inline float amx_without_denormal(float x)
{
    return fabsf(x) < 0x1p-126f ? copysignf(0, x) : x;
}

static inline float amx_factor(uint16_t bfloat16)
{
    uint32_t bits = (uint32_t)bfloat16 << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return amx_without_denormal(value);
}

/* sum + a b, rounded once, to the nearest or to even; what is below the normal numbers once rounded, as if
 * exponents had no end, becomes 0. a and b have at most 8 bits each, or b is 1: their product is exact in
 * double, and of two roundings the first does no harm, as double has more than twice float's digits. */
static inline float amx_multiply_add(float a, float b, float sum)
{
    double exact = (double)a * (double)b + (double)sum;
    float rounded = (float)exact;
    return fabs(exact) < 0x1p-126 - 0x1p-151 ? copysignf(0, rounded) : rounded;
}

/* Whether all are 0 or between 2^-40 and 2^40: products are exact in float, too, and sums are multiples of
 * 2^-94, and finite. */
static inline bool amx_all_ordinary(int n, const float *x)
{
    const int32_t least = (127 - 40) << 23, most = (127 + 40) << 23;
    int32_t others = 0;
    for (int i = 0; i < n; i++) {
        int32_t size;
        memcpy(&size, x + i, sizeof size);
        size &= INT32_MAX;
        others |= (size != 0) & ((size < least) | (size > most));
    }
    return !others;
}

/* The factors of a product: rows of the first, and pairs of rows of the second. */
typedef float amx_row __attribute__((vector_size(AMX_ROW_BYTES)));
typedef struct amx_factors {
    int rows, pairs;
    float line[AMX_ROWS][AMX_FACTORS];
    amx_row even[AMX_ROWS], odd[AMX_ROWS];
} amx_factors;

/* Even and odd ones are summed up apart, from 0 on, and then added. */
static inline void amx_sum_up(const amx_factors *f, amx_row sums[AMX_ROWS])
{
    for (int m = 0; m < f->rows; m++) {
        float even[AMX_SUMS] = {0}, odd[AMX_SUMS] = {0};
        for (int k = 0; k < f->pairs; k++)
            for (int n = 0; n < AMX_SUMS; n++) {
                even[n] = amx_multiply_add(f->line[m][2 * k], f->even[k][n], even[n]);
                odd[n] = amx_multiply_add(f->line[m][2 * k + 1], f->odd[k][n], odd[n]);
            }
        for (int n = 0; n < AMX_SUMS; n++) {
            float both = amx_multiply_add(even[n], 1, odd[n]);
            sums[m][n] = amx_multiply_add(both, 1, amx_without_denormal(sums[m][n]));
        }
    }
}

/* The same, where every number is ordinary; zeros, as beyond the depth, then change nothing. */
static inline void amx_sum_up_ordinary(const amx_factors *f, amx_row sums[AMX_ROWS])
{
    for (int m = 0; m < f->rows; m++) {
        amx_row even = {0}, odd = {0};
        for (int k = 0; k < f->pairs; k++) {
            if (f->line[m][2 * k] == 0 && f->line[m][2 * k + 1] == 0) continue;
            even += f->line[m][2 * k] * f->even[k];
            odd += f->line[m][2 * k + 1] * f->odd[k];
        }
        sums[m] += even + odd;
    }
}

/* C += A B, for A of rows of bfloat16 and B of rows of pairs of them. */
static inline void amx_multiply(int c, int a, int b)
{
    amx_tile *C = amx_tile_at(c), *A = amx_tile_at(a), *B = amx_tile_at(b);
    uint16_t rows[AMX_ROWS][AMX_FACTORS], pairs[AMX_ROWS][AMX_FACTORS];
    amx_row sums[AMX_ROWS];
    amx_factors f;
    f.rows = C->rows;
    f.pairs = B->rows;
    amx_expect(c != a && c != b && a != b, "one and the same in two places");
    amx_expect(C->rows == A->rows && A->row_bytes == 4 * B->rows && C->row_bytes == B->row_bytes &&
                   C->row_bytes % 4 == 0,
               "shapes that do not fit");
    memcpy(rows, A->row, sizeof rows);
    memcpy(pairs, B->row, sizeof pairs);
    memcpy(sums, C->row, sizeof sums);
    for (int r = 0; r < AMX_ROWS; r++) {
        for (int k = 0; k < AMX_FACTORS; k++) f.line[r][k] = amx_factor(rows[r][k]);
        for (int n = 0; n < AMX_SUMS; n++) {
            f.even[r][n] = amx_factor(pairs[r][2 * n]);
            f.odd[r][n] = amx_factor(pairs[r][2 * n + 1]);
        }
    }
    const int all = AMX_ROWS * AMX_SUMS;
    if (amx_all_ordinary(2 * all, (const float *)f.line) && amx_all_ordinary(all, (const float *)f.even) &&
        amx_all_ordinary(all, (const float *)f.odd) && amx_all_ordinary(all, (const float *)sums))
        amx_sum_up_ordinary(&f, sums);
    else
        amx_sum_up(&f, sums);
    memcpy(C->row, sums, sizeof sums);
}

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbf16ps
#define _tile_loadconfig(config) amx_load_config(config)
#define _tile_release() amx_release()
#define _tile_zero(tile) amx_zero(tile)
#define _tile_loadd(tile, from, stride) amx_load(tile, from, stride)
#define _tile_stored(tile, to, stride) amx_store(tile, to, stride)
#define _tile_dpbf16ps(c, a, b) amx_multiply(c, a, b)

#endif
