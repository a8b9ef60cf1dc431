#include "audio/mid.h"

#include "base/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Channels cancel each other if their average has less than this share of their own power (-26 dB). */
#define CANCELLED 2.5e-3
/* A channel is not soft if it has this share of the mean power of all. */
#define NOT_SOFT 0.5

struct ap_mid {
    int channels;
    bool begun;
    int64_t cancelled; /* frames */
    double *sign;      /* [channels] 1 or -1, at the end of the last block */
    double *next;      /* the same of this one */
};

ap_mid *ap_mid_create(int channels)
{
    ap_mid *m = ap_allocate(1, sizeof *m);
    m->channels = channels;
    m->sign = ap_allocate((size_t)channels, sizeof *m->sign);
    m->next = ap_allocate((size_t)channels, sizeof *m->next);
    for (int c = 0; c < channels; c++) m->sign[c] = 1;
    return m;
}

void ap_mid_free(ap_mid *m)
{
    if (!m) return;
    free(m->sign);
    free(m->next);
    free(m);
}

static double product(const ap_mid *m, int64_t count, const float *frames, int a, int b)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += (double)frames[i * m->channels + a] * (double)frames[i * m->channels + b];
    return sum;
}

/* Where the compiler knows the number of channels, it makes better loops.
 *
 * The power of the average, and the mean power of the channels. */
static inline __attribute__((always_inline)) void powers_of(int channels, int64_t count, const float *frames,
                                                            double *average, double *each)
{
    *average = *each = 0;
    for (int64_t i = 0; i < count; i++) {
        double sum = 0, power = 0;
        for (int c = 0; c < channels; c++) {
            double x = (double)frames[i * channels + c];
            sum += x;
            power += x * x;
        }
        *average += sum / channels * (sum / channels);
        *each += power / channels;
    }
}

static void powers(const ap_mid *m, int64_t count, const float *frames, double *average, double *each)
{
    if (m->channels == 2)
        powers_of(2, count, frames, average, each);
    else
        powers_of(m->channels, count, frames, average, each);
}

/* Chooses the signs of a block. Silence keeps those of the block before. */
static void choose(ap_mid *m, int64_t count, const float *frames)
{
    double average, each;
    int first = 0;
    powers(m, count, frames, &average, &each);
    bool cancel = average < CANCELLED * each;
    m->cancelled += cancel ? count : 0;
    while (cancel && product(m, count, frames, first, first) < NOT_SOFT * each) first++;
    for (int c = 0; c < m->channels; c++)
        m->next[c] = each == 0 ? m->sign[c] : cancel && product(m, count, frames, first, c) < 0 ? -1 : 1;
}

/* The average of the channels, each with its sign. */
static inline __attribute__((always_inline)) void average(int channels, const double *sign, int64_t count,
                                                          const float *frames, float *samples)
{
    for (int64_t i = 0; i < count; i++) {
        double sum = 0;
        for (int c = 0; c < channels; c++) sum += sign[c] * (double)frames[i * channels + c];
        samples[i] = (float)(sum / channels);
    }
}

/* The same while signs change, from the last block's to this one's. */
static void average_fading(const ap_mid *m, int64_t count, const float *frames, float *samples)
{
    for (int64_t i = 0; i < count; i++) {
        double sum = 0, in = ((double)i + 0.5) / (double)count;
        for (int c = 0; c < m->channels; c++)
            sum += (m->sign[c] + in * (m->next[c] - m->sign[c])) * (double)frames[i * m->channels + c];
        samples[i] = (float)(sum / m->channels);
    }
}

int64_t ap_mid_cancelled(const ap_mid *m)
{
    return m->cancelled;
}

void ap_mid_block(ap_mid *m, int64_t count, const float *frames, float *samples)
{
    const size_t bytes = (size_t)m->channels * sizeof *m->sign;
    choose(m, count, frames);
    if (m->begun && memcmp(m->sign, m->next, bytes) != 0)
        average_fading(m, count, frames, samples);
    else if (m->channels == 2)
        average(2, m->next, count, frames, samples);
    else
        average(m->channels, m->next, count, frames, samples);
    m->begun = true;
    memcpy(m->sign, m->next, bytes);
}
