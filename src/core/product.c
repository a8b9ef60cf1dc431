#include "core/product.h"

#include "core/array.h"
#include "core/blas.h"
#include "core/bounds.h"
#include "core/flops.h"
#include "core/pairs.h"
#include "core/simd.h"

#include <omp.h>
#include <string.h>

/* A tile of C of so many rows and vectors stays in registers: 24 of AVX-512's 32, 12 of the older 16. */
#ifdef __AVX512F__
#define ROWS 12
#else
#define ROWS 6
#endif
#define VECS 2
#define COLUMNS (VECS * AP_LANES)
/* So much of the depth is packed at a time, in memory that is used again and again: a strip of B and a block
 * of A, which a thread has to itself, stay in the second-level cache, all of B in the third. */
#define DEPTH_MOST 768
#define BLOCK_PANELS 8
/* Rows of a factor lie far apart, which the processor does not see coming: memory is asked for so far ahead
 * along a row, or so many rows ahead. */
#define AHEAD (4 * AP_LANES)
#define AHEAD_ROWS 8
/* Behind a packed group: room to round the depth up to pairs, and two numbers for each of its columns. */
#define BEHIND (AP_PAIRS ? 3 : 0)
/* Products with fewer multiplications go to OpenBLAS. */
#define MULTIPLICATIONS_LEAST ((int64_t)1 << 24)

ap_matrix ap_matrix_rows(const ap_real *data, int64_t pitch)
{
    return (ap_matrix){data, pitch, 1};
}

ap_matrix ap_matrix_turned(const ap_real *data, int64_t pitch)
{
    return (ap_matrix){data, 1, pitch};
}

/* ---------------------------------------------------------------- packing */

/* One factor as it is read and packed: `count` rows of A, or columns of B, `along` apart; the steps of the
 * depth are `deep` apart, and one of the two is 1. Groups of `width` are packed depth by depth. */
typedef struct side {
    const ap_real *data;
    int64_t count, along, deep;
    int width;
    int64_t groups, pitch; /* numbers from one packed group to the next */
} side;

/* to[k width + i] = element first + i at depth from + k, for k from `begin` on; 0 behind the last element. */
static void pack_slowly(const side *f, int64_t first, int64_t from, int64_t begin, int64_t depth, ap_real *to)
{
    for (int64_t k = begin; k < depth; k++)
        for (int64_t i = 0; i < f->width; i++)
            to[k * f->width + i] =
                first + i < f->count ? f->data[(first + i) * f->along + (from + k) * f->deep] : 0;
}

/* Elements lie side by side: x [depth, width] in rows `deep` apart. width: a constant where this is inlined,
 * here and below. */
static inline __attribute__((always_inline)) void pack_copied(int width, int64_t depth, const ap_real *x,
                                                              int64_t deep, ap_real *to)
{
    for (int64_t k = 0; k < depth; k++, x += deep, to += width) {
        __builtin_prefetch(x + AHEAD_ROWS * deep, 0, 2);
        __builtin_prefetch(x + AHEAD_ROWS * deep + width - 1, 0, 2);
        memcpy(to, x, (size_t)width * sizeof *to);
    }
}

/* The depth lies side by side: x [present, depth], the depth a multiple of AP_LANES, in rows `along` apart.
 * They come in squares that are turned. */
static inline __attribute__((always_inline)) void pack_turned(int width, int64_t present, int64_t depth,
                                                              const ap_real *x, int64_t along, ap_real *to)
{
    for (int i = 0; i < width; i += AP_LANES) {
        int64_t rows = ap_least(AP_LANES, present - i);
        size_t bytes = (size_t)(width - i < AP_LANES ? width - i : AP_LANES) * sizeof *to;
        for (int64_t k = 0; k < depth; k += AP_LANES) {
            ap_vec square[AP_LANES] = {0};
            for (int64_t r = 0; r < rows; r++) {
                const ap_real *row = x + (i + r) * along + k;
                __builtin_prefetch(row + AHEAD, 0, 2);
                square[r] = *(const ap_vec *)row;
            }
            ap_square_turn(square);
            for (int64_t r = 0; r < AP_LANES; r++) memcpy(to + (k + r) * width + i, &square[r], bytes);
        }
    }
}

/* How much of the depth could be packed fast: none of a group that is not whole and would have to be copied.
 */
static inline __attribute__((always_inline)) int64_t pack_fast(int width, const side *f, int64_t first,
                                                               int64_t from, int64_t depth, ap_real *to)
{
    const ap_real *x = f->data + first * f->along + from * f->deep;
    int64_t present = ap_least(width, f->count - first), whole = depth / AP_LANES * AP_LANES;
    if (f->deep == 1) {
        pack_turned(width, present, whole, x, f->along, to);
        return whole;
    }
    if (present < width) return 0;
    pack_copied(width, depth, x, f->deep, to);
    return depth;
}

