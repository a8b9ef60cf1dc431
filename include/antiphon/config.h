/** @file config.h
 * The configuration of a run: sections of keys with types, ranges and defaults.
 *
 * Values come from the defaults, then from a JSON file ({"section": {"key": value}}), then from overrides
 * ("section.key" and a text, as on the command line: --section.key=value). A value that does not fit is
 * AP_MISUSE; the status names the source, the key, the value and what is allowed. One table
 * (src/config/table.c) holds all keys; parsing, printing, help, documentation and JSON Schema are made from
 * it.
 */
#ifndef ANTIPHON_CONFIG_H
#define ANTIPHON_CONFIG_H

#include "antiphon/api.h"
#include "antiphon/codec.h"
#include "antiphon/guidance.h"
#include "antiphon/modulation.h"
#include "antiphon/status.h"

#include <stdbool.h>
#include <stddef.h>

AP_API_BEGIN

#define AP_CONFIG_TEXT 1024 /**< bytes of a text value, its NUL included */
#define AP_CONFIG_LIST 8    /**< the most integers a list holds */

typedef struct ap_int_list {
    int count;
    int at[AP_CONFIG_LIST];
} ap_int_list;

/** Which target an input is paired with: its own, or that of a random other pair. */
typedef enum ap_targets { AP_TARGETS_MATCHED, AP_TARGETS_SHUFFLED } ap_targets;
/** Where the windows of training begin: every data.seconds, or anywhere. */
typedef enum ap_crop { AP_CROP_GRID, AP_CROP_RANDOM } ap_crop;
/** What the agent's latents drive: the codec's decoder, through the cascade, directly or through gates; or
 * gains over takes of the target. */
typedef enum ap_output_part {
    AP_OUTPUT_CASCADE,
    AP_OUTPUT_DIRECT,
    AP_OUTPUT_GATES,
    AP_OUTPUT_TAKES
} ap_output_part;
/** How ranks send each other gradients: as they are, or in bfloat16. What weight decay applies to: every
 * trained number, or only weight matrices and kernels, not biases and gains. */
typedef enum ap_wire { AP_WIRE_EXACT, AP_WIRE_BFLOAT16 } ap_wire;
typedef enum ap_decay { AP_DECAY_ALL, AP_DECAY_WEIGHTS } ap_decay;
/** How exactly matrix products are computed: as float, or to 1e-3 of the result's norm where that is faster. */
typedef enum ap_precision { AP_PRECISION_FLOAT, AP_PRECISION_FAST } ap_precision;
/** The learning rate after the warm-up: constant, or a half cosine from train.lr down to train.min_lr. */
typedef enum ap_schedule { AP_SCHEDULE_CONSTANT, AP_SCHEDULE_COSINE } ap_schedule;

/** The value of every key. Copied by assignment; nothing to free. The table says what each key means and in
 * which unit.
 */
typedef struct ap_config {
    struct {
        char path[AP_CONFIG_TEXT];
        double seconds;
        int sample_rate, channels;
        ap_crop crop;
        ap_targets targets;
        bool unity_test;
        double augment_level_db, memory, answers;
        char cache[AP_CONFIG_TEXT];
    } data;
    struct {
        ap_codec_type type;
        int dim, bands, hop;
        double gain;
        int width;
        ap_int_list ratios;
        int lstm, sample_rate, channels;
        bool causal;
        ap_codec_norm norm;
        bool normalize;
        double segment, overlap;
        char weights[AP_CONFIG_TEXT];
        bool train;
    } codec;
    struct {
        bool compositional;
        int component, model, attention_heads, layers, ff;
        bool positions;
        int past;
        double dropout;
        ap_output_part output;
        bool compress;
        int gate_bands;
        ap_int_list gate_delays;
        double gate_new;
        bool gate_input;
        int take_bands, take_width;
        bool take_input;
    } agent;
    struct {
        int layers, attention_heads;
        double dropout;
    } cascade;
    struct {
        double rms_input, rms_target, spectral, mel, novelty, balance;
        bool balancer;
        double corr_weight;
        ap_barrier corr_barrier;
        int corr_segments, corr_lag_ms;
        ap_envelope_type corr_envelope;
        int corr_bands;
        double corr_tolerance_input, corr_tolerance_target;
        double onset;
        ap_onset_scale onset_scale;
        double chroma, timbre, variation, variation_least, level, answer, crest, mixture, mixture_most;
    } loss;
    struct {
        int epochs, batch_size, accumulate;
        double lr, min_lr;
        ap_schedule schedule;
        int warmup_steps;
        double weight_decay;
        ap_decay decay;
        ap_wire wire;
        double beta1, beta2, eps, clip, ema;
        int seed, threads;
        ap_precision precision;
        bool frugal;
        int patience, samples_every, checkpoint_every, steps_per_epoch;
    } train;
    struct {
        char uri[AP_CONFIG_TEXT], experiment[AP_CONFIG_TEXT], run_name[AP_CONFIG_TEXT];
        bool tensorboard;
        int log_every;
    } track;
} ap_config;

/** A configuration with every key at its default. */
ap_config ap_config_default(void);

/** Replaces in *config the values that the JSON file gives. On failure *config is unchanged. A top-level
 * "$schema" is ignored. */
ap_status ap_config_load(const char *path, ap_config *config);

/** As ap_config_load, from a JSON text of `length` bytes followed by a NUL. `source` names it in messages. */
ap_status ap_config_parse(const char *source, const char *text, size_t length, ap_config *config);

/** Sets one key ("train.lr", or the short name "lr") from a text that is read by the type of the key: true
 * and false (also 1, 0, yes, no, on, off), numbers as in JSON, texts and choices literally, lists as 8,5,4,2
 * or [8,5,4,2]. A NULL `value` sets a bool to true. On failure *config is unchanged. */
ap_status ap_config_override(ap_config *config, const char *key, const char *value);

/** Whether `key` is the name or the short name of a key. */
bool ap_config_known(const char *key);

/** Whether `key` is a bool, so that it needs no value on the command line. */
bool ap_config_is_bool(const char *key);

/** Checks that the values fit together, which no single key can tell. AP_MISUSE names the keys that do not.
 */
ap_status ap_config_check(const ap_config *config);

/** The same for the codec's keys alone. A codec by itself may be one that no agent works on: stereo, at any
 * rate, in segments. */
ap_status ap_config_check_codec(const ap_config *config);

/** The index of the key of this name or short name; ap_config_count() if there is none. */
size_t ap_config_index(const char *name);

/** The number of keys; the name ("train.lr") of the key at `index`, a string constant; and its value as a
 * text that ap_config_override reads back, cut to AP_CONFIG_TEXT. */
size_t ap_config_count(void);
const char *ap_config_name(size_t index);
void ap_config_value(const ap_config *config, size_t index, char text[AP_CONFIG_TEXT]);

/** All keys and values as indented JSON, which ap_config_parse reads back exactly. The caller frees it. */
char *ap_config_to_json(const ap_config *config);

/** The keys as a JSON Schema (draft 2020-12), as Markdown tables, and as text for --help. The caller frees
 * them. */
char *ap_config_schema(void);
char *ap_config_markdown(void);
char *ap_config_help(void);

AP_API_END

#endif
