#include "audio/recording_envelope.h"

#include "antiphon/rate.h"
#include "audio/reader.h"
#include "base/bounds.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

#define PORTION 32768

/* Adds one portion to a segment: its maximum, or the sum of its powers. */
static double add(ap_envelope_type type, double so_far, int64_t n, const ap_real *x)
{
    for (int64_t i = 0; i < n; i++) {
        double size = fabs((double)x[i]), square = size * size;
        if (type == AP_ENVELOPE_MAX)
            so_far = size > so_far ? size : so_far;
        else
            so_far += type == AP_ENVELOPE_RMS ? square : square * square * square * square;
    }
    return so_far;
}

static double finish(ap_envelope_type type, double sum, int64_t n)
{
    const double f = AP_ENVELOPE_FLOOR;
    if (type == AP_ENVELOPE_MAX) return sum;
    if (type == AP_ENVELOPE_RMS) return sqrt(sum / (double)n + f * f);
    return pow(sum / (double)n + pow(f, 8), 1.0 / 8);
}

static ap_status read_envelope(ap_audio_reader *reader, const char *path, int64_t length, int64_t M,
                               ap_envelope_type type, ap_real *x, ap_real *e)
{
    for (int64_t m = 0; m < M; m++) {
        double sum = 0;
        for (int64_t left = length, got; left > 0; left -= got) {
            int64_t want = ap_least(left, PORTION);
            AP_TRY(ap_audio_reader_read(reader, want, x, &got));
            if (got < want) return ap_error(AP_FAILED, "%s: became shorter while it was read", path);
            sum = add(type, sum, got, x);
        }
        e[m] = (ap_real)finish(type, sum, length);
    }
    return ap_ok();
}

ap_status ap_recording_envelope(const char *path, int64_t S, int64_t M, ap_envelope_type type, ap_real *e)
{
    if (M < 1 || M > S)
        ap_fatal("recording_envelope: %lld segments of %lld samples", (long long)M, (long long)S);
    ap_audio_reader *reader;
    AP_TRY(ap_audio_reader_open(path, AP_SAMPLE_RATE, &reader));
    ap_real *x = ap_allocate(PORTION, sizeof *x);
    ap_status status = read_envelope(reader, path, S / M, M, type, x, e);
    free(x);
    ap_audio_reader_close(reader);
    return status;
}
