/** @file config.h
 * The configuration of a run: sections of keys with types, ranges and defaults.
 *
 * A value comes from the default, then from a JSON file ({"section": {"key": value}}), then from overrides
 * ("section.key" and a text, as on the command line: --section.key=value). Whatever does not fit is an
 * AP_MISUSE that names the source, the key, what was given and what is allowed. All keys stand in one table
 * (src/config/table.c), from which parsing, printing, help, documentation and JSON Schema come.
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
#define AP_CONFIG_LIST 8    /**< integers a list holds at most */

typedef struct ap_int_list {
    int count;
    int at[AP_CONFIG_LIST];
} ap_int_list;

/** Which target an input is played against. */
typedef enum ap_targets { AP_TARGETS_MATCHED, AP_TARGETS_SHUFFLED } ap_targets;
/** What stands between the agent's latents and the codec's decoder. */
typedef enum ap_output_part { AP_OUTPUT_CASCADE, AP_OUTPUT_DIRECT, AP_OUTPUT_GATES } ap_output_part;
/** What weight decay shrinks: every trained number, or matrices and kernels alone, not biases and gains. */
typedef enum ap_decay { AP_DECAY_ALL, AP_DECAY_WEIGHTS } ap_decay;
typedef enum ap_schedule { AP_SCHEDULE_CONSTANT, AP_SCHEDULE_COSINE } ap_schedule;

/** A plain value: copied by assignment, nothing to free. The table says what each key means and in which
 * unit. */
typedef struct ap_config {
    struct {
        char path[AP_CONFIG_TEXT];
        double seconds;
        ap_targets targets;
        bool unity_test;
        double augment_level_db;
    } data;
    struct {
        ap_codec_type type;
        int dim, hop;
        double gain;
        int width;
        ap_int_list ratios;
        int lstm;
        char weights[AP_CONFIG_TEXT];
        bool train;
    } codec;
    struct {
        bool compositional;
        int component, model, attention_heads, layers, ff;
        bool positions;
        double dropout;
        ap_output_part output;
        bool compress;
        int gate_bands;
        ap_int_list gate_delays;
        double gate_new;
        bool gate_input;
    } agent;
    struct {
        int layers, attention_heads;
        double dropout;
    } cascade;
    struct {
        double rms_input, rms_target, spectral, mel, novelty, balance;
        double corr_weight;
        ap_barrier corr_barrier;
        int corr_segments, corr_lag_ms;
        ap_envelope_type corr_envelope;
        int corr_bands;
        double corr_tolerance_input, corr_tolerance_target;
        double onset;
        ap_onset_scale onset_scale;
        double chroma, timbre, variation, variation_least, level, mixture, mixture_most;
    } loss;
    struct {
        int epochs, batch_size, accumulate;
        double lr, min_lr;
        ap_schedule schedule;
        int warmup_steps;
        double weight_decay;
        ap_decay decay;
        double beta1, beta2, eps, clip;
        int seed, threads;
        bool frugal;
        int patience, samples_every, checkpoint_every, steps_per_epoch;
    } train;
    struct {
        char uri[AP_CONFIG_TEXT], experiment[AP_CONFIG_TEXT], run_name[AP_CONFIG_TEXT];
        int log_every;
    } track;
} ap_config;

/** Every key at its default. */
ap_config ap_config_default(void);

/** Replaces in *config what the JSON file gives; on failure *config is as it was. A top-level "$schema" is
 * ignored. */
ap_status ap_config_load(const char *path, ap_config *config);

/** The same from a JSON text of `length` bytes followed by a NUL; `source` names it in messages. */
ap_status ap_config_parse(const char *source, const char *text, size_t length, ap_config *config);

/** Sets one key ("train.lr", or the short name "lr") from a text read by the key's type: true and false (also
 * 1, 0, yes, no, on, off), numbers as in JSON, texts and choices as they are, lists as 8,5,4,2 or [8,5,4,2].
 * `value` NULL sets a bool to true. On failure *config is as it was. */
ap_status ap_config_override(ap_config *config, const char *key, const char *value);

/** Whether `key` names a key or is a short name of one. */
bool ap_config_known(const char *key);

/** Whether a bool stands behind `key`, so that a flag without a value sets it. */
bool ap_config_is_bool(const char *key);

/** What no key alone can say: whether the values fit together. */
ap_status ap_config_check(const ap_config *config);

/** The number of keys; the name ("train.lr") of the one at `index`; its value as a text that
 * ap_config_override reads back, cut to the field. */
size_t ap_config_count(void);
const char *ap_config_name(size_t index);
void ap_config_value(const ap_config *config, size_t index, char text[AP_CONFIG_TEXT]);

/** Every key with its value as indented JSON that ap_config_parse reads back exactly. The caller frees it. */
char *ap_config_to_json(const ap_config *config);

/** The keys as a JSON Schema (draft 2020-12), as Markdown tables, as text for --help. The caller frees it. */
char *ap_config_schema(void);
char *ap_config_markdown(void);
char *ap_config_help(void);

AP_API_END

#endif
