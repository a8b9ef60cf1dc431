#include "audio/resample.h"

#include "antiphon/status.h"
#include "base/bounds.h"
#include "base/memory.h"

#include <soxr.h>
#include <stdlib.h>
#include <string.h>

#define RATIO_MOST 256

struct ap_resampler {
    soxr_t stream;
};

bool ap_resampler_converts(int from, int to)
{
    return (int64_t)from <= (int64_t)RATIO_MOST * to && (int64_t)to <= (int64_t)RATIO_MOST * from;
}

/* soxr's high quality: 20 bits, flat up to 0.91 of half the lower rate, and what would fold back is 120 dB
 * below the signal. */
ap_resampler *ap_resampler_create(int from, int to, int channels)
{
    const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
    soxr_error_t failure = NULL;
    ap_resampler *r = ap_allocate(1, sizeof *r);
    r->stream = soxr_create(from, to, (unsigned)channels, &failure, NULL, &quality, NULL);
    if (!r->stream || failure) ap_fatal("resampling: %s", soxr_strerror(failure));
    return r;
}

void ap_resampler_free(ap_resampler *r)
{
    if (!r) return;
    soxr_delete(r->stream);
    free(r);
}

void ap_resampler_run(ap_resampler *r, int64_t count, const float *in, int64_t *taken, int64_t room,
                      float *out, int64_t *given)
{
    size_t used = 0, made = 0;
    soxr_error_t failure =
        soxr_process(r->stream, in, in ? (size_t)count : 0, &used, out, (size_t)room, &made);
    if (failure) ap_fatal("resampling: %s", soxr_strerror(failure));
    *taken = (int64_t)used;
    *given = (int64_t)made;
}

/* All of a stream of one channel, as far as there is room. */
static void run_whole(ap_resampler *r, int64_t n, const float *in, int64_t m, float *out)
{
    int64_t taken, given, at = 0, made = 0;
    do {
        ap_resampler_run(r, n - at, at < n ? in + at : NULL, &taken, m - made, out + made, &given);
        at += taken;
        made += given;
    } while (taken > 0 || given > 0);
}

void ap_resample(int from, int to, int64_t n, const ap_real *x, int64_t m, ap_real *y)
{
    memset(y, 0, (size_t)m * sizeof *y);
    if (from == to) {
        memcpy(y, x, (size_t)ap_least(n, m) * sizeof *y);
        return;
    }
    float *in = ap_allocate((size_t)n, sizeof *in), *out = ap_allocate((size_t)m, sizeof *out);
    for (int64_t i = 0; i < n; i++) in[i] = (float)x[i];
    ap_resampler *r = ap_resampler_create(from, to, 1);
    run_whole(r, n, in, m, out);
    ap_resampler_free(r);
    for (int64_t i = 0; i < m; i++) y[i] = (ap_real)out[i];
    free(in);
    free(out);
}
