/** @file metrics.h
 * Measures of a composed piece, relative to the input and the target it was composed from.
 *
 * Signals are mono at 24 kHz, full scale 1. Nothing here is differentiable. Two definitions are shared with
 * the model and its loss: the modulation cost, and what an onset is (listen.h). All else is code of its own,
 * so that a model that exploits its loss does not score well here. Where a published implementation defines a
 * measure, this one gives the same numbers (tests/peers).
 *
 * Spectra use a periodic Hann window and frames centred on every hop-th sample, with zeros beyond the ends
 * (librosa.stft's defaults): 1 + n / hop frames for n samples. A frame "sounds" if its RMS, relative to an
 * amplitude of 1, is above AP_SOUNDING_DBFS.
 */
#ifndef ANTIPHON_METRICS_H
#define ANTIPHON_METRICS_H

#include "antiphon/api.h"
#include "antiphon/arena.h"
#include "antiphon/listen.h"
#include "antiphon/real.h"

#include <stdbool.h>
#include <stdint.h>

AP_API_BEGIN

/** The shortest signal that can be measured, in samples: one gating block of ITU-R BS.1770 (400 ms). */
#define AP_METRICS_SAMPLES_LEAST 9600

/** Frames with an RMS below this count as silence. */
#define AP_SOUNDING_DBFS (-50.0)

/** The longest lag of r_max, in seconds. It is never more than a quarter of the signal. */
#define AP_LAG_SECONDS 0.5
/** Two onsets match if they are no further apart than this, in seconds (MIREX; mir_eval.onset's default). */
#define AP_ONSET_WINDOW 0.05
/** The number of circular shifts over which the chance level of onset F1 is averaged. */
#define AP_ONSET_SHIFTS 20

/** MFCC 2 to 13. The first, which is loudness, is left out. */
#define AP_MFCC_COUNT 12
/** The lower limit of integrated loudness, in LUFS: the absolute gate of BS.1770. */
#define AP_LOUDNESS_FLOOR (-70.0)

/* ---------------------------------------------------------------- envelopes */

/** Standard deviation (normalised by M - 1) over mean of the envelope of AP_MODULATION_SEGMENTS maxima
 * (ap_envelope); 0 for silence. High for music that swells and fades, low for a drone. */
double ap_envelope_variation(int64_t n, const ap_real *x);

/** The RMS of successive blocks of `width` samples: n / width numbers, without the rest. */
void ap_level_envelope(int64_t n, const ap_real *x, int64_t width, ap_real *level);

/** The largest |Pearson's r| of a and b [M] over lags of -lag .. lag elements, each over the overlap, so that
 * a delayed copy is found, too. lag < M - 1. */
double ap_lagged_pearson(int64_t M, const ap_real *a, const ap_real *b, int64_t lag);

/** AP_METRIC_RMAX_INPUT of the levels [M], one every 10 ms, of two signals. The lag is at most 0.5 s and at
 * most a quarter of M, because over a few elements anything correlates. */
double ap_level_r_max(int64_t M, const ap_real *a, const ap_real *b);

/** The share of the output's energy that the best mix g input + h target (least squares) explains: 1 for any
 * mix, near 0 for new material, 0 for silence. */
double ap_mix_share(int64_t n, const ap_real *output, const ap_real *input, const ap_real *target);

/** The share of frames of 50 ms that sound. */
double ap_active_share(int64_t n, const ap_real *x);

/** Integrated loudness by ITU-R BS.1770-4 / EBU R 128 (libebur128), in LUFS, with the signal as one front
 * channel. */
double ap_loudness(int64_t n, const ap_real *x);

/** The crest factor: the peak over the RMS, in dB; 0 for silence. A square wave has 0, a sine 3, produced
 * music 10 to 16, drums 15 to 25. */
double ap_crest(int64_t n, const ap_real *x);

/** How alike `count` answers to one pair are, of n samples each: the mean ap_pearson of the envelopes of
 * AP_MODULATION_SEGMENTS maxima (ap_envelope) over all pairs of answers. 1 for copies; NaN for fewer than
 * two. */
double ap_answers_likeness(int count, int64_t n, const ap_real *const answers[]);

/** Recordings longer than the first are compared in windows of about the second, in seconds: how many windows
 * n samples make. Over a whole song 250 segments would each be longer than a note. */
#define AP_WINDOW_FROM 30.0
#define AP_WINDOW_SECONDS 16.0
int64_t ap_metric_windows(int64_t n);

/* ---------------------------------------------------------------- timing */

/** The largest number of pairs of an onset of a and an onset of b that are at most `window` seconds apart,
 * with each onset in at most one pair (mir_eval's maximum bipartite matching). */
int64_t ap_onset_match(ap_onsets a, ap_onsets b, double window);

/** The F-measure of onset detection (mir_eval.onset.f_measure, window AP_ONSET_WINDOW); 0 if either has no
 * onsets. */
double ap_onset_f1(ap_onsets reference, ap_onsets estimate);

