#include "antiphon/guidance.h"

#include "antiphon/listen.h"
#include "antiphon/ops.h"
#include "antiphon/rate.h"
#include "base/bounds.h"
#include "loss/cosine.h"
#include "loss/envelope.h"
#include "loss/features.h"
#include "loss/pearson.h"
#include "ops/signals.h"
#include "ops/stft_bands.h"

#include <math.h>

/* 1 - mean x */
static ap_var *one_minus_mean(ap_tape *tape, ap_var *x)
{
    return ap_affine(tape, ap_mean(tape, x), -1, 1);
}

/* mean |a - b| */
static ap_var *mean_distance(ap_tape *tape, ap_var *a, ap_var *b)
{
    return ap_mean(tape, ap_abs(tape, ap_add(tape, a, ap_scale(tape, b, -1))));
}

/* A constant matrix [rows, columns] of zeros, to be filled by the caller. */
static ap_var *new_matrix(ap_tape *tape, int64_t rows, int64_t columns)
{
    ap_shape shape = AP_SHAPE(rows, columns);
    return ap_tape_constant(
        tape,
        (ap_tensor){shape, ap_arena_zeros(ap_tape_arena(tape), (size_t)(rows * columns) * sizeof(ap_real))});
}

/* ---------------------------------------------------------------- log-spaced bands */

#define BAND_LENGTH 1024
#define BANDS 40

/* [40, F]: row i averages the bins from edge i to edge i + 1, at least one. The edges are 2^(1 + 8 i / 40),
 * rounded down, from bin 2 to the end of the spectrum. */
static ap_var *band_matrix(ap_tape *tape)
{
    const double octaves = log2(BAND_LENGTH / 2) - 1;
    int64_t F = BAND_LENGTH / 2 + 1;
    ap_var *matrix = new_matrix(tape, BANDS, F);
    for (int i = 0; i < BANDS; i++) {
        int64_t from = (int64_t)exp2(1 + octaves * i / BANDS);
        int64_t to = (int64_t)exp2(1 + octaves * (i + 1) / BANDS);
        if (to == from) to++;
        for (int64_t k = from; k < to; k++)
            matrix->value.data[i * F + k] = (ap_real)(1 / (double)(to - from));
    }
    return matrix;
}

/* ---------------------------------------------------------------- onsets */

#define ONSET_GAIN 30

static ap_var *onset_strength(ap_tape *tape, ap_var *x, ap_var *bands)
{
    return ap_flux(tape,
                   bands ? ap_stft_bands(tape, x, BAND_LENGTH, AP_ONSET_HOP, bands->value)
                         : ap_stft_magnitude(tape, x, BAND_LENGTH, AP_ONSET_HOP),
                   ONSET_GAIN);
}

/* The frame of the strength in which a sudden rise at a sample shows most: the window has just reached it. */
static int64_t frame_of(double sample)
{
    return llround((sample - BAND_LENGTH / 2.0) / AP_ONSET_HOP) - 1;
}

/* [B, frames] pulses at the onsets of x: a constant */
static ap_var *onset_pulses(ap_tape *tape, const ap_var *x, const ap_onsets *onsets, int64_t frames)
{
    ap_signals of = ap_signals_of("onset_loss", x);
    if (!onsets) onsets = ap_onset_times_of(ap_tape_arena(tape), of.B, of.S, x->value.data);
    ap_var *pulses = new_matrix(tape, of.B, frames);
    for (int64_t b = 0; b < of.B; b++) {
        ap_real *row = pulses->value.data + b * frames;
        for (int64_t i = 0; i < onsets[b].count; i++) {
            int64_t peak = frame_of(onsets[b].times[i] * AP_SAMPLE_RATE);
            for (int64_t f = ap_most(peak - 1, 0); f <= ap_least(peak + 1, frames - 1); f++)
                row[f] = f == peak ? 1 : (ap_real)0.5;
        }
    }
    return pulses;
}

ap_var *ap_onset_loss(ap_tape *tape, ap_var *output, ap_var *input, const ap_onsets *onsets,
                      ap_onset_scale scale)
{
    ap_signals_of_both("onset_loss", output, input);
    ap_var *bands = scale == AP_ONSET_BINS ? NULL : band_matrix(tape);
    ap_var *strength = onset_strength(tape, output, bands);
    ap_var *wanted = scale == AP_ONSET_HITS ? onset_pulses(tape, input, onsets, strength->value.shape.at[1])
                                            : onset_strength(tape, input, bands);
    return one_minus_mean(tape, ap_pearson_of(tape, strength, wanted));
}

