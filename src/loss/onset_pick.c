#include "antiphon/guidance.h"

#include "antiphon/rate.h"

#include <math.h>

/* The windows of librosa.onset.onset_detect in seconds (found by large-scale search), and its threshold. The
 * part before a frame excludes it, the part after includes it. */
#define PEAK_BEFORE 0.03
#define MEAN_BEFORE 0.10
#define MEAN_BEHIND 0.10
#define WAIT 0.03
#define THRESHOLD 0.07

static int64_t frames_of(double seconds)
{
    return llround(seconds * AP_SAMPLE_RATE / AP_ONSET_HOP);
}

/* Whether frame f is the largest of those just before it and exceeds the mean of its neighbourhood by
 * `delta`, in the strength's own scale. (The mean is taken of differences, so the offset of the scaled
 * strength cancels.) */
static bool is_peak(int64_t M, const ap_real *strength, int64_t f, double delta)
{
    int64_t before = f - frames_of(PEAK_BEFORE), first = f - frames_of(MEAN_BEFORE);
    int64_t end = f + frames_of(MEAN_BEHIND) + 1;
    for (int64_t i = before < 0 ? 0 : before; i < f; i++)
        if (strength[i] > strength[f]) return false;
    if (first < 0) first = 0;
    if (end > M) end = M;
    double mean = 0;
    for (int64_t i = first; i < end; i++) mean += (double)strength[i];
    return (double)strength[f] >= mean / (double)(end - first) + delta;
}

int64_t ap_onset_pick(int64_t M, const ap_real *strength, int64_t *peaks)
{
    ap_real low = strength[0], high = strength[0];
    for (int64_t f = 1; f < M; f++) {
        if (strength[f] < low) low = strength[f];
        if (strength[f] > high) high = strength[f];
    }
    if (!(high > low)) return 0;
    int64_t count = 0;
    for (int64_t f = 0; f < M; f++) {
        if (!is_peak(M, strength, f, THRESHOLD * (double)(high - low))) continue;
        peaks[count++] = f;
        f += frames_of(WAIT);
    }
    return count;
}
