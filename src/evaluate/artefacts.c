#include "antiphon/audio.h"
#include "antiphon/metrics.h"
#include "base/sort.h"
#include "listen/spectrum.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static bool sounds(double mean_square)
{
    return mean_square > pow(10, AP_SOUNDING_DBFS / 10);
}

/* ---------------------------------------------------------------- clicks */

/* Linear prediction: its order; the length of a stretch with one predictor (85 ms, not a multiple of the
 * hop, so that its ends do not accumulate at one position of a frame); and what is added to the energy, so
 * that the predictor does not whiten what is 40 dB below it (the white noise correction of speech coders).
 */
#define ORDER 16
#define STRETCH 2048
#define NOISE_CORRECTION 1e-4
/* A frame is divided into this many parts, of 0.33 ms each. */
#define PARTS 40
#define PART (AP_CLICK_HOP / PARTS)
/* The standard errors by which the largest of the parts may stand out by chance. */
#define CHANCE 3

/* autocorrelation [ORDER + 1] of the STRETCH samples from `start` on, extended by half as many on each side,
 * under a Hann window; zeros beyond the ends of x. */
static void correlate(int64_t n, const ap_real *x, int64_t start, double autocorrelation[ORDER + 1])
{
    enum { SPAN = 2 * STRETCH };
    double heard[SPAN];
    for (int i = 0; i < SPAN; i++) {
        int64_t t = start - STRETCH / 2 + i;
        heard[i] = t >= 0 && t < n ? (0.5 - 0.5 * cos(2 * M_PI * (i + 0.5) / SPAN)) * (double)x[t] : 0;
    }
    for (int k = 0; k <= ORDER; k++) {
        autocorrelation[k] = 0;
        for (int i = k; i < SPAN; i++) autocorrelation[k] += heard[i] * heard[i - k];
    }
    autocorrelation[0] *= 1 + NOISE_CORRECTION;
}

/* Levinson and Durbin's recursion: the predictor of x[t] is the sum of a[k] x[t - k], k = 1 .. ORDER. */
static void predict(const double autocorrelation[ORDER + 1], double a[ORDER + 1])
{
    double error = autocorrelation[0], before[ORDER + 1];
    memset(a, 0, (ORDER + 1) * sizeof *a);
    for (int m = 1; m <= ORDER && error > 0; m++) {
        double reflection = autocorrelation[m];
        memcpy(before, a, sizeof before);
        for (int k = 1; k < m; k++) reflection -= before[k] * autocorrelation[m - k];
        reflection /= error;
        for (int k = 1; k < m; k++) a[k] = before[k] - reflection * before[m - k];
        a[m] = reflection;
        error *= 1 - reflection * reflection;
    }
}

/* residual [n]: the error of linear prediction. */
static void take_residual(int64_t n, const ap_real *x, ap_real *residual)
{
#pragma omp parallel for schedule(static)
    for (int64_t start = 0; start < n; start += STRETCH) {
        double autocorrelation[ORDER + 1], a[ORDER + 1];
        correlate(n, x, start, autocorrelation);
        predict(autocorrelation, a);
        for (int64_t t = start; t < start + STRETCH && t < n; t++) {
            double e = (double)x[t];
            for (int k = 1; k <= ORDER && k <= t; k++) e -= a[k] * (double)x[t - k];
            residual[t] = (ap_real)e;
        }
    }
}

static double energy(int64_t n, const ap_real *x)
{
    double sum = 0;
    for (int64_t t = 0; t < n; t++) sum += (double)x[t] * (double)x[t];
    return sum;
}

/* Means and mean squares over frames of the share of two adjacent parts, so that a click on their border
 * counts fully. */
typedef struct profile {
    int64_t frames;
    double mean[PARTS], square[PARTS];
} profile;

static void add_frame(profile *p, const ap_real *residual, double whole)
{
    double share[PARTS];
    for (int i = 0; i < PARTS; i++) share[i] = energy(PART, residual + i * PART) / whole;
    for (int i = 0; i < PARTS; i++) {
        double pair = share[i] + share[(i + 1) % PARTS];
        p->mean[i] += pair;
        p->square[i] += pair * pair;
    }
    p->frames++;
}