#if AP_PAIRS

/* The bits of a number's exponent; the least and the largest of them whose negative is another's, too. */
#ifdef AP_DOUBLE
typedef int64_t bits __attribute__((vector_size(AP_VEC_BYTES), aligned(sizeof(ap_real)), may_alias));
#define EXPONENT 52
#define EXPONENT_MOST 2045
#else
typedef int32_t bits __attribute__((vector_size(AP_VEC_BYTES), aligned(sizeof(ap_real)), may_alias));
#define EXPONENT 23
#define EXPONENT_MOST 253
#endif

static inline bits larger(bits a, bits b)
{
    bits first = a > b;
    return (a & first) | (b & ~first);
}

/* Brings each of a group's `width` columns to a size of about 1, and writes behind it what is to be taken
 * away from its sums of pairs, and what they are to be multiplied by then: width numbers each. x [depth + 2,
 * width], depth even. Lanes behind the last column compute with whatever stands there. */
static inline __attribute__((always_inline)) void balance(int width, int64_t depth, ap_real *x)
{
    for (int i = 0; i < width; i += AP_LANES) {
        size_t bytes = (size_t)(width - i < AP_LANES ? width - i : AP_LANES) * sizeof *x;
        /* numbers without their sign are ordered as their bits are */
        bits most = {0}, sign = (bits)-((ap_vec){0});
        for (int64_t k = 0; k < depth; k++) {
            bits size = *(const bits *)(x + k * width + i) & ~sign;
            most = larger(size, most);
        }
        most = most >> EXPONENT << EXPONENT;
        bits least = ((bits){0} + 1) << EXPONENT, largest = ((bits){0} + EXPONENT_MOST) << EXPONENT;
        most = larger(least, -larger(-most, -largest));
        bits inverse = largest + least - most;
        ap_vec factor = (ap_vec)inverse, taken = {0};
        for (int64_t k = 0; k < depth; k += 2) {
            ap_real *to = x + k * width + i;
            ap_vec even = *(const ap_vec *)to * factor, odd = *(const ap_vec *)(to + width) * factor;
            taken += even * odd;
            memcpy(to, &even, bytes);
            memcpy(to + width, &odd, bytes);
        }
        memcpy(x + depth * width + i, &taken, bytes);
        memcpy(x + (depth + 1) * width + i, &most, bytes);
    }
}

#endif

static inline __attribute__((always_inline)) void pack_any(int width, const side *f, int64_t first,
                                                           int64_t from, int64_t depth, ap_real *to)
{
    int64_t done = pack_fast(width, f, first, from, depth, to);
    pack_slowly(f, first, from, done, depth, to);
#if AP_PAIRS
    if (depth % 2 == 1) memset(to + depth * width, 0, (size_t)width * sizeof *to);
    balance(width, depth + depth % 2, to);
#endif
}

static void pack_group(const side *f, int64_t group, int64_t from, int64_t depth, ap_real *to)
{
    if (f->width == ROWS)
        pack_any(ROWS, f, group * ROWS, from, depth, to);
    else
        pack_any(COLUMNS, f, group * COLUMNS, from, depth, to);
}

static side side_of(const ap_real *data, int64_t count, int64_t along, int64_t K, int64_t deep, int width)
{
    int64_t size = width * (ap_least(K, DEPTH_MOST) + BEHIND);
    return (side){data,
                  count,
                  along,
                  deep,
                  width,
                  (count + width - 1) / width,
                  (size + AP_LANES - 1) / AP_LANES * AP_LANES};
}

/* ---------------------------------------------------------------- tiles */

/* A tile of C: what it begins with is what is there, the bias, or nothing. */
typedef struct place {
    ap_real *C;
    int64_t ldc;
    const ap_real *bias;
    bool add;
} place;

#if AP_PAIRS

/* sum [rows, VECS] = A B of a packed panel and a packed strip, two steps of the depth at a time.
 * rows: a constant where this is inlined, here and below. */
