#include "ops/window.h"

#include "antiphon/arena.h"
#include "base/bounds.h"
#include "kernels/array.h"

#include <string.h>

int64_t ap_window_mirror(ap_pad_mode mode, int64_t T, int64_t before, int64_t behind)
{
    if (mode == AP_PAD_ZERO) return 0;
    int64_t most = before > behind ? before : behind;
    return T > most ? T : most + 1;
}

int64_t ap_window_index(const ap_window_signal *signal, int64_t at)
{
    if (signal->mirror > 0) {
        if (at < 0) at = -at;
        if (at >= signal->mirror) at = 2 * (signal->mirror - 1) - at;
    }
    return at >= 0 && at < signal->T ? at : -1;
}

int64_t ap_window_pitch(int64_t columns)
{
    const int64_t line = AP_ARENA_ALIGNMENT / (int64_t)sizeof(ap_real);
    return (ap_divide_up(columns, line) | 1) * line;
}

/* to[i] = x[i stride], i < n: the loop is unrolled and vectorised for the strides that codecs have */
static inline __attribute__((always_inline)) void pick(int64_t n, const ap_real *x, int64_t stride,
                                                       ap_real *to)
{
    for (int64_t i = 0; i < n; i++) to[i] = x[i * stride];
}

static void copy(int64_t n, const ap_real *x, int64_t stride, ap_real *to)
{
    switch (stride) {
    case 1:
        memcpy(to, x, (size_t)n * sizeof *to);
        return;
    case 2:
        pick(n, x, 2, to);
        return;
    case 4:
        pick(n, x, 4, to);
        return;
    default:
        pick(n, x, stride, to);
    }
}

/* Fills in what is outside the signal, one sample at a time. */
static void fill_outside(const ap_window_signal *signal, const ap_real *x, int64_t at, int64_t stride,
                         int64_t from, int64_t to, ap_real *row)
{
    for (int64_t i = from; i < to; i++) {
        int64_t index = ap_window_index(signal, at + i * stride);
        row[i] = index < 0 ? 0 : x[index];
    }
}

/* Columns of one row, the first at position `at`; begin .. end - 1 are inside the signal. */
static void fill_row(const ap_window_signal *signal, const ap_real *x, int64_t at, int64_t stride,
                     int64_t columns, ap_real *row)
{
    int64_t begin = at < 0 ? ap_least(columns, ap_divide_up(-at, stride)) : 0;
    int64_t end = signal->T > at ? ap_least(columns, ap_divide_up(signal->T - at, stride)) : 0;
    end = ap_most(begin, end);
    fill_outside(signal, x, at, stride, 0, begin, row);
    if (begin < end) copy(end - begin, x + at + begin * stride, stride, row + begin);
    fill_outside(signal, x, at, stride, end, columns, row);
}

/* Rows are far apart, which would stall at the start of each: it is prefetched while the row before is read.
 */
static void ask_for(const ap_window_signal *signal, const ap_real *x, int64_t begin, int64_t count)
{
    const int64_t line = AP_ARENA_ALIGNMENT / (int64_t)sizeof(ap_real);
    int64_t from = ap_most(0, begin), to = ap_least(signal->T, begin + count);
    for (int64_t i = from; i < to; i += line) __builtin_prefetch(x + i, 0, 2);
}

void ap_window_fill(const ap_window_signal *signal, int64_t begin, int64_t stride, int64_t columns,
                    int64_t pitch, ap_real *window)
{
    for (int64_t c = 0; c < signal->C; c++) {
        if (c + 1 < signal->C) ask_for(signal, signal->data + (c + 1) * signal->T, begin, stride * columns);
        for (int64_t p = 0; p < stride; p++)
            fill_row(signal, signal->data + c * signal->T, begin + p, stride, columns,
                     window + (c * stride + p) * pitch);
    }
}

/* Channels that pass through the scratch memory at a time when a window is transposed. */
#define TRANSPOSED_AT_ONCE 32

int64_t ap_window_rows_size(int64_t columns)
{
    return TRANSPOSED_AT_ONCE * ap_window_pitch(columns);
}

void ap_window_fill_transposed(const ap_window_signal *signal, int64_t begin, int64_t columns, ap_real *rows,
                               ap_real *window)
{
    int64_t pitch = ap_window_pitch(columns);
    for (int64_t c = 0; c < signal->C; c += TRANSPOSED_AT_ONCE) {
        ap_window_signal some = *signal;
        some.data += c * signal->T;
        some.C = ap_least(TRANSPOSED_AT_ONCE, signal->C - c);
        ap_window_fill(&some, begin, 1, columns, pitch, rows);
        ap_matrix_transpose(some.C, columns, rows, pitch, false, window + c, signal->C);
    }
}