/* How far the largest share is above the median, beyond what chance gives. */
static double excess(profile *p)
{
    double sorted[PARTS];
    int fullest = 0;
    if (!p->frames) return 0;
    for (int i = 0; i < PARTS; i++) {
        p->mean[i] /= (double)p->frames;
        p->square[i] /= (double)p->frames;
        if (p->mean[i] > p->mean[fullest]) fullest = i;
    }
    memcpy(sorted, p->mean, sizeof sorted);
    ap_sort(PARTS, sorted);
    double variance = fmax(p->square[fullest] - p->mean[fullest] * p->mean[fullest], 0);
    double chance = CHANCE * sqrt(variance / (double)p->frames);
    return fmax(p->mean[fullest] - sorted[PARTS / 2] - chance, 0);
}

double ap_click_share(ap_arena *arena, int64_t n, const ap_real *x)
{
    profile places = {0};
    ap_real *residual = ap_arena_alloc(arena, (size_t)n * sizeof *residual);
    take_residual(n, x, residual);
    for (int64_t start = 0; start + AP_CLICK_HOP <= n; start += AP_CLICK_HOP) {
        double whole = energy(AP_CLICK_HOP, residual + start);
        if (whole > 0 && sounds(energy(AP_CLICK_HOP, x + start) / AP_CLICK_HOP))
            add_frame(&places, residual + start, whole);
    }
    ap_arena_recycle(arena, residual, (size_t)n * sizeof *residual);
    return excess(&places);
}

/* ---------------------------------------------------------------- jumps */

/* A jump's residual is over after this many samples, 0.8 ms: prediction reaches over ORDER of them. */
#define JUMP_SAMPLES 20
/* It is compared with the residual within so many samples beyond that on either side, 10 ms. */
#define JUMP_AROUND 240
/* It is this many times as large as the RMS there, and as the largest sample there. Noise reaches 5 times
 * its RMS once in five minutes. */
#define JUMP_OVER_RMS 8.0
#define JUMP_OVER_PEAK 2.0
/* Smaller jumps, -60 dBFS, are not heard. */
#define JUMP_LEAST 1e-3

/* Whether the residual of sample t stands out from `count` samples beginning at `from`, of which those
 * outside of the signal are silent; squares[t] is the sum of the squares before t. */
static bool stands_out(int64_t n, const ap_real *residual, const double *squares, int64_t t, int64_t from)
{
    const int64_t first = from < 0 ? 0 : from, end = from + JUMP_AROUND < n ? from + JUMP_AROUND : n;
    const double size = fabs((double)residual[t]);
    if (first >= end) return true;
    if (size * size < JUMP_OVER_RMS * JUMP_OVER_RMS * (squares[end] - squares[first]) / JUMP_AROUND)
        return false;
    for (int64_t i = first; i < end; i++)
        if (size < JUMP_OVER_PEAK * fabs((double)residual[i])) return false;
    return true;
}

static int64_t count_jumps(int64_t n, const ap_real *residual, const double *squares)
{
    int64_t count = 0;
    for (int64_t t = 0; t < n; t++) {
        if (fabs((double)residual[t]) < JUMP_LEAST) continue;
        if (!stands_out(n, residual, squares, t, t - JUMP_SAMPLES - JUMP_AROUND) ||
            !stands_out(n, residual, squares, t, t + JUMP_SAMPLES + 1))
            continue;
        count++;
        t += JUMP_SAMPLES;
    }
    return count;
}

double ap_jump_rate(ap_arena *arena, int64_t n, const ap_real *x)
{
    ap_real *residual = ap_arena_alloc(arena, (size_t)n * sizeof *residual);
    double *squares = ap_arena_alloc(arena, (size_t)(n + 1) * sizeof *squares);
    take_residual(n, x, residual);
    squares[0] = 0;
    for (int64_t t = 0; t < n; t++) squares[t + 1] = squares[t] + (double)residual[t] * (double)residual[t];
    int64_t count = count_jumps(n, residual, squares);
    ap_arena_recycle(arena, squares, (size_t)(n + 1) * sizeof *squares);
    ap_arena_recycle(arena, residual, (size_t)n * sizeof *residual);
    return (double)count * AP_SAMPLE_RATE / (double)n;
}

