/** @file metrics.h
 * What a listener would measure in a composed piece, beside the input and the target it was composed from.
 *
 * Signals are mono at 24 kHz, full scale 1. Nothing here is differentiable, and nothing but the modulation
 * cost, which is a definition, is shared with the training loss: a model that learned to please its loss is
 * measured by another ruler. Where a published implementation defines a measure, ours gives its numbers
 * (tests/peers).
 *
 * Spectra: Hann window (periodic), frames centred on every hop-th sample, zeros beyond the ends
 * (librosa.stft's defaults), 1 + n / hop frames for n samples. "Sounding" is what is above AP_SOUNDING_DBFS,
 * the RMS relative to an amplitude of 1.
 */
#ifndef ANTIPHON_METRICS_H
#define ANTIPHON_METRICS_H

#include "antiphon/api.h"
#include "antiphon/arena.h"
#include "antiphon/real.h"

#include <stdbool.h>
#include <stdint.h>

AP_API_BEGIN

/** The shortest signal that can be measured, in samples: one gating block of ITU-R BS.1770 (400 ms). */
#define AP_METRICS_SAMPLES_LEAST 9600

/** Frames below this RMS are silence to a listener in a room. */
#define AP_SOUNDING_DBFS (-50.0)

/** The longest lag of r_max, in seconds; never more than a quarter of the signal. */
#define AP_LAG_SECONDS 0.5
/** How near two onsets are to count as one, in seconds (MIREX; mir_eval.onset's default). */
#define AP_ONSET_WINDOW 0.05
/** How many circular shifts the chance level of onset F1 is the mean of. */
#define AP_ONSET_SHIFTS 20
#define AP_CHROMA_CLASSES 12
/** MFCC 2 to 13: without the first, which is loudness. */
#define AP_MFCC_COUNT 12
/** Integrated loudness is not reported below the absolute gate of BS.1770, in LUFS. */
#define AP_LOUDNESS_FLOOR (-70.0)

/* ---------------------------------------------------------------- envelopes */

/** Standard deviation (M - 1 normalised) over mean of the envelope of AP_MODULATION_SEGMENTS maxima
 * (ap_envelope); 0 for silence. Music swells and fades; a drone does not. */
double ap_envelope_variation(int64_t n, const ap_real *x);

/** The RMS of each whole `width` samples: n / width numbers. */
void ap_level_envelope(int64_t n, const ap_real *x, int64_t width, ap_real *level);

/** The largest |Pearson's r| of a and b [M] over lags of -lag .. lag elements, each over the part where they
 * overlap: a copied envelope does not get away by coming late. lag < M - 1. */
double ap_lagged_pearson(int64_t M, const ap_real *a, const ap_real *b, int64_t lag);

/** AP_METRIC_RMAX_INPUT of two signals' levels [M], every 10 ms: over lags to +-0.5 s, but to no more than a
 * quarter of M, as over a few elements anything correlates. */
double ap_level_r_max(int64_t M, const ap_real *a, const ap_real *b);

/** The share of the output's energy that the best mix g input + h target (least squares) explains: 1 for any
 * mix, near 0 for new material. 0 for silence. */
double ap_mix_share(int64_t n, const ap_real *output, const ap_real *input, const ap_real *target);

/** The share of whole 50 ms frames that sound. */
double ap_active_share(int64_t n, const ap_real *x);

/** Integrated loudness by ITU-R BS.1770-4 / EBU R 128 (libebur128), in LUFS, one channel at its front weight.
 */
double ap_loudness(int64_t n, const ap_real *x);

/* ---------------------------------------------------------------- timing */

/** Onset times in seconds, ascending. */
typedef struct ap_onsets {
    int64_t count;
    double *times;
} ap_onsets;

/** Frames of the onset strength of n samples: 1 + n / 240, one every 10 ms. */
int64_t ap_onset_frames(int64_t n);

/** Onset strength (librosa.onset.onset_strength with n_fft = 1024, hop_length = 240): the half-wave rectified
 * rise from frame to frame of a mel spectrogram (128 bands) in dB, at most 80 dB below its maximum, mean over
 * bands, delayed by the half frame in which a window sees an onset before its centre reaches it. */
void ap_onset_strength(ap_arena *arena, int64_t n, const ap_real *x, ap_real *strength);

/** Frames that are onsets, into `peaks` (room for M); their number. Peaks as librosa.onset.onset_detect picks
 * them (Böck, Krebs, Schedl, 2012): of the strength scaled to 0 .. 1, the largest of the 30 ms before it,
 * 0.07 above the mean of 100 ms around, more than 30 ms after the last. */
