#include "audio/resample.h"

#include "antiphon/status.h"
#include "base/bounds.h"
#include "base/memory.h"

#include <samplerate.h>
#include <stdlib.h>
#include <string.h>

/* As for files (audio_reader.c). */
#define CONVERTER SRC_SINC_MEDIUM_QUALITY

void ap_resample(int from, int to, int64_t n, const ap_real *x, int64_t m, ap_real *y)
{
    memset(y, 0, (size_t)m * sizeof *y);
    if (from == to) {
        memcpy(y, x, (size_t)ap_least(n, m) * sizeof *y);
        return;
    }
    float *in = ap_allocate((size_t)n, sizeof *in), *out = ap_allocate((size_t)m, sizeof *out);
    for (int64_t i = 0; i < n; i++) in[i] = (float)x[i];
    SRC_DATA work = {.data_in = in,
                     .input_frames = n,
                     .data_out = out,
                     .output_frames = m,
                     .src_ratio = (double)to / from};
    int failure = src_simple(&work, CONVERTER, 1);
    if (failure) ap_fatal("resampling: %s", src_strerror(failure));
    for (int64_t i = 0; i < work.output_frames_gen; i++) y[i] = (ap_real)out[i];
    free(in);
    free(out);
}
