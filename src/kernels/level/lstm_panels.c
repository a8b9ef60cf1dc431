#include "kernels/level/names.h"

#include "kernels/lstm_panels.h"

#include "base/bounds.h"
#include "kernels/array.h"
#ifdef AP_FIXED
#include "kernels/level/fixed.h"
#endif
#include "kernels/level/vec.h"
#include "kernels/tile.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define GATES AP_LSTM_GATES
#define TOGETHER AP_LSTM_TOGETHER

/* The panel of a group of units has one row for each k, with the weight of number k for each lane of each
 * gate, and a last row with a factor for each lane's sum. Forward, the lanes are the units of the group and
 * the numbers the previous state; backward, the lanes are the units that receive the gradient and the
 * numbers dz.
 *
 * A step reads every panel once. Together they exceed a core's own caches, so for few items a step takes as
 * long as loading that many bytes. A float is therefore stored in 24
 * bits, as a multiple of 2^-23 of the largest weight of its gate and lane: four gates in three words, each
 * word having the 24 bits of one gate above a byte of the last gate. The error of a weight is at most half a
 * step, about 2^-24 of the largest weight, as much as each rounding of the sum. An infinite weight or NaN
 * becomes its lane's factor and makes every sum NaN.
 *
 * In fixed point (fixed.h) a weight has 13 bits: a row for each two k has one word for each lane of each
 * gate. */

/* ---------------------------------------------------------------- in float: weights of 24 bits */

#ifndef AP_DOUBLE

/* The gate stored in bytes: there are as many other gates, stored in words. */
#define LAST (GATES - 1)
/* The value of the largest weight, small enough to be rounded up twice. */
#define WORD_MOST (INT32_MAX - 1023)

typedef uint32_t lane_words __attribute__((vector_size(VEC_BYTES), aligned(sizeof(int32_t)), may_alias));
typedef int32_t lane_numbers __attribute__((vector_size(VEC_BYTES)));

/* One vector of each gate of row k, from lane `lane` on. */
static ALWAYS_INLINE void read_row(const ap_real *panel, int64_t k, int lane, vec weight[GATES])
{
    lane_words word[LAST];
    for (int gate = 0; gate < LAST; gate++) {
        word[gate] = *(const lane_words *)(panel + (k * LAST + gate) * AP_LANES + lane);
        __asm__("" : "+" IN_VEC(word[gate])); /* otherwise it is loaded again for its second use */
        weight[gate] = __builtin_convertvector((lane_numbers)word[gate], vec);
    }
    lane_words last = (word[2] << 24) | ((word[1] << 16) & 0xff0000) | ((word[0] << 8) & 0xff00);
    weight[LAST] = __builtin_convertvector((lane_numbers)last, vec);
}

/* The word with the low byte `byte` that is closest to x once rounded to a float as in read_row. */
static inline int32_t word_near(int32_t x, int32_t byte)
{
    int32_t word = ((x - byte + 128) & ~255) + byte;
    return word + ((x - (int32_t)(float)word + 128) & ~255);
}

/* Writes one row; inverse: the reciprocals of the factors. */
static void write_row(const ap_real weight[GATES][AP_LANES], const double inverse[GATES][AP_LANES],
                      int32_t word[LAST][AP_LANES])
{
    int32_t last[AP_LANES];
    for (int lane = 0; lane < AP_LANES; lane++)
        last[lane] = word_near((int32_t)((double)weight[LAST][lane] * inverse[LAST][lane]), 0);
    for (int gate = 0; gate < LAST; gate++)
        for (int lane = 0; lane < AP_LANES; lane++)
            word[gate][lane] = word_near((int32_t)((double)weight[gate][lane] * inverse[gate][lane]),
                                         last[lane] >> (8 + 8 * gate) & 255);
}

/* largest[lane] = the largest |w| of each lane of each gate; infinity and NaN count as largest. */
static void panel_largest(int64_t H, const ap_real *panel, ap_real largest[GATES * AP_LANES])
{
    int32_t bits[GATES * AP_LANES], most[GATES * AP_LANES] = {0}; /* ordered like the numbers */
    for (int64_t k = 0; k < H; k++) {
        memcpy(bits, panel + k * GATES * AP_LANES, sizeof bits);
        for (int lane = 0; lane < GATES * AP_LANES; lane++) {
            int32_t size = bits[lane] & INT32_MAX;
            most[lane] = size > most[lane] ? size : most[lane];
        }
    }
    memcpy(largest, most, sizeof most);
}