int64_t ap_onset_pick(int64_t M, const ap_real *strength, int64_t *peaks);

/** Both in one: the onsets of a signal, on the arena. */
ap_onsets ap_onset_times(ap_arena *arena, int64_t n, const ap_real *x);

/** How many onsets of a and b can be paired, each with at most one, no further apart than `window` seconds:
 * the size of mir_eval's maximum bipartite matching. */
int64_t ap_onset_match(ap_onsets a, ap_onsets b, double window);

/** The F-measure of onset detection (mir_eval.onset.f_measure, window AP_ONSET_WINDOW); 0 when either has
 * none. */
double ap_onset_f1(ap_onsets reference, ap_onsets estimate);

/** The F-measure that chance gives: the mean over AP_ONSET_SHIFTS circular shifts of the reference, evenly
 * over `duration` seconds. Dense onsets match anything; only what is above chance is timing. */
double ap_onset_f1_chance(ap_arena *arena, ap_onsets reference, ap_onsets estimate, double duration);

/* ---------------------------------------------------------------- harmony */

/** Chroma vectors [count, AP_CHROMA_CLASSES], C first. */
typedef struct ap_chroma {
    int64_t count;
    ap_real *rows;
} ap_chroma;

/** Chroma (librosa.feature.chroma_stft with n_fft = 4096, hop_length = 1024, tuning = 0, norm = inf), on the
 * arena; the rows of frames that do not sound (librosa.feature.rms with frame_length = 4096) are zero. */
ap_chroma ap_chroma_of(ap_arena *arena, int64_t n, const ap_real *x);

/** The mean cosine of a's and b's vectors over the frames where b sounds (0 where a does not), up to the
 * shorter's end; 0 when b never sounds. */
double ap_chroma_cosine(ap_chroma a, ap_chroma b);

/* ---------------------------------------------------------------- timbre */

/** Means over the frames that sound; all zeros for silence. */
typedef struct ap_timbre {
    /** MFCC 2 to 13 (librosa.feature.mfcc with n_fft = 2048, hop_length = 512, 128 mel bands, DCT-II ortho).
     */
    double mfcc[AP_MFCC_COUNT];
    /** Spectral flatness of power (Dubnov, 2004; librosa.feature.spectral_flatness) of the bins from 100 to
     * 4500 Hz, the band that every codec keeps: 0.56 for white noise, 0 for a tone. */
    double flatness;
} ap_timbre;

ap_timbre ap_timbre_of(ap_arena *arena, int64_t n, const ap_real *x);

/** Euclidean distance of two MFCC vectors. */
double ap_timbre_distance(const ap_timbre *a, const ap_timbre *b);

/* ---------------------------------------------------------------- artefacts */

/** The codec's frames whose edges are listened to, in samples: 75 a second. */
#define AP_CLICK_HOP 320

/** Clicks at the edges of frames: the share of the residual of linear prediction (order 16; it makes a
 * discontinuity stand out from the music around it: Vaseghi, Rayner, "Detection and suppression of impulsive
 * noise in speech communication systems", IEE Proc. I 137, 1990) that lies at one place of all frames of
 * AP_CLICK_HOP samples, beyond what an even spread puts there. Each frame that sounds counts alike, so that a
 * few loud attacks, which fall anywhere, come to nothing. 0 for music; near 1 where every frame begins with a
 * click. */
double ap_click_share(ap_arena *arena, int64_t n, const ap_real *x);

/** Flutter, in dB: how much more the levels of the output's bands (280 Hz) turn from one frame of
 * AP_CLICK_HOP samples to the next than those of both sources there; a turn is |a - 2 b + c| of three levels
 * in a row, what is more its positive part, of which the median over the frames where the band sounds, mean
 * over bands by how long they sound. Steady, swelling and decaying sounds do not turn; gains that jump from
 * frame to frame, which sound as roughness and musical noise (Cappé, "Elimination of the musical noise
 * phenomenon", IEEE Trans. Speech and Audio 2, 1994), turn at every frame, and so does noise that is in
 * neither source, a little. 0 for either source. */
double ap_flutter(ap_arena *arena, int64_t n, const ap_real *output, const ap_real *input,
                  const ap_real *target);

/** Ringing: the share of the output's energy, mean over the frames that sound, in narrow spectral peaks (bins
 * of 6 Hz, 12 dB above their surroundings) which neither source has (10 dB above all within 85 ms and 18 Hz
 * in both, as loud as the output): resonances, whistles, tones of an untrained decoder. Notes that neither
 * source plays count too. 0 for either source and any mix. */
