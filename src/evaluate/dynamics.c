#include "antiphon/audio.h"
#include "antiphon/metrics.h"
#include "antiphon/modulation.h"
#include "antiphon/status.h"

#include <ebur128.h>
#include <math.h>
#include <stddef.h>

/* Frames of 50 ms. */
#define ACTIVE_WIDTH (AP_SAMPLE_RATE / 20)
/* Sources whose directions differ by less (1 - cos^2) count as one signal in the least squares. */
#define PARALLEL 1e-9

double ap_envelope_variation(int64_t n, const ap_real *x)
{
    ap_real envelope[AP_MODULATION_SEGMENTS];
    ap_envelope(1, n, AP_MODULATION_SEGMENTS, x, envelope, NULL);
    return ap_variation_of(AP_MODULATION_SEGMENTS, envelope);
}

int64_t ap_metric_windows(int64_t n)
{
    double seconds = (double)n / AP_SAMPLE_RATE;
    return seconds > AP_WINDOW_FROM ? llround(seconds / AP_WINDOW_SECONDS) : 1;
}

double ap_answers_likeness(int count, int64_t n, const ap_real *const answers[])
{
    double sum = 0;
    for (int a = 0; a < count; a++)
        for (int b = 0; b < a; b++) {
            ap_real of_a[AP_MODULATION_SEGMENTS], of_b[AP_MODULATION_SEGMENTS];
            ap_envelope(1, n, AP_MODULATION_SEGMENTS, answers[a], of_a, NULL);
            ap_envelope(1, n, AP_MODULATION_SEGMENTS, answers[b], of_b, NULL);
            sum += ap_pearson(AP_MODULATION_SEGMENTS, of_a, of_b);
        }
    return count < 2 ? NAN : sum / (count * (count - 1) / 2.0);
}

static double mean_square(int64_t n, const ap_real *x)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    return sum / (double)n;
}

void ap_level_envelope(int64_t n, const ap_real *x, int64_t width, ap_real *level)
{
    for (int64_t f = 0; f < n / width; f++) level[f] = (ap_real)sqrt(mean_square(width, x + f * width));
}

double ap_lagged_pearson(int64_t M, const ap_real *a, const ap_real *b, int64_t lag)
{
    if (lag >= M - 1)
        ap_fatal("lagged pearson: a lag of %lld on %lld elements", (long long)lag, (long long)M);
    double largest = 0;
    for (int64_t k = -lag; k <= lag; k++) {
        int64_t overlap = M - (k < 0 ? -k : k);
        double r = fabs(ap_pearson(overlap, k < 0 ? a - k : a, k < 0 ? b : b + k));
        if (r > largest) largest = r;
    }
    return largest;
}

double ap_crest(int64_t n, const ap_real *x)
{
    double peak = 0, power = mean_square(n, x);
    for (int64_t i = 0; i < n; i++) peak = fmax(peak, fabs((double)x[i]));
    return power > 0 ? 20 * log10(peak / sqrt(power)) : 0;
}

static double dot(int64_t n, const ap_real *a, const ap_real *b)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

/* The energy of the projection of o onto the plane of i and t: onto i, and onto the part of t that is
 * orthogonal to i. */
double ap_mix_share(int64_t n, const ap_real *output, const ap_real *input, const ap_real *target)
{
    double oo = dot(n, output, output), ii = dot(n, input, input), tt = dot(n, target, target);
    double oi = dot(n, output, input), ot = dot(n, output, target), it = dot(n, input, target);
    if (!(oo > 0)) return 0;
    double explained = 0;
    if (ii > 0) {
        explained = oi * oi / ii;
        ot -= oi * it / ii;
        it = it * it / ii;
    }
    if (tt - it > PARALLEL * tt) explained += ot * ot / (tt - it);
    return explained / oo;
}

double ap_active_share(int64_t n, const ap_real *x)
{
    const double sounding = pow(10, AP_SOUNDING_DBFS / 10);
    int64_t frames = n / ACTIVE_WIDTH, active = 0;
    for (int64_t f = 0; f < frames; f++) active += mean_square(ACTIVE_WIDTH, x + f * ACTIVE_WIDTH) > sounding;
    return frames ? (double)active / (double)frames : 0;
}

double ap_loudness(int64_t n, const ap_real *x)
{
    ebur128_state *meter = ebur128_init(1, AP_SAMPLE_RATE, EBUR128_MODE_I);
    if (!meter) ap_fatal("out of memory: a loudness meter");
    double loudness;
#ifdef AP_DOUBLE
    int failed = ebur128_add_frames_double(meter, x, (size_t)n);
#else
    int failed = ebur128_add_frames_float(meter, x, (size_t)n);
#endif
    if (failed || ebur128_loudness_global(meter, &loudness))
        ap_fatal("out of memory: loudness of %lld samples", (long long)n);
    ebur128_destroy(&meter);
    return loudness > AP_LOUDNESS_FLOOR ? loudness : AP_LOUDNESS_FLOOR;
}