/* Turns a panel of floats into words, in place: a row of words ends before the next row of floats begins. */
static void finish_panel(int64_t H, ap_real *panel)
{
    const int64_t lanes = GATES * AP_LANES;
    ap_real weight[GATES][AP_LANES], largest[GATES * AP_LANES];
    double inverse[GATES][AP_LANES] = {0};
    panel_largest(H, panel, largest);
    for (int64_t lane = 0; lane < lanes; lane++) {
        ap_real factor = largest[lane] / (ap_real)WORD_MOST;
        if (factor < FLT_MIN) factor = FLT_MIN; /* zeros, too */
        if (isfinite(factor))
            inverse[lane / AP_LANES][lane % AP_LANES] = 1 / (double)factor;
        else
            for (int64_t k = 0; k < H; k++)
                panel[k * lanes + lane] = 0; /* the factor determines the result */
        panel[H * lanes + lane] = factor;
    }
    for (int64_t k = 0; k < H; k++) {
        int32_t word[LAST][AP_LANES];
        memcpy(weight, panel + k * lanes, sizeof weight);
        write_row(weight, inverse, word);
        memcpy(panel + k * LAST * AP_LANES, word, sizeof word);
    }
}

#else

static ALWAYS_INLINE void read_row(const ap_real *panel, int64_t k, int lane, vec weight[GATES])
{
    for (int gate = 0; gate < GATES; gate++)
        weight[gate] = *(const vec *)(panel + (k * GATES + gate) * AP_LANES + lane);
}

static void finish_panel(int64_t H, ap_real *panel)
{
    for (int64_t i = 0; i < GATES * AP_LANES; i++) panel[H * GATES * AP_LANES + i] = 1;
}

#endif

/* ---------------------------------------------------------------- in fixed point */

#ifdef AP_FIXED

#define WIDTH (GATES * AP_LANES)

/* An item's numbers, for each gate where they differ by gate: words of two, and the scale of each block. */
typedef struct fixed_numbers {
    const pair_word *words[TOGETHER][GATES];
    const ap_real *scales[TOGETHER][GATES];
} fixed_numbers;

/* sums as in ap_lstm_panel_product, for constant `panels` and `items` */
FIXED_TARGET static ALWAYS_INLINE void panel_product_fixed(int panels, int items, int64_t H,
                                                           const ap_real *panel, const fixed_numbers *v,
                                                           ap_lstm_sums *sums)
{
    const int64_t next = ap_lstm_panel_count(H);
    for (int lane = 0; lane < AP_LANES; lane += VEC_LANES) {
        vec total[TOGETHER][GATES] = {0};
        const ap_real *row = panel + lane;
        for (int64_t k = 0; k < H; k += STEPS_FIXED) {
            words sum[TOGETHER][GATES];
            __asm__(""
                    :
                    : "r"(total)
                    : "memory"); /* in memory, as the sums of the block fill the registers */
#pragma GCC unroll 16
            for (int i = 0; i < panels * items * GATES; i++) sum[i / GATES][i % GATES] = (words){0};
            for (int64_t pair = k / 2; pair < (ap_least(k + STEPS_FIXED, H) + 1) / 2; pair++, row += WIDTH)
#pragma GCC unroll 4
                for (int p = 0; p < panels; p++)
#pragma GCC unroll 4
                    for (int gate = 0; gate < GATES; gate++) {
                        const words weight = *(const words *)(row + p * next + gate * AP_LANES);
#pragma GCC unroll 4
                        for (int item = 0; item < items; item++)
                            sum[p + item][gate] = add_products(sum[p + item][gate], weight,
                                                               (words){0} + v->words[item][gate][pair]);
                    }
#pragma GCC unroll 4
            for (int p = 0; p < panels; p++)
#pragma GCC unroll 4
                for (int gate = 0; gate < GATES; gate++)
                    for (int item = 0; item < items; item++)
                        total[p + item][gate] += __builtin_convertvector(sum[p + item][gate], vec) *
                                                 (*(const vec *)(row + p * next + gate * AP_LANES) *
                                                  v->scales[item][gate][k / STEPS_FIXED]);
            row += WIDTH;
        }
        for (int i = 0; i < panels * items; i++)
            for (int gate = 0; gate < GATES; gate++) *(vec *)(sums[i][gate] + lane) = total[i][gate];
    }
}

static int64_t fixed_numbers_size(int64_t items, int64_t gate_step, int64_t H)
{
    return items * (gate_step ? GATES : 1) * (ap_divide_up(H, 2) + ap_divide_up(H, STEPS_FIXED));
}

/* Rounds the numbers of all items, into `memory` for fixed_numbers_size. */
static void round_numbers(int64_t items, int64_t gate_step, int64_t H, const ap_real *v, int64_t item_step,
                          ap_real *memory, fixed_numbers *to)
{
    for (int64_t item = 0; item < items; item++)
        for (int64_t gate = 0; gate < GATES; gate++) {
            if (gate == 0 || gate_step) {
                pair_word *pairs = (pair_word *)(memory + ap_divide_up(H, STEPS_FIXED));
                round_row(H, v + item * item_step + gate * gate_step, pairs, memory);
                to->words[item][gate] = pairs;
                to->scales[item][gate] = memory;
                memory = (ap_real *)(pairs + ap_divide_up(H, 2));
            } else {
                to->words[item][gate] = to->words[item][0];
                to->scales[item][gate] = to->scales[item][0];
            }
        }
}