/* ---------------------------------------------------------------- flutter */

/* The codec's frames, with bands of 280 Hz. */
static const ap_spectrum flutter_spectrum = {.size = 512, .hop = AP_CLICK_HOP};
#define BAND_BINS 6
/* The lowest level of a band, in dB; a sine at full scale is at 0. */
#define BAND_LEAST (-70.0)

/* levels [frames] of a band in dB. */
static void take_levels(int64_t frames, int64_t bins, const ap_real *power, int64_t first, double *levels)
{
    /* the power of a sine is in the main lobe of the window: 3/32 size^2, the other half being in the
     * mirrored spectrum */
    const double scale = 3.0 / 32 * flutter_spectrum.size * flutter_spectrum.size;
    for (int64_t f = 0; f < frames; f++) {
        double sum = 0;
        for (int64_t k = first; k < first + BAND_BINS; k++) sum += (double)power[f * bins + k];
        levels[f] = 10 * log10(fmax(sum / scale, pow(10, BAND_LEAST / 10)));
    }
}

static double turn_at(const double *levels, int64_t f)
{
    return fabs(levels[f - 1] - 2 * levels[f] + levels[f + 1]);
}

/* The median, over the frames in which the output's band sounds, of how much more it bends than both
 * sources; *count is their number, `turns` has room for them. A median, because occasional bends are no
 * flutter. */
static double flutter_of_band(int64_t frames, double *const levels[3], double *turns, int64_t *count)
{
    *count = 0;
    for (int64_t f = 1; f + 1 < frames; f++) {
        const double *at = levels[0] + f;
        if (fmax(fmax(at[-1], at[0]), at[1]) > BAND_LEAST)
            turns[(*count)++] =
                fmax(turn_at(levels[0], f) - fmax(turn_at(levels[1], f), turn_at(levels[2], f)), 0);
    }
    ap_sort(*count, turns);
    return *count ? turns[*count / 2] : 0;
}

double ap_flutter(ap_arena *arena, int64_t n, const ap_real *output, const ap_real *input,
                  const ap_real *target)
{
    const ap_real *const signals[3] = {output, input, target};
    int64_t frames = ap_spectrum_frames(flutter_spectrum, n), bins = ap_spectrum_bins(flutter_spectrum),
            all = 0;
    size_t power_bytes = (size_t)(frames * bins) * sizeof(ap_real),
           level_bytes = (size_t)frames * sizeof(double);
    ap_real *power[3];
    double *levels[3], *turns = ap_arena_alloc(arena, level_bytes), sum = 0;
    for (int s = 0; s < 3; s++) {
        levels[s] = ap_arena_alloc(arena, level_bytes);
        power[s] = ap_spectrum_power(arena, flutter_spectrum, n, signals[s]);
    }
    for (int64_t first = 1; first + BAND_BINS <= bins; first += BAND_BINS) {
        int64_t count;
        for (int s = 0; s < 3; s++) take_levels(frames, bins, power[s], first, levels[s]);
        double flutter = flutter_of_band(frames, levels, turns, &count);
        sum += flutter * (double)count;
        all += count;
    }
    for (int s = 3; s-- > 0;) {
        ap_arena_recycle(arena, power[s], power_bytes);
        ap_arena_recycle(arena, levels[s], level_bytes);
    }
    ap_arena_recycle(arena, turns, level_bytes);
    return all ? sum / (double)all : 0;
}

/* ---------------------------------------------------------------- ringing */

/* Bins of 6 Hz: a narrow peak lasts for a tenth of a second or longer. */
static const ap_spectrum ring_spectrum = {.size = 4096, .hop = 1024};

/* A peak is this far above the geometric mean of the bins on both sides. Noise hardly ever has such peaks
 * (0.1 % of its energy). */
#define PEAK_REACH 32
#define PEAK_RATIO 16.0
/* A peak is in neither source if it is this far above everything they have within this many frames and bins.
 * (The main lobe of the window is 2 bins wide on each side.) */