static inline __attribute__((always_inline)) void sum_up(int rows, int64_t depth, const ap_real *a,
                                                         const ap_real *b, ap_vec sum[ROWS][VECS])
{
    ap_vec one = (ap_vec){0} + 1;
    __asm__("" : "+v"(one)); /* or gcc would add after all */
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
        for (int v = 0; v < VECS; v++) sum[r][v] = (ap_vec){0};
    for (int64_t k = 0; k < depth; k += 2, a += 2 * ROWS, b += 2 * COLUMNS) {
        ap_vec even[VECS], odd[VECS];
#pragma GCC unroll 2
        for (int v = 0; v < VECS; v++) {
            even[v] = *(const ap_vec *)(b + v * AP_LANES);
            odd[v] = *(const ap_vec *)(b + COLUMNS + v * AP_LANES);
        }
#pragma GCC unroll 12
        for (int r = 0; r < rows; r++) {
            sum[r][0] += ap_add_scalar(odd[0], a + r) * ap_add_scalar(even[0], a + ROWS + r);
            sum[r][1] += ap_add_scalar_multiplying(odd[1], a + r, one) * ap_add_scalar(even[1], a + ROWS + r);
        }
    }
    const ap_real *taken_a = a, *factor_a = a + ROWS;
#pragma GCC unroll 2
    for (int v = 0; v < VECS; v++) {
        ap_vec taken = *(const ap_vec *)(b + v * AP_LANES),
               factor = *(const ap_vec *)(b + COLUMNS + v * AP_LANES);
#pragma GCC unroll 12
        for (int r = 0; r < rows; r++) sum[r][v] = (sum[r][v] - taken_a[r] - taken) * factor_a[r] * factor;
    }
}

#else

static inline __attribute__((always_inline)) void sum_up(int rows, int64_t depth, const ap_real *a,
                                                         const ap_real *b, ap_vec sum[ROWS][VECS])
{
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
        for (int v = 0; v < VECS; v++) sum[r][v] = (ap_vec){0};
    for (int64_t k = 0; k < depth; k++) {
        ap_vec value[VECS];
#pragma GCC unroll 2
        for (int v = 0; v < VECS; v++) value[v] = *(const ap_vec *)(b + k * COLUMNS + v * AP_LANES);
#pragma GCC unroll 12
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
            for (int v = 0; v < VECS; v++) sum[r][v] += a[k * ROWS + r] * value[v];
    }
}

#endif

/* C comes while the sums are formed. */
static inline __attribute__((always_inline)) void tile(int rows, place y, int64_t depth, const ap_real *a,
                                                       const ap_real *b)
{
    ap_vec sum[ROWS][VECS];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < VECS; v++) __builtin_prefetch(y.C + r * y.ldc + v * AP_LANES, 1);
    sum_up(rows, depth, a, b, sum);
    /* otherwise gcc works out where all rows of C stand ahead of the loop, and keeps that in memory through
     * it */
    __asm__("" : "+r"(y.C), "+r"(y.ldc));
    ap_vec begin[VECS] = {0};
    for (int v = 0; v < VECS && y.bias; v++) begin[v] = *(const ap_vec *)(y.bias + v * AP_LANES);
    if (y.add) {
#pragma GCC unroll 12
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
            for (int v = 0; v < VECS; v++) *(ap_vec *)(y.C + r * y.ldc + v * AP_LANES) += sum[r][v];
    } else {
#pragma GCC unroll 12
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
            for (int v = 0; v < VECS; v++) *(ap_vec *)(y.C + r * y.ldc + v * AP_LANES) = begin[v] + sum[r][v];
    }
}

/* The last panel's tiles have only as many thirds of a tile's rows as it takes. */
static void any_tile(int64_t rows, place y, int64_t depth, const ap_real *a, const ap_real *b)
{
    if (rows <= ROWS / 3)
        tile(ROWS / 3, y, depth, a, b);
    else if (rows <= 2 * ROWS / 3)
        tile(2 * ROWS / 3, y, depth, a, b);
    else
        tile(ROWS, y, depth, a, b);
}

/* A tile that goes over the right or lower edge of C is formed elsewhere. */
static void edge_tile(int64_t rows, int64_t columns, place y, int64_t depth, const ap_real *a,
                      const ap_real *b)
{
    ap_real sum[ROWS * COLUMNS];
    any_tile(rows, (place){.C = sum, .ldc = COLUMNS}, depth, a, b);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) {
            ap_real *to = y.C + r * y.ldc + c;
            *to = sum[r * COLUMNS + c] + (y.add ? *to : y.bias ? y.bias[c] : 0);
        }
}

static void place_tile(const ap_product_task *t, int64_t m, int64_t n, bool add, int64_t depth,
                       const ap_real *a, const ap_real *b)
{
    int64_t rows = ap_least(ROWS, t->M - m), columns = ap_least(COLUMNS, t->N - n);
    place y = {t->C + m * t->ldc + n, t->ldc, t->bias ? t->bias + n : NULL, add};
    if (columns == COLUMNS && rows % (ROWS / 3) == 0)
        any_tile(rows, y, depth, a, b);
    else
        edge_tile(rows, columns, y, depth, a, b);
}