/* ---------------------------------------------------------------- chroma */

#define CHROMA_LENGTH 4096
#define CHROMA_HOP 1024
#define CHROMA_CLASSES 12
#define CHROMA_NORM_LEAST 1e-8

/* [12, F]: row q is 1 at the bins between 60 and 2000 Hz whose nearest semitone is of class q; A is class 0
 */
static ap_var *chroma_matrix(ap_tape *tape)
{
    const double lowest = 60, highest = 2000, a4 = 440;
    int64_t F = CHROMA_LENGTH / 2 + 1;
    ap_var *matrix = new_matrix(tape, CHROMA_CLASSES, F);
    for (int64_t k = 0; k < F; k++) {
        double hertz = (double)k * AP_SAMPLE_RATE / CHROMA_LENGTH;
        if (hertz <= lowest || hertz >= highest) continue;
        int semitone = (int)lrint(CHROMA_CLASSES * log2(hertz / a4));
        int class = (semitone % CHROMA_CLASSES + CHROMA_CLASSES) % CHROMA_CLASSES;
        matrix->value.data[class * F + k] = 1;
    }
    return matrix;
}

ap_var *ap_chroma_loss(ap_tape *tape, ap_var *output, ap_var *target)
{
    ap_signals_of_both("chroma_loss", output, target);
    ap_var *matrix = chroma_matrix(tape), *chroma[2] = {output, target};
    for (int k = 0; k < 2; k++)
        chroma[k] = ap_stft_bands(tape, chroma[k], CHROMA_LENGTH, CHROMA_HOP, matrix->value);
    return one_minus_mean(tape, ap_cosine(tape, chroma[0], chroma[1], 2, CHROMA_NORM_LEAST));
}

/* ---------------------------------------------------------------- timbre */

#define TIMBRE_HOP 256
#define TIMBRE_OFFSET ((ap_real)1e-3)

ap_var *ap_timbre_loss(ap_tape *tape, ap_var *output, ap_var *target)
{
    ap_signals_of_both("timbre_loss", output, target);
    ap_var *matrix = band_matrix(tape), *bands[2] = {output, target};
    for (int k = 0; k < 2; k++) {
        ap_var *average = ap_stft_log_average(tape, bands[k], BAND_LENGTH, TIMBRE_HOP, TIMBRE_OFFSET);
        bands[k] = ap_linear(tape, average, matrix, NULL);
    }
    return mean_distance(tape, bands[0], bands[1]);
}

/* ---------------------------------------------------------------- variation and level */

ap_var *ap_variation_loss(ap_tape *tape, ap_var *output, ap_real least, int64_t M)
{
    return ap_mean(tape, ap_variation(tape, ap_envelope_of(tape, output, M, 1, AP_ENVELOPE_MAX), least));
}

ap_var *ap_level_loss(ap_tape *tape, ap_var *output, ap_var *target)
{
    ap_signals_of_both("level_loss", output, target);
    /* the logarithm of the power is twice that of the level */
    return ap_scale(tape, mean_distance(tape, ap_log_norm(tape, output, 2), ap_log_norm(tape, target, 2)), 2);
}

/* ---------------------------------------------------------------- crest */

static ap_var *log_crest(ap_tape *tape, ap_var *x)
{
    return ap_add(tape, ap_log_norm(tape, x, 8), ap_scale(tape, ap_log_norm(tape, x, 2), -1));
}

ap_var *ap_crest_loss(ap_tape *tape, ap_var *output, ap_var *input, ap_var *target)
{
    ap_signals_of_both("crest_loss", output, input);
    ap_signals_of_both("crest_loss", output, target);
    ap_var *sources =
        ap_scale(tape, ap_add(tape, log_crest(tape, input), log_crest(tape, target)), (ap_real)0.5);
    ap_var *more = ap_add(tape, log_crest(tape, output), ap_scale(tape, sources, -1));
    return ap_mean(tape, ap_clamp(tape, more, 0, INFINITY));
}