/** The F-measure expected by chance: the mean over AP_ONSET_SHIFTS circular shifts of the reference, spread
 * evenly over `duration` seconds. Dense onsets match anything; only what is above chance shows timing. */
double ap_onset_f1_chance(ap_arena *arena, ap_onsets reference, ap_onsets estimate, double duration);

/* ---------------------------------------------------------------- harmony */

/** Chroma vectors [count, AP_CHROMA_CLASSES], starting at C. */
typedef struct ap_chroma {
    int64_t count;
    ap_real *rows;
} ap_chroma;

/** Chroma (librosa.feature.chroma_stft with n_fft = 4096, hop_length = 1024, tuning = 0, norm = inf), on the
 * arena. Frames that do not sound (librosa.feature.rms with frame_length = 4096) are zero. */
ap_chroma ap_chroma_of(ap_arena *arena, int64_t n, const ap_real *x);

/** The mean cosine of the vectors of a and b over the frames in which b sounds (0 where a does not), up to
 * the shorter end; 0 if b never sounds. */
double ap_chroma_cosine(ap_chroma a, ap_chroma b);

/* ---------------------------------------------------------------- timbre */

/** Means over the frames that sound; all zeros for silence. */
typedef struct ap_timbre {
    /** MFCC 2 to 13 (librosa.feature.mfcc with n_fft = 2048, hop_length = 512, 128 mel bands, DCT-II ortho).
     */
    double mfcc[AP_MFCC_COUNT];
    /** Spectral flatness of power (Dubnov, 2004; librosa.feature.spectral_flatness) from 100 to 4500 Hz, the
     * range that every codec keeps: 0.56 for white noise, 0 for a tone. */
    double flatness;
} ap_timbre;

/** The timbre of n samples. The arena is used for scratch only. */
ap_timbre ap_timbre_of(ap_arena *arena, int64_t n, const ap_real *x);

/** Euclidean distance of two MFCC vectors. */
double ap_timbre_distance(const ap_timbre *a, const ap_timbre *b);

/* ---------------------------------------------------------------- artefacts */

/** The length, in samples, of the codec frames whose edges are checked: 75 frames per second. */
#define AP_CLICK_HOP 320

/** Clicks at frame edges. The residual of linear prediction (order 16) makes discontinuities stand out from
 * the music (Vaseghi, Rayner, "Detection and suppression of impulsive noise in speech communication systems",
 * IEE Proc. I 137, 1990). The result is the share of its energy at a single position within all frames of
 * AP_CLICK_HOP samples, beyond what an even spread would give. All frames that sound have the same weight, so
 * a few loud attacks, at random positions, do not matter. 0 for music; near 1 if every frame begins with a
 * click. */
double ap_click_share(ap_arena *arena, int64_t n, const ap_real *x);

/** Jumps of the waveform, a second: single clicks, wherever they are, as of a splice, a gain that is switched
 * or a lost sample. A jump is a sample whose residual of linear prediction, as above, is 18 dB above the RMS,
 * and 6 dB above every other sample, of the 10 ms before and of the 10 ms behind it, and above -60 dBFS.
 * Attacks do not count: what they begin goes on. A steady buzz does not, nor does what noise or loud music
 * masks. Some recordings have a few of their own. */
double ap_jump_rate(ap_arena *arena, int64_t n, const ap_real *x);

/** Flutter, in dB: how much more the level of the output bends from frame to frame than that of either
 * source. The level is that of bands of 280 Hz in frames of AP_CLICK_HOP samples; its bend is |a - 2 b + c|
 * of three successive levels. The excess over the sources, where positive, is summarised by its median over
 * the frames in which the band sounds, then averaged over bands, weighted by how long they sound. Steady,
 * swelling and decaying sounds do not bend. Gains that jump from frame to frame do, in every frame; they
 * sound rough and cause musical noise (Cappé, "Elimination of the musical noise phenomenon", IEEE Trans.
 * Speech and Audio 2, 1994). Noise that neither source has bends a little. 0 for either source. */
double ap_flutter(ap_arena *arena, int64_t n, const ap_real *output, const ap_real *input,
                  const ap_real *target);

/** Fizz, in dB: how much narrow bands flicker on their own. Where natural sound swells or fades, neighbouring
 * bands do so together (comodulation: Hall, Haggard, Fernandes, "Detection in noise by spectro-temporal
 * pattern analysis", J. Acoust. Soc. Am. 76, 1984); gains that differ by band and frame do not, and are heard
 * as musical noise. From the level of each band of 190 Hz, every 5 ms, is taken that of the four bands on
 * either side, which a gate, an attack or a fade moves as well, and then the mean of the 110 ms around it,
 * which a melody moves. What remains is summarised by its RMS over all that sounds (-60 dBFS). Noise has 3,
 * music 2 to 3.5, whatever is gated, struck or equalised: the output's is to be compared with the target's.
 * Gains of 3 dB (standard deviation), new in every band and codec frame, raise it by a fifth. 0 for silence.
 */
double ap_fizz(ap_arena *arena, int64_t n, const ap_real *x);