double ap_ring_share(ap_arena *arena, int64_t n, const ap_real *output, const ap_real *input,
                     const ap_real *target);

/* ---------------------------------------------------------------- all of them */

/** Everything that is measured in one signal alone. */
typedef struct ap_analysis {
    int64_t samples;
    const ap_real *audio; /**< borrowed */
    double variation;
    int64_t level_count;
    ap_real *level; /**< ap_level_envelope of 10 ms */
    ap_onsets onsets;
    ap_chroma chroma;
    ap_timbre timbre;
    double loudness, active, clicks;
} ap_analysis;

/** Analyses n >= AP_METRICS_SAMPLES_LEAST finite samples. What the result points to is the arena's, the audio
 * the caller's. */
ap_analysis ap_analyse(ap_arena *arena, int64_t n, const ap_real *x);

typedef enum ap_metric {
    AP_METRIC_COST,       /**< ap_modulation_cost_arrays */
    AP_METRIC_R0_INPUT,   /**< its r_input */
    AP_METRIC_R0_TARGET,  /**< its r_target */
    AP_METRIC_RMAX_INPUT, /**< ap_level_r_max */
    AP_METRIC_RMAX_TARGET,
    AP_METRIC_MIX_SHARE,     /**< ap_mix_share */
    AP_METRIC_ONSET_F1,      /**< against the input's onsets */
    AP_METRIC_ONSET_GAIN,    /**< the same minus chance */
    AP_METRIC_CHROMA,        /**< mean cosine to the target */
    AP_METRIC_CHROMA_GAIN,   /**< the same minus that to the other items' targets; NaN when there are none */
    AP_METRIC_TIMBRE_TARGET, /**< distance to the target */
    AP_METRIC_TIMBRE_INPUT,  /**< distance to the input */
    AP_METRIC_TIMBRE_RATIO,  /**< to target / (to target + to input): 0 the target's timbre, 1 the input's */
    AP_METRIC_LOUDNESS,      /**< LUFS minus the target's, in LU */
    AP_METRIC_ACTIVE,        /**< ap_active_share */
    AP_METRIC_VARIATION,     /**< ap_envelope_variation of the output, and of the sources beside it */
    AP_METRIC_VARIATION_INPUT,
    AP_METRIC_VARIATION_TARGET,
    AP_METRIC_FLATNESS,
    AP_METRIC_SILENT, /**< flags, 1 or 0: less than AP_SILENT_ACTIVE of it sounds */
    AP_METRIC_NOISE, /**< sounds, is flatter than AP_NOISE_FLATNESS and varies less than AP_NOISE_VARIATION */
    AP_METRIC_DRONE, /**< sounds, is no noise and varies less than AP_DRONE_VARIATION */
    AP_METRIC_CLICKS,  /**< ap_click_share, above that of the source that has more; 0 at least */
    AP_METRIC_FLUTTER, /**< ap_flutter */
    AP_METRIC_RINGING, /**< ap_ring_share */
    AP_METRIC_OTHERS,  /**< mean ap_pearson of the 10 ms levels with the outputs for the other items, from the
                          beginning to the shorter's end; NaN when there are none */
    AP_METRIC_COUNT
} ap_metric;

#define AP_SILENT_ACTIVE 0.05
/** White noise is at 0.56, drums at 0.15, instruments with a pitch below 0.05. */
#define AP_NOISE_FLATNESS 0.2
/** White noise of 16 s is at 0.08, of 2 s (shorter segments) at 0.14; hi-hats are flat too, but come and go.
 */
#define AP_NOISE_VARIATION 0.25
/** Held chords of organ or strings are at 0.17 to 0.22, a piano from 0.3 and drums from 1 up. */
#define AP_DRONE_VARIATION 0.12

/** What a metric is called in tables and JSON, its unit ("" for a plain number), and what it says in one
 * line. */
typedef struct ap_metric_text {
    const char *name, *unit, *meaning;
} ap_metric_text;
ap_metric_text ap_metric_describe(ap_metric metric);

/** All metrics of one output; AP_METRIC_CHROMA_GAIN and AP_METRIC_OTHERS, which need the other items,
 * are NaN. The three have as many samples. */
void ap_metrics_measure(ap_arena *arena, const ap_analysis *input, const ap_analysis *target,
                        const ap_analysis *output, double values[AP_METRIC_COUNT]);

AP_API_END

#endif
