/** @file baselines.h
 * Baselines: what can be composed without learning. A trained model is compared with them. Each copies or
 * avoids something that the metrics measure, which shows that no single metric is enough.
 */
#ifndef ANTIPHON_BASELINES_H
#define ANTIPHON_BASELINES_H

#include "antiphon/api.h"
#include "antiphon/real.h"
#include "antiphon/status.h"

#include <stdint.h>

AP_API_BEGIN

typedef enum ap_baseline {
    AP_BASELINE_INPUT,     /**< the input itself */
    AP_BASELINE_TARGET,    /**< the target itself */
    AP_BASELINE_MIX,       /**< (input + target) / 2 */
    AP_BASELINE_IMPOSED,   /**< the target with its 10 ms level replaced by the input's */
    AP_BASELINE_RING,      /**< ring modulation: input x target */
    AP_BASELINE_MUSAICING, /**< the input's spectrogram rebuilt from the target's frames (Driedger, Prätzlich,
                              Müller, "Let it Bee: towards NMF-inspired audio mosaicing", ISMIR 2015) */
    AP_BASELINE_DELAY,     /**< the target 64 ms late: one segment of the modulation cost in 16 s */
    AP_BASELINE_LONG_DELAY, /**< the target 500 ms late */
    AP_BASELINE_STRUCK,  /**< the target one codec frame late, its level flattened, then struck at the input's
                            onsets with random strength and left to decay: a rule made to please the metrics.
                            It shows how much they demand. */
    AP_BASELINE_GRAINS,  /**< notes of the target retriggered at the input's onsets, as on a sampler */
    AP_BASELINE_GATED,   /**< the target through a gate that the input's onsets open */
    AP_BASELINE_VOCODER, /**< the target through a vocoder of 16 bands that the input plays */
    AP_BASELINE_SILENCE, /**< zeros */
    AP_BASELINE_NOISE,   /**< white noise */
    AP_BASELINE_CODEC,   /**< the target encoded and decoded */
    AP_BASELINE_OTHER, /**< the target of another pair: music unrelated to both sources. It shows what chance
                          gives (lagged correlation, onsets, chroma). */
    AP_BASELINE_COUNT
} ap_baseline;

/** Takes note of n samples that a baseline has composed. */
typedef ap_status ap_baseline_keep(void *context, ap_baseline baseline, int64_t n, const ap_real *y);

/** Encodes and decodes n samples of x into y. */
typedef void ap_round_trip(void *context, int64_t n, const ap_real *x, ap_real *y);

typedef struct ap_baseline_options {
    uint64_t seed; /**< of the noise, of musaicing's initial activations and of the strength of strokes */
    ap_round_trip *round_trip; /**< NULL: the mdct codec with its default size (128 of 320 coefficients) */
    void *round_trip_context;
    int64_t other_count;    /**< samples of `other` */
    const ap_real *other;   /**< the target of another pair, borrowed; NULL: AP_BASELINE_OTHER is left out */
    ap_baseline_keep *keep; /**< NULL, or called by ap_evaluation_score_baselines with each composition */
    void *keep_context;
} ap_baseline_options;

/** "input copy", "target copy", "mix", ... String constants. */
const char *ap_baseline_name(ap_baseline baseline);

/** Composes output [n] from input [n] and target [n], mono at 24 kHz. Imposed, ring, musaicing, struck, noise
 * and other are scaled to the RMS of the target; grains, gated and vocoder to its integrated loudness. Delays
 * begin with silence. If the other target is shorter, it repeats. */
void ap_baseline_compose(ap_baseline baseline, const ap_baseline_options *options, int64_t n,
                         const ap_real *input, const ap_real *target, ap_real *output);

AP_API_END

#endif