/** Ringing: the share of the output's energy in narrow spectral peaks that neither source has, averaged over
 * the frames that sound. A peak is a bin of 6 Hz that is 12 dB above its surroundings and 10 dB above
 * everything within 85 ms and 18 Hz in both sources, scaled to the output's loudness. Finds resonances,
 * whistles and the tones of an untrained decoder; notes that neither source plays count, too. 0 for either
 * source and any mix. */
double ap_ring_share(ap_arena *arena, int64_t n, const ap_real *output, const ap_real *input,
                     const ap_real *target);

/* ---------------------------------------------------------------- all of them */

/** Everything that is measured in a single signal. */
typedef struct ap_analysis {
    int64_t samples;
    const ap_real *audio; /**< borrowed */
    double variation;
    int64_t level_count;
    ap_real *level; /**< ap_level_envelope of 10 ms */
    ap_onsets onsets;
    ap_chroma chroma;
    ap_timbre timbre;
    double loudness, active, clicks, jumps, crest, fizz;
} ap_analysis;

/** Analyses n >= AP_METRICS_SAMPLES_LEAST finite samples. The result points into the arena, and to the
 * caller's audio. */
ap_analysis ap_analyse(ap_arena *arena, int64_t n, const ap_real *x);

/** The metrics of an output. */
typedef enum ap_metric {
    AP_METRIC_COST,       /**< ap_modulation_cost_arrays; the mean over ap_metric_windows */
    AP_METRIC_R0_INPUT,   /**< its r_input; over several windows the mean of |r| */
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
    AP_METRIC_TIMBRE_RATIO,  /**< to target / (to target + to input): 0 for the target's timbre, 1 for the
                                input's */
    AP_METRIC_LOUDNESS,      /**< LUFS minus the target's, in LU */
    AP_METRIC_ACTIVE,        /**< ap_active_share */
    AP_METRIC_VARIATION, /**< ap_envelope_variation of the output, the mean over ap_metric_windows; next, of
                             the sources */
    AP_METRIC_VARIATION_INPUT,
    AP_METRIC_VARIATION_TARGET,
    AP_METRIC_FLATNESS,
    AP_METRIC_SILENT, /**< flag, 1 or 0: less than AP_SILENT_ACTIVE of it sounds */
    AP_METRIC_NOISE, /**< flag: sounds, is flatter than AP_NOISE_FLATNESS, varies less than AP_NOISE_VARIATION
                      */
    AP_METRIC_DRONE, /**< flag: sounds, is not noise, varies less than AP_DRONE_VARIATION */
    AP_METRIC_CLICKS,  /**< ap_click_share minus that of the source with more clicks; at least 0 */
    AP_METRIC_JUMPS,   /**< ap_jump_rate minus that of the source with more jumps; at least 0 */
    AP_METRIC_FLUTTER, /**< ap_flutter */
    AP_METRIC_RINGING, /**< ap_ring_share */
    AP_METRIC_OTHERS,  /**< mean ap_pearson of the 10 ms levels with those of the outputs for the other items,
                          up to the shorter end; NaN when there are none */
    AP_METRIC_CHROMA_INPUT,   /**< mean cosine to the input's chroma */
    AP_METRIC_CHROMA_SOURCES, /**< the same of the target: how alike the sources are */
    AP_METRIC_CREST,          /**< ap_crest of the output; next, of the sources */
    AP_METRIC_CREST_INPUT,
    AP_METRIC_CREST_TARGET,
    AP_METRIC_FIZZ, /**< ap_fizz of the output; next, of the target */
    AP_METRIC_FIZZ_TARGET,
    AP_METRIC_COUNT
} ap_metric;

/** AP_METRIC_SILENT: the least share of the piece that sounds. */
#define AP_SILENT_ACTIVE 0.05
/** AP_METRIC_NOISE. White noise has 0.56, drums 0.15, pitched instruments less than 0.05. */
#define AP_NOISE_FLATNESS 0.2
/** AP_METRIC_NOISE. White noise of 16 s has 0.08, of 2 s (shorter segments) 0.14; hi-hats are flat, too, but
 * vary. */
#define AP_NOISE_VARIATION 0.25
/** AP_METRIC_DRONE. Held chords of organ or strings have 0.17 to 0.22, pianos at least 0.3, drums at least 1.
 */
#define AP_DRONE_VARIATION 0.12

/** A metric in tables and JSON: its name, its unit ("" for a plain number), its meaning in one line, and
 * which values are good ("near 0"; "" for what tells of the sources alone). */
typedef struct ap_metric_text {
    const char *name, *unit, *meaning, *good;
} ap_metric_text;

/** The texts of a metric, string constants. */
ap_metric_text ap_metric_describe(ap_metric metric);

/** All metrics of one output. The three signals have the same length. AP_METRIC_CHROMA_GAIN and
 * AP_METRIC_OTHERS need the other items and are NaN. */
void ap_metrics_measure(ap_arena *arena, const ap_analysis *input, const ap_analysis *target,
                        const ap_analysis *output, double values[AP_METRIC_COUNT]);

AP_API_END

#endif
