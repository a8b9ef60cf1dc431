#include "config/table.h"

#include "model/seanet.h"

#include <limits.h>
#include <string.h>

/* Every key is one line below: its place in the struct, default, range, meaning. A key whose struct member
 * has not the type its line says does not compile: the array in `AT` would have a negative size. */
#define MEMBER(section, key) ((ap_config *)0)->section.key
#define AT(section, key, type)                                                                               \
    (offsetof(ap_config, section.key) *                                                                      \
     sizeof(char[__builtin_types_compatible_p(__typeof__(MEMBER(section, key)), type) ? 1 : -1]))

/* clang-format off */
#define KEY(kind, section, key, type, initial, least, most, open, choices, help, term)                       \
    {#section "." #key, kind, AT(section, key, type), initial, least, most, open, choices, help, term}
#define BOOL(section, key, initial, help)                                                                    \
    KEY(TYPE_BOOL, section, key, bool, #initial, 0, 1, RANGE_CLOSED, NULL, help, false)
#define INT(section, key, initial, least, most, help)                                                        \
    KEY(TYPE_INT, section, key, int, #initial, least, most, RANGE_CLOSED, NULL, help, false)
#define NUMBER(section, key, initial, least, most, open, help)                                               \
    KEY(TYPE_NUMBER, section, key, double, #initial, least, most, open, NULL, help, false)
#define TERM(section, key, initial, help)                                                                    \
    KEY(TYPE_NUMBER, section, key, double, #initial, 0, WEIGHT_MOST, RANGE_CLOSED, NULL, help, true)
#define TEXT(section, key, initial, help)                                                                    \
    KEY(TYPE_TEXT, section, key, char[AP_CONFIG_TEXT], initial, 0, 0, RANGE_CLOSED, NULL, help, false)
#define CHOICE(section, key, type, initial, help, ...)                                                       \
    KEY(TYPE_CHOICE, section, key, type, initial, 0, 0, RANGE_CLOSED, ((const char *const[]){__VA_ARGS__, NULL}), help, false)
#define LIST(section, key, initial, least, most, help)                                                       \
    KEY(TYPE_LIST, section, key, ap_int_list, initial, least, most, RANGE_CLOSED, NULL, help, false)
/* clang-format on */

/* Bounds that only keep nonsense out. */
#define MANY 1000000
#define WIDEST 65536
#define WEIGHT_MOST 1e6

/* clang-format off */
const config_key ap_config_keys[] = {
    TEXT(data, path, "data/demo", "folder of the pair set, with train/ and val/"),
    NUMBER(data, seconds, 16.0, 0, 3600, RANGE_ABOVE, "length of a training item, s"),
    CHOICE(data, targets, ap_targets, "matched", "the target of an input: its own, or that of a random other pair", "matched", "shuffled"),
    BOOL(data, unity_test, false, "the input serves as its own target"),
    NUMBER(data, augment_level_db, 0.0, 0, 60, RANGE_CLOSED, "random change of level, up to plus or minus so many dB"),

    CHOICE(codec, type, ap_codec_type, "mdct", "between audio and latents: a lapped transform without weights, or EnCodec's network", "mdct", "seanet"),
    INT(codec, dim, 128, 1, WIDEST, "latent channels"),
    INT(codec, hop, 320, 1, WIDEST, "mdct: samples from frame to frame"),
    NUMBER(codec, gain, 8.0, 0, 1e6, RANGE_ABOVE, "mdct: factor from coefficients to latents"),
    INT(codec, width, 32, 2, 1024, "seanet: channels of the outermost layer, doubled at each ratio"),
    LIST(codec, ratios, "[8,5,4,2]", 1, 64, "seanet: strides from latents to audio; their product is the samples of a frame"),
    INT(codec, lstm, 2, 0, AP_SEANET_LSTM_MAX, "seanet: LSTM layers"),
    TEXT(codec, weights, "", "seanet: safetensors file with the codec's weights; empty: as initialised"),
    BOOL(codec, train, false, "seanet: train the codec too"),

    BOOL(agent, compositional, true, "compose from components; false: the output part works on the input's latents alone"),
    INT(agent, component, 64, 1, WIDEST, "channels of each of the six components"),
    INT(agent, model, 512, 2, WIDEST, "channels of the composer"),
    INT(agent, attention_heads, 8, 1, 1024, "attention heads of the composer"),
    INT(agent, layers, 4, 1, 256, "layers of the composer"),
    INT(agent, ff, 2048, 1, WIDEST, "channels inside the composer's feed-forward layers"),
    BOOL(agent, positions, true, "the composer knows where in its window a frame stands; false: what it plays follows what it hears alone"),
    NUMBER(agent, dropout, 0.1, 0, 1, RANGE_BELOW, "share of activations dropped in training"),
    CHOICE(agent, output, ap_output_part, "cascade", "between the agent and the decoder: two refining stages, nothing, or gains over both sources' latents", "cascade", "direct", "gates"),
    BOOL(agent, compress, false, "the agent hears asinh of the latents"),
    INT(agent, gate_bands, 16, 1, WIDEST, "gates: groups of latent channels with one gain each"),
    LIST(agent, gate_delays, "[0]", 0, 1000, "gates: delays at which the target's latents are at hand, in frames of the codec, each under gains of its own"),
    NUMBER(agent, gate_new, 0.05, 0, 100, RANGE_CLOSED, "gates: factor of the agent's own latents in the output"),
    BOOL(agent, gate_input, true, "gates: let the input's latents through; false: target material only"),

    INT(cascade, layers, 4, 1, 256, "layers of each stage"),
    INT(cascade, attention_heads, 8, 1, 1024, "attention heads of each stage"),
    NUMBER(cascade, dropout, 0.1, 0, 1, RANGE_BELOW, "share of activations dropped in training"),

    TERM(loss, rms_input, 0.3, "weight of the RMS distance from the input"),
    TERM(loss, rms_target, 0.3, "weight of the RMS distance from the target"),
    TERM(loss, spectral, 0.01, "weight of the multi-resolution STFT distance, mean of that from the input and that from the target"),
    TERM(loss, mel, 0.0, "weight of the mel distance, the same mean"),
    TERM(loss, novelty, 0.1, "weight of the likeness to both sources' latents"),
    NUMBER(loss, balance, 1.0, 0, WEIGHT_MOST, RANGE_CLOSED, "factor, within novelty, of leaning on one source"),
    TERM(loss, corr_weight, 0.0, "weight of the anti-modulation correlation cost"),
    CHOICE(loss, corr_barrier, ap_barrier, "extended", "gradient of the correlation cost where copying is worst: continued, or the formula's own, which ends at the clamp", "extended", "original"),
    INT(loss, corr_segments, 250, 2, MANY, "segments of the envelope"),
    INT(loss, corr_lag_ms, 0, 0, 10000, "largest shift at which a copied envelope is still noticed, ms; in quarters of a segment, to a quarter of the item"),
    CHOICE(loss, corr_envelope, ap_envelope_type, "max", "what of |x| in a segment is the envelope: maximum, root mean square, 8-norm", "max", "rms", "p8"),
    INT(loss, corr_bands, 1, 1, 64, "frequency bands, evenly spaced in log frequency, whose envelopes are held apart"),
    NUMBER(loss, corr_tolerance_input, 0.0, 0, 1, RANGE_BELOW, "correlation with the input that costs nothing"),
    NUMBER(loss, corr_tolerance_target, 0.0, 0, 1, RANGE_BELOW, "correlation with the target that costs nothing"),
    TERM(loss, onset, 0.0, "weight of the onsets to be taken from the input"),
    CHOICE(loss, onset_scale, ap_onset_scale, "bins", "onsets: over what a spectrum's rise is summed, every bin alike or 40 log-spaced bands", "bins", "bands"),
    TERM(loss, chroma, 0.0, "weight of the harmony to be taken from the target"),
    TERM(loss, timbre, 0.0, "weight of the timbre to be taken from the target"),
    TERM(loss, variation, 0.0, "weight of the penalty for a drone or silence"),
    NUMBER(loss, variation_least, 0.6, 0, 100, RANGE_CLOSED, "envelope's standard deviation over its mean from which there is no such penalty"),
    TERM(loss, level, 0.0, "weight of the distance from the target's level"),
    TERM(loss, mixture, 0.0, "weight of the share of the output that a mere mix of the sources explains"),
    NUMBER(loss, mixture_most, 0.3, 0, 1, RANGE_BELOW, "such a share that costs nothing"),

    INT(train, epochs, 20, 1, MANY, "passes over the training set; raised after a cosine has come to its end they keep its last rate"),
    INT(train, batch_size, 1, 1, WIDEST, "items computed together"),
    INT(train, accumulate, 1, 1, WIDEST, "batches added up for one step of the optimiser, in which every item weighs the same"),
    NUMBER(train, lr, 1e-4, 0, 10, RANGE_CLOSED, "learning rate"),
    NUMBER(train, min_lr, 0.0, 0, 10, RANGE_CLOSED, "learning rate at the end of the cosine schedule"),
    CHOICE(train, schedule, ap_schedule, "constant", "course of the learning rate after the warm-up; where a run goes on with other sizes or epochs, the cosine keeps its share of the way", "constant", "cosine"),
    INT(train, warmup_steps, 0, 0, INT_MAX, "steps over which the learning rate rises from zero"),
    NUMBER(train, weight_decay, 0.01, 0, 10, RANGE_CLOSED, "decoupled weight decay (AdamW)"),
    CHOICE(train, decay, ap_decay, "all", "what weight decay shrinks: every parameter, as torch.optim.AdamW does, or matrices and kernels alone, not biases and the gains of norms", "all", "weights"),
    NUMBER(train, beta1, 0.9, 0, 1, RANGE_BELOW, "decay of the gradient's running mean"),
    NUMBER(train, beta2, 0.999, 0, 1, RANGE_BELOW, "decay of its square's running mean"),
    NUMBER(train, eps, 1e-8, 0, 1, RANGE_ABOVE, "added to the root of the running square"),
    NUMBER(train, clip, 10.0, 0, 1e9, RANGE_CLOSED, "largest norm of the gradient; 0: no limit"),
    INT(train, seed, 0, 0, INT_MAX, "seed of all random numbers"),
    INT(train, threads, 0, 0, 1024, "threads; 0: all cores"),
    BOOL(train, frugal, false, "memory is dearer than time: the transformers' products are computed twice, not kept"),
    INT(train, patience, 0, 0, MANY, "epochs without a better val_loss before stopping; 0: never"),
    INT(train, samples_every, 0, 0, MANY, "epochs between audible samples; 0: none"),
    INT(train, checkpoint_every, 1, 1, MANY, "epochs between checkpoints"),
    INT(train, steps_per_epoch, 0, 0, MANY, "steps of an epoch, which goes on from the beginning where the set ends; 0: every item once"),

    TEXT(track, uri, "", "MLflow: a folder, file: URI or http(s) server; empty: MLFLOW_TRACKING_URI, or none"),
    TEXT(track, experiment, "antiphon", "MLflow: name of the experiment"),
    TEXT(track, run_name, "", "MLflow: name of the run; empty: the run folder's"),
    INT(track, log_every, 1, 1, MANY, "steps between logged metrics"),
};
/* clang-format on */

/* What keys were called in earlier versions, whose configurations and checkpoints are still read. */
static const config_alias former_names[] = {
    {"agent.heads", "agent.attention_heads"},
    {"cascade.heads", "cascade.attention_heads"},
};

/* Keys that are gone. Files of earlier versions hold them at 0, where they did nothing. */
static const char *const removed_names[] = {"data.input_noise", "data.same_piece"};

bool ap_config_key_removed(const char *name)
{
    for (size_t i = 0; i < sizeof removed_names / sizeof *removed_names; i++)
        if (strcmp(removed_names[i], name) == 0) return true;
    return false;
}

const size_t ap_config_key_count = sizeof ap_config_keys / sizeof *ap_config_keys;

const config_alias ap_config_aliases[] = {
    {"corr_weight", "loss.corr_weight"},
    {"mask_reg_weight", "loss.novelty"},
    {"use_compositional_agent", "agent.compositional"},
    {"batch_size", "train.batch_size"},
    {"epochs", "train.epochs"},
    {"lr", "train.lr"},
    {"loss_weight_input", "loss.rms_input"},
    {"loss_weight_target", "loss.rms_target"},
    {"loss_weight_spectral", "loss.spectral"},
};

const size_t ap_config_alias_count = sizeof ap_config_aliases / sizeof *ap_config_aliases;

/* Words of earlier versions, which files still hold. */
const char *ap_config_choice_of(const char *word)
{
    return strcmp(word, "seed") == 0 ? "original" : word; /* loss.corr_barrier */
}

bool ap_config_has_term(const ap_config *config)
{
    for (size_t i = 0; i < ap_config_key_count; i++) {
        const config_key *key = &ap_config_keys[i];
        if (key->term && *(const double *)((const char *)config + key->offset) > 0) return true;
    }
    return false;
}

const config_key *ap_config_key_find(const char *name)
{
    for (size_t i = 0; i < ap_config_alias_count; i++)
        if (strcmp(ap_config_aliases[i].alias, name) == 0) name = ap_config_aliases[i].name;
    for (size_t i = 0; i < sizeof former_names / sizeof *former_names; i++)
        if (strcmp(former_names[i].alias, name) == 0) name = former_names[i].name;
    for (size_t i = 0; i < ap_config_key_count; i++)
        if (strcmp(ap_config_keys[i].name, name) == 0) return &ap_config_keys[i];
    return NULL;
}

int ap_config_section_length(const config_key *key)
{
    return (int)(strchr(key->name, '.') - key->name);
}

bool ap_config_section_begins(size_t index)
{
    if (index == 0) return true;
    int length = ap_config_section_length(&ap_config_keys[index]);
    return strncmp(ap_config_keys[index - 1].name, ap_config_keys[index].name, (size_t)length + 1) != 0;
}
