/* A piece of a signal of several channels copied to where the panel product reads it fast: padding filled in,
 * samples of a strided signal sorted by their phase. */
#ifndef ANTIPHON_OPS_WINDOW_H
#define ANTIPHON_OPS_WINDOW_H

#include "antiphon/ops.h"

/* One item [C, T] of a batch. */
typedef struct ap_window_signal {
    const ap_real *data;
    int64_t C, T;
    int64_t mirror; /* what stands outside 0 .. T - 1: zeros if this is 0, else the mirror image of the signal
                       extended with zeros to this length */
} ap_window_signal;

/* `mirror` for a signal of T samples with so many put before and behind it. */
int64_t ap_window_mirror(ap_pad_mode mode, int64_t T, int64_t before, int64_t behind);

/* The sample that stands at position `at`, which may be outside 0 .. T - 1; -1 where that is zero. */
int64_t ap_window_index(const ap_window_signal *signal, int64_t at);

/* Numbers from one row of a window to the next: room for `columns`, and an odd number of cache lines, lest
 * rows fall on the same sets of the cache. */
int64_t ap_window_pitch(int64_t columns);

/* window[(c stride + p) pitch + i] = signal[c, begin + i stride + p] for all c, p < stride and i < columns */
void ap_window_fill(const ap_window_signal *signal, int64_t begin, int64_t stride, int64_t columns,
                    int64_t pitch, ap_real *window);

/* The same transposed: window[i C + c] = signal[c, begin + i] for i < columns. Neighbouring frames of it,
 * taken together, are the rows that a convolution sees. `rows`: working memory of
 * ap_window_rows_size(columns) numbers. */
void ap_window_fill_transposed(const ap_window_signal *signal, int64_t begin, int64_t columns, ap_real *rows,
                               ap_real *window);
int64_t ap_window_rows_size(int64_t columns);

#endif