#define NEAR_FRAMES 2
#define NEAR_BINS 3
#define ABSENT_RATIO 10.0
/* Smaller powers (-100 dB) are ignored: there are no peaks in the noise floor. */
#define POWER_LEAST 1e-10

typedef struct spectrogram {
    int64_t frames, bins;
    ap_real *power;
} spectrogram;

static spectrogram see(ap_arena *arena, int64_t n, const ap_real *x)
{
    spectrogram s = {ap_spectrum_frames(ring_spectrum, n), ap_spectrum_bins(ring_spectrum), NULL};
    s.power = ap_spectrum_power(arena, ring_spectrum, n, x);
    return s;
}

static void forget(ap_arena *arena, spectrogram s)
{
    ap_arena_recycle(arena, s.power, (size_t)(s.frames * s.bins) * sizeof *s.power);
}

static int64_t within(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

static double row_energy(spectrogram s, int64_t f)
{
    double sum = 0;
    for (int64_t k = 0; k < s.bins; k++) sum += (double)s.power[f * s.bins + k];
    return sum;
}

/* The largest power of the sources near a cell, in the frames first .. last. */
static double nearby(spectrogram sources, int64_t first, int64_t last, int64_t bin)
{
    double largest = 0;
    int64_t low = within(bin - NEAR_BINS, 0, sources.bins - 1),
            high = within(bin + NEAR_BINS, 0, sources.bins - 1);
    for (int64_t f = first; f <= last; f++)
        for (int64_t k = low; k <= high; k++)
            largest = fmax(largest, (double)sources.power[f * sources.bins + k]);
    return largest;
}

/* The share of the energy of frame f in narrow peaks that the sources do not have. If the output is louder
 * than both sources, they are scaled to its level, since only the shape counts. */
static double ring_of_frame(spectrogram output, spectrogram sources, int64_t f, double whole,
                            double *log_sums)
{
    const ap_real *power = output.power + f * output.bins;
    int64_t first = within(f - NEAR_FRAMES, 0, output.frames - 1),
            last = within(f + NEAR_FRAMES, 0, output.frames - 1);
    double loudest = 0, ringing = 0;
    for (int64_t i = first; i <= last; i++) loudest = fmax(loudest, row_energy(sources, i));
    double scale = loudest > 0 ? fmax(1, whole / loudest) : 1;
    log_sums[0] = 0;
    for (int64_t k = 0; k < output.bins; k++)
        log_sums[k + 1] = log_sums[k] + log(fmax((double)power[k], POWER_LEAST));
    for (int64_t k = 0; k < output.bins; k++) {
        int64_t low = within(k - PEAK_REACH, 0, output.bins),
                high = within(k + PEAK_REACH + 1, 0, output.bins);
        double around = exp((log_sums[high] - log_sums[low]) / (double)(high - low)), p = (double)power[k];
        if (p > PEAK_RATIO * around && p > ABSENT_RATIO * scale * nearby(sources, first, last, k))
            ringing += p;
    }
    return ringing / whole;
}

double ap_ring_share(ap_arena *arena, int64_t n, const ap_real *output, const ap_real *input,
                     const ap_real *target)
{
    spectrogram out = see(arena, n, output), sources = see(arena, n, input), more = see(arena, n, target);
    for (int64_t i = 0; i < sources.frames * sources.bins; i++) sources.power[i] += more.power[i];
    forget(arena, more);
    /* by Parseval's theorem, half the bins under a window with a mean square of 3/8 */
    const double of_level = 3.0 / 16 * ring_spectrum.size * ring_spectrum.size;
    size_t log_bytes = (size_t)(out.bins + 1) * sizeof(double);
    double sum = 0, *log_sums = ap_arena_alloc(arena, log_bytes);
    int64_t sounding = 0;
    for (int64_t f = 0; f < out.frames; f++) {
        double whole = row_energy(out, f);
        if (!sounds(whole / of_level)) continue;
        sum += ring_of_frame(out, sources, f, whole, log_sums);
        sounding++;
    }
    ap_arena_recycle(arena, log_sums, log_bytes);
    forget(arena, sources);
    forget(arena, out);
    return sounding ? sum / (double)sounding : 0;
}