/* ---------------------------------------------------------------- threads */

/* Panels and strips of C. */
typedef struct share {
    int64_t panel, panel_end, strip, strip_end;
} share;

/* Threads stand in a grid: of those that there can be the one whose largest share is the smallest. */
static share share_of_thread(int64_t panels, int64_t strips)
{
    int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num(), down = 1, least = INT64_MAX;
    for (int64_t d = 1; d <= threads; d++) {
        if (threads % d != 0) continue;
        int64_t across = threads / d, size = (panels + d - 1) / d * ((strips + across - 1) / across);
        if (size <= least) {
            least = size;
            down = d;
        }
    }
    int64_t across = threads / down, row = thread / across, column = thread % across;
    return (share){panels * row / down, panels * (row + 1) / down, strips * column / across,
                   strips * (column + 1) / across};
}

/* block: the thread's own; strips: all of B */
static void multiply_share(const ap_product_task *t, const side *A, const side *B, int64_t from,
                           int64_t depth, ap_real *block, const ap_real *strips)
{
    share own = share_of_thread(A->groups, B->groups);
    for (int64_t top = own.panel; top < own.panel_end; top += BLOCK_PANELS) {
        int64_t end = ap_least(top + BLOCK_PANELS, own.panel_end);
        for (int64_t panel = top; panel < end; panel++)
            pack_group(A, panel, from, depth, block + (panel - top) * A->pitch);
        for (int64_t strip = own.strip; strip < own.strip_end; strip++)
            for (int64_t panel = top; panel < end; panel++)
                place_tile(t, panel * ROWS, strip * COLUMNS, t->add || from > 0, depth,
                           block + (panel - top) * A->pitch, strips + strip * B->pitch);
    }
}

/* Where a portion of the depth begins: all are about as deep, and whole vectors but for the last. */
static int64_t depth_at(int64_t K, int64_t portion)
{
    int64_t portions = (K + DEPTH_MOST - 1) / DEPTH_MOST;
    return ap_least(K, ((K - 1) / portions / AP_LANES + 1) * AP_LANES * portion);
}

static void by_tiles(ap_arena *arena, const ap_product_task *t)
{
    side A = side_of(t->A.data, t->M, t->A.row, t->K, t->A.column, ROWS);
    side B = side_of(t->B.data, t->N, t->B.column, t->K, t->B.row, COLUMNS);
    int64_t block = BLOCK_PANELS * A.pitch;
    size_t bytes = (size_t)(B.groups * B.pitch + omp_get_max_threads() * block) * sizeof(ap_real);
    ap_real *strips = ap_arena_alloc(arena, bytes), *blocks = strips + B.groups * B.pitch;
    ap_flops_add(2 * t->M * t->N * t->K);
#pragma omp parallel
    for (int64_t portion = 0; depth_at(t->K, portion) < t->K; portion++) {
        int64_t from = depth_at(t->K, portion), depth = depth_at(t->K, portion + 1) - from;
#pragma omp for schedule(static)
        for (int64_t strip = 0; strip < B.groups; strip++)
            pack_group(&B, strip, from, depth, strips + strip * B.pitch);
        multiply_share(t, &A, &B, from, depth, blocks + omp_get_thread_num() * block, strips);
#pragma omp barrier
    }
    ap_arena_recycle(arena, strips, bytes);
}

static void by_openblas(const ap_product_task *t)
{
    bool turn_a = t->A.column != 1, turn_b = t->B.column != 1;
    /* of a single row or column the pitch says nothing, but OpenBLAS wants one that could be */
    int64_t lda = turn_a ? ap_most(t->A.column, t->M) : ap_most(t->A.row, t->K);
    int64_t ldb = turn_b ? ap_most(t->B.column, t->K) : ap_most(t->B.row, t->N);
    for (int64_t m = 0; m < t->M && t->bias; m++)
        memcpy(t->C + m * t->ldc, t->bias, (size_t)t->N * sizeof *t->C);
    ap_gemm(turn_a, turn_b, t->M, t->N, t->K, 1, t->A.data, lda, t->B.data, ldb, t->add || t->bias ? 1 : 0,
            t->C, t->ldc);
}

void ap_product(ap_arena *arena, const ap_product_task *t)
{
    if (AP_PRODUCT_TILED && t->M * t->N * t->K >= MULTIPLICATIONS_LEAST)
        by_tiles(arena, t);
    else
        by_openblas(t);
}
