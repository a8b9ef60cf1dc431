#include "ops/stft_frames.h"

#include "antiphon/status.h"
#include "base/bounds.h"
#include "base/memory.h"
#include "kernels/array.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- tables */

typedef struct table {
    struct table *next;
    int n;
    ap_fft *fft;
    ap_real *window;
} table;

static table *new_table(int n)
{
    table *made = ap_allocate(1, sizeof *made);
    made->window = ap_allocate((size_t)n, sizeof *made->window);
    made->n = n;
    made->fft = ap_fft_create(n);
    for (int t = 0; t < n; t++) made->window[t] = (ap_real)(0.5 - 0.5 * cos(2 * M_PI * t / n));
    return made;
}

void ap_stft_require(const char *who, int64_t S, int n, int hop)
{
    if (n < 2 || n % 2 || n > 2 * (S - 1) || hop < 1)
        ap_fatal("%s: length %d and hop %d do not fit %lld samples", who, n, hop, (long long)S);
}

ap_stft ap_stft_of(int n, int hop)
{
    static table *tables;
    table *found;
#pragma omp critical(ap_stft_tables)
    {
        for (found = tables; found && found->n != n;) found = found->next;
        if (!found) {
            found = new_table(n);
            found->next = tables;
            tables = found;
        }
    }
    return (ap_stft){n, hop, false, found->fft, found->window};
}

/* ---------------------------------------------------------------- frames to and from lanes */

/* The index in the signal of sample i of its extension; -1: it is 0. */
static int64_t place_of(const ap_stft *stft, int64_t i, int64_t S)
{
    if (i >= 0 && i < S) return i;
    return stft->zeros ? -1 : i < 0 ? -i : 2 * (S - 1) - i;
}

static int64_t start_of(const ap_stft *stft, int64_t frame)
{
    return frame * stft->hop - stft->n / 2;
}

static int inside(const ap_stft *stft, int64_t S, int64_t start)
{
    return start >= 0 && start + stft->n <= S;
}

void ap_stft_forward_group(const ap_stft *stft, int64_t S, const ap_real *x, int64_t first, int live,
                           ap_lanes *X, ap_lanes *scratch)
{
    int n = stft->n;
    const ap_real *frames[AP_LANES];
    ap_real *row = (ap_real *)X; /* not needed yet: used to assemble frames that reach beyond an end */
    for (int i = 0; i < AP_LANES; i++) {
        int64_t start = start_of(stft, first + (i < live ? i : live - 1));
        frames[i] = x + start;
        if (inside(stft, S, start)) continue;
        for (int t = 0; t < n; t++) {
            int64_t at = place_of(stft, start + t, S);
            row[t] = at < 0 ? 0 : x[at];
        }
        frames[i] = row;
        row += n;
    }
    ap_lanes_gather(n, stft->window, frames, scratch);
    ap_fft_forward_lanes(stft->fft, scratch, X);
}

bool ap_stft_silent_group(const ap_stft *stft, int64_t S, const ap_real *x, int64_t first, int live)
{
    int64_t from = ap_most(0, start_of(stft, first)),
            end = ap_least(S, start_of(stft, first + live - 1) + stft->n);
    while (from < end && x[from] == 0) from++;
    return from >= end;
}

/* The forward sum has one term for each k = 0 .. n/2. The inverse transform counts the inner ones twice,
 * once for their mirror image: hence the halves. */
void ap_stft_adjoint_group(const ap_stft *stft, int64_t S, ap_lanes *dX, int64_t first, int live, ap_real *dx,
                           ap_lanes *scratch)
{
    int n = stft->n;
    ap_fft_inverse_lanes(stft->fft, dX, scratch);
    ap_real *frames[AP_LANES], *row = (ap_real *)dX; /* no longer needed */
    for (int i = 0; i < live; i++) {
        int64_t start = start_of(stft, first + i);
        frames[i] = dx + start;
        if (inside(stft, S, start)) continue;
        frames[i] = memset(row, 0, (size_t)n * sizeof *row);
        row += n;
    }
    ap_lanes_scatter(n, stft->window, scratch, live, frames);
    for (int i = 0; i < live; i++) {
        int64_t start = start_of(stft, first + i);
        if (inside(stft, S, start)) continue;
        for (int t = 0; t < n; t++) {
            int64_t at = place_of(stft, start + t, S);
            if (at >= 0) dx[at] += frames[i][t];
        }
    }
}

/* A group covers (AP_LANES - 1) hop + n samples; folding back at the right end may touch one more. */
int64_t ap_stft_group_colours(const ap_stft *stft)
{
    int64_t step = (int64_t)AP_LANES * stft->hop, reach = step - stft->hop + stft->n + 1;
    return ap_divide_up(reach, step);
}