#endif

/* ---------------------------------------------------------------- panels */

static void copy_lanes(ap_real *to, const ap_real *from, int64_t count)
{
    memcpy(to, from, (size_t)(count == AP_LANES ? AP_LANES : count) * sizeof *to);
}

void ap_lstm_panels_pack(int64_t H, const ap_real *weight_hh, bool back, ap_real *panels)
{
    const int64_t row = GATES * AP_LANES;
#pragma omp parallel for schedule(static)
    for (int64_t group = 0; group < ap_lstm_groups(H); group++) {
        int64_t unit = group * AP_LANES, units = ap_least(AP_LANES, H - unit);
        ap_real *panel = panels + group * ap_lstm_panel_count(H);
        if (units < AP_LANES) memset(panel, 0, (size_t)ap_lstm_panel_count(H) * sizeof *panel);
        for (int64_t gate = 0; gate < GATES; gate++) {
            const ap_real *of = weight_hh + gate * H * H;
            ap_real *to = panel + gate * AP_LANES;
            if (!back) ap_matrix_transpose(units, H, of + unit * H, H, false, to, row);
            for (int64_t k = 0; back && k < H; k++) copy_lanes(to + k * row, of + k * H + unit, units);
        }
#ifdef AP_FIXED
        if (ap_tile_form() == AP_TILE_FIXED) {
            finish_fixed(GATES * AP_LANES, H, panel);
            continue;
        }
#endif
        finish_panel(H, panel);
    }
}

/* ap_lstm_panel_product for constant arguments, and a vector of the lanes at a time. For one item, several
 * panels at once were measured to be faster than one after the other. */
static ALWAYS_INLINE void panel_product(int panels, int items, int64_t gate_step, int64_t H,
                                        const ap_real *panel, const ap_real *v, int64_t item_step,
                                        ap_lstm_sums *sums)
{
    const int64_t next = ap_lstm_panel_count(H);
    for (int lane = 0; lane < AP_LANES; lane += VEC_LANES) {
        vec sum[TOGETHER][GATES] = {0}, weight[GATES];
        for (int64_t k = 0; k < H; k++)
            for (int p = 0; p < panels; p++) {
                read_row(panel + p * next, k, lane, weight);
                for (int item = 0; item < items; item++)
                    for (int gate = 0; gate < GATES; gate++)
                        sum[p + item][gate] += weight[gate] * v[item * item_step + gate * gate_step + k];
            }
        for (int p = 0; p < panels; p++)
            for (int gate = 0; gate < GATES; gate++) {
                const vec factor = *(const vec *)(panel + p * next + (H * GATES + gate) * AP_LANES + lane);
                for (int item = 0; item < items; item++)
                    *(vec *)(sums[p + item][gate] + lane) = sum[p + item][gate] * factor;
            }
    }
}

#define CASES                                                                                                \
    CASE(1, 1)                                                                                               \
    CASE(1, 2)                                                                                               \
    CASE(1, 3)                                                                                               \
    CASE(1, 4)                                                                                               \
    CASE(2, 1)                                                                                               \
    CASE(3, 1)                                                                                               \
    CASE(4, 1)
_Static_assert(TOGETHER == 4, "a case for each number of items and of panels");

#ifdef AP_FIXED

FIXED_TARGET static void product_in_fixed_point(int64_t panels, int64_t items, int64_t gate_step, int64_t H,
                                                const ap_real *panel, const ap_real *v, int64_t item_step,
                                                ap_lstm_sums *sums)
{
    fixed_numbers numbers;
    ap_real memory[fixed_numbers_size(items, gate_step, H)];
    round_numbers(items, gate_step, H, v, item_step, memory, &numbers);
#define CASE(panels, items)                                                                                  \
    case (panels) * (TOGETHER + 1) + (items):                                                                \
        panel_product_fixed(panels, items, H, panel, &numbers, sums);                                        \
        break;
    switch (panels * (TOGETHER + 1) + items) {
        CASES
    }
#undef CASE
}

#endif

void ap_lstm_panel_product(int64_t panels, int64_t items, int64_t gate_step, int64_t H, const ap_real *panel,
                           const ap_real *v, int64_t item_step, ap_lstm_sums *sums)
{
#ifdef AP_FIXED
    if (ap_tile_form() == AP_TILE_FIXED) {
        product_in_fixed_point(panels, items, gate_step, H, panel, v, item_step, sums);
        return;
    }
#endif
#define CASE(panels, items)                                                                                  \
    case (panels) * (TOGETHER + 1) + (items):                                                                \
        if (gate_step)                                                                                       \
            panel_product(panels, items, H, H, panel, v, item_step, sums);                                   \
        else                                                                                                 \
            panel_product(panels, items, 0, H, panel, v, item_step, sums);                                   \
        break;
    switch (panels * (TOGETHER + 1) + items) {
        CASES
    }
#undef CASE
}
