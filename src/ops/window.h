/* Copies pieces of multi-channel signals into the layout that the panel product reads fast: with padding,
 * and with the samples of a strided signal sorted by phase. */
#ifndef ANTIPHON_OPS_WINDOW_H
#define ANTIPHON_OPS_WINDOW_H

#include "antiphon/ops.h"

/* One item [C, T] of a batch. */
typedef struct ap_window_signal {
    const ap_real *data;
    int64_t C, T;
    int64_t mirror; /* values outside 0 .. T - 1: zeros if this is 0, otherwise the mirror image of the
                       signal, extended with zeros to this length */
} ap_window_signal;

/* `mirror` for a signal of T samples with this much padding before and after it. */
int64_t ap_window_mirror(ap_pad_mode mode, int64_t T, int64_t before, int64_t behind);

/* The index of the sample at position `at`, which may be outside 0 .. T - 1; -1 if it is zero. */
int64_t ap_window_index(const ap_window_signal *signal, int64_t at);

/* The distance between rows of a window: room for `columns`, and an odd number of cache lines, so that rows
 * do not map to the same cache sets. */
int64_t ap_window_pitch(int64_t columns);

/* window[(c stride + p) pitch + i] = signal[c, begin + i stride + p] for all c, p < stride and i < columns */
void ap_window_fill(const ap_window_signal *signal, int64_t begin, int64_t stride, int64_t columns,
                    int64_t pitch, ap_real *window);

/* The same transposed: window[i C + c] = signal[c, begin + i] for i < columns. Groups of adjacent frames are
 * the rows that a convolution reads. `rows`: scratch of ap_window_rows_size(columns) numbers. */
void ap_window_fill_transposed(const ap_window_signal *signal, int64_t begin, int64_t columns, ap_real *rows,
                               ap_real *window);
int64_t ap_window_rows_size(int64_t columns);

#endif
