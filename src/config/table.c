#include "config/table.h"

#include "model/seanet.h"

#include <limits.h>
#include <string.h>

/* Each line below is one key: its struct member, default, range and meaning. If the member does not have the
 * type of its line, the array in `AT` gets a negative size and the file does not compile. */
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

/* Generous bounds that only reject nonsense. */
#define MANY 1000000
#define WIDEST 65536
#define WEIGHT_MOST 1e6

/* clang-format off */
const config_key ap_config_keys[] = {
    TEXT(data, path, "data/demo", "folder of the pair set, with train/ and val/"),
    NUMBER(data, seconds, 16.0, 0, 3600, RANGE_ABOVE, "length of a training item, in seconds"),
    INT(data, sample_rate, 24000, 16000, 96000, "samples a second of what is composed; the agent hears 24000 whatever it is"),
    INT(data, channels, 1, 1, 2, "channels of what is composed; the agent hears their average"),
    CHOICE(data, crop, ap_crop, "grid", "where training items begin in their recordings: grid, one after the other; random, anywhere; validation always takes the grid", "grid", "random"),
    CHOICE(data, targets, ap_targets, "matched", "the target of an input: its own, or that of a random other pair", "matched", "shuffled"),
    NUMBER(data, answers, 0.0, 0, 1, RANGE_CLOSED, "share of the batches in which a recording is the answer to its own attacks: they are the input, another window of it is the target (loss.answer)"),
    BOOL(data, unity_test, false, "use the input as its own target"),
    NUMBER(data, augment_level_db, 0.0, 0, 60, RANGE_CLOSED, "random change of level in training, at most plus or minus this many dB"),
    NUMBER(data, memory, 0.0, 0, 1e6, RANGE_CLOSED, "memory for recordings and latents, in GiB; a set that needs more is read as it is needed; 0: a quarter of the machine's"),
    TEXT(data, cache, "", "folder for latents and copies at 24 kHz of a set that does not fit into memory; empty: cache/ in the set's folder"),

    CHOICE(codec, type, ap_codec_type, "mdct", "the codec: a lapped transform without weights; the same with sines, whose frames take different gains without aliases; or EnCodec's network", "mdct", "mclt", "seanet"),
    INT(codec, dim, 128, 1, WIDEST, "latent channels"),
    INT(codec, bands, 0, 0, WIDEST, "mdct, mclt: of the latent channels, how many are levels of bands that stand for everything above the others; 0: it is gone"),
    INT(codec, hop, 320, 1, WIDEST, "mdct, mclt: samples per frame"),
    NUMBER(codec, gain, 8.0, 0, 1e6, RANGE_ABOVE, "mdct, mclt: factor that turns coefficients into latents"),
    INT(codec, width, 32, 2, 1024, "seanet: channels at the full sample rate, doubled at each ratio"),
    LIST(codec, ratios, "[8,5,4,2]", 1, 64, "seanet: upsampling factors from latents to audio; their product is the number of samples per frame"),
    INT(codec, lstm, 2, 0, AP_SEANET_LSTM_MAX, "seanet: LSTM layers"),
    INT(codec, sample_rate, 24000, 8000, 192000, "seanet: samples a second of the audio it is trained on; agents work on 24000"),
    INT(codec, channels, 1, 1, 2, "seanet: channels that are encoded jointly; agents work on one"),
    BOOL(codec, causal, true, "seanet: convolutions hear nothing later; false: half of their padding is behind"),
    CHOICE(codec, norm, ap_codec_norm, "weight_norm", "seanet: normalise the convolutions' weights, or their output over all channels and time (not causal)", "weight_norm", "time_group_norm"),
    BOOL(codec, normalize, false, "seanet: divide each segment by its volume, and multiply again behind the decoder; not with an agent"),
    NUMBER(codec, segment, 0.0, 0, 3600, RANGE_CLOSED, "seanet: length of what is encoded at once, in seconds; 0: all of a recording; not with an agent"),
    NUMBER(codec, overlap, 0.01, 0, 0.5, RANGE_CLOSED, "seanet: share of a segment that is the next one's, too, and faded into it"),
    TEXT(codec, weights, "", "seanet: safetensors file with the codec's weights; empty: random initial weights"),
    BOOL(codec, train, false, "seanet: train the codec, too"),

    BOOL(agent, compositional, true, "use the agent; false: the output part gets the input's latents alone"),
    INT(agent, component, 64, 1, WIDEST, "channels of each of the six components"),
    INT(agent, model, 512, 2, WIDEST, "width of the composer, in channels"),
    INT(agent, attention_heads, 8, 1, 1024, "attention heads of the composer"),
    INT(agent, layers, 4, 1, 256, "layers of the composer"),
    INT(agent, ff, 2048, 1, WIDEST, "width of the composer's feed-forward layers, in channels"),
    BOOL(agent, positions, true, "add positional encodings; false: the composer does not know where in the window a frame is"),
    INT(agent, past, 0, 0, MANY, "codec frames that each layer of the composer hears, up to the present one, and the agent never looks ahead, as playing live asks; 0: it hears the whole window"),
    NUMBER(agent, dropout, 0.1, 0, 1, RANGE_BELOW, "dropout probability in training"),
    CHOICE(agent, output, ap_output_part, "cascade", "what the agent's latents drive: two refining stages before the decoder, the decoder itself, gains on both sources' latents, or gains over takes of the target that need no decoder", "cascade", "direct", "gates", "takes"),
    BOOL(agent, compress, false, "feed the agent asinh of the latents"),
    INT(agent, gate_bands, 16, 1, WIDEST, "gates: groups of latent channels, each with its own gain"),
    LIST(agent, gate_delays, "[0]", 0, 1000, "gates: delays of the target's latents, in codec frames; each delayed copy has its own gains"),
    NUMBER(agent, gate_new, 0.05, 0, 100, RANGE_CLOSED, "gates: factor on the agent's own latents in the output"),
    BOOL(agent, gate_input, true, "gates: let the input's latents through; false: target material only"),
    INT(agent, take_bands, 24, 1, 256, "takes: frequency bands with gains of their own, from 60 Hz to 12 kHz"),
    BOOL(agent, take_input, true, "takes: let the input's attacks be heard, as a take of their own; false: target material only"),
    INT(agent, take_width, 96, 1, WIDEST, "takes: width of the layers that write the gains, in channels"),

    INT(cascade, layers, 4, 1, 256, "layers of each stage"),
    INT(cascade, attention_heads, 8, 1, 1024, "attention heads of each stage"),
    NUMBER(cascade, dropout, 0.1, 0, 1, RANGE_BELOW, "dropout probability in training"),

    TERM(loss, rms_input, 0.3, "weight of the RMS distance to the input"),
    TERM(loss, rms_target, 0.3, "weight of the RMS distance to the target"),
    TERM(loss, spectral, 0.01, "weight of the multi-resolution STFT distance, averaged over input and target"),
    TERM(loss, mel, 0.0, "weight of the mel distance, averaged over input and target"),
    TERM(loss, novelty, 0.1, "weight of the similarity to both sources' latents"),
    NUMBER(loss, balance, 1.0, 0, WEIGHT_MOST, RANGE_CLOSED, "novelty: factor of the penalty for favouring one source"),
    BOOL(loss, balancer, false, "take the weights as shares of the gradient at the output, however large the terms are (EnCodec's balancer); for terms of the audio alone"),
    TERM(loss, corr_weight, 0.0, "weight of the anti-modulation correlation cost"),
    CHOICE(loss, corr_barrier, ap_barrier, "extended", "gradient of the correlation cost for |r| near 1: extended past the clamp, or that of the formula, which ends there", "extended", "original"),
    INT(loss, corr_segments, 250, 2, MANY, "number of envelope segments"),
    INT(loss, corr_lag_ms, 0, 0, 10000, "largest shift at which a copied envelope still counts, in ms; searched in quarters of a segment, up to a quarter of the item"),
    CHOICE(loss, corr_envelope, ap_envelope_type, "max", "envelope of a segment: maximum, root mean square or 8-norm of |x|", "max", "rms", "p8"),
    INT(loss, corr_bands, 1, 1, 64, "number of frequency bands, evenly spaced in log frequency, each with its own envelopes"),
    NUMBER(loss, corr_tolerance_input, 0.0, 0, 1, RANGE_BELOW, "correlation with the input that costs nothing"),
    NUMBER(loss, corr_tolerance_target, 0.0, 0, 1, RANGE_BELOW, "correlation with the target that costs nothing"),
    TERM(loss, onset, 0.0, "weight of the distance to the input's onsets"),
    CHOICE(loss, onset_scale, ap_onset_scale, "bins", "onset: sum the rise of the spectrum over all bins equally, or over 40 log-spaced bands; hits: bands, against equal pulses at the input's onsets", "bins", "bands", "hits"),
    TERM(loss, chroma, 0.0, "weight of the distance to the target's harmony"),
    TERM(loss, timbre, 0.0, "weight of the distance to the target's timbre"),
    TERM(loss, variation, 0.0, "weight of the penalty for drones and silence"),
    NUMBER(loss, variation_least, 0.6, 0, 100, RANGE_CLOSED, "variation: the least standard deviation over mean of the envelope that costs nothing"),
    TERM(loss, level, 0.0, "weight of the distance to the target's level"),
    TERM(loss, answer, 0.0, "weight of the distance to the answer, in batches that have one (data.answers)"),
    TERM(loss, crest, 0.0, "weight of the penalty for peaks that stand out more than the sources'"),
    TERM(loss, mixture, 0.0, "weight of the penalty for output that a mix of the sources explains"),
    NUMBER(loss, mixture_most, 0.3, 0, 1, RANGE_BELOW, "mixture: the largest share of the output's energy that a mix may explain at no cost"),

    INT(train, epochs, 20, 1, MANY, "passes over the training set; if raised after the cosine schedule has ended, its last rate stays"),
    INT(train, batch_size, 1, 1, WIDEST, "items per batch"),
    INT(train, accumulate, 1, 1, WIDEST, "batches per optimiser step; every item has the same weight"),
    NUMBER(train, lr, 1e-4, 0, 10, RANGE_CLOSED, "learning rate"),
    NUMBER(train, min_lr, 0.0, 0, 10, RANGE_CLOSED, "learning rate at the end of the cosine schedule"),
    CHOICE(train, schedule, ap_schedule, "constant", "learning rate after the warm-up; if a run is resumed with other sizes or epochs, the cosine continues from its current rate", "constant", "cosine"),
    INT(train, warmup_steps, 0, 0, INT_MAX, "steps over which the learning rate rises from zero"),
    NUMBER(train, weight_decay, 0.01, 0, 10, RANGE_CLOSED, "decoupled weight decay (AdamW)"),
    CHOICE(train, decay, ap_decay, "all", "what weight decay applies to: every parameter, as in torch.optim.AdamW, or only matrices and kernels, not biases and norm gains", "all", "weights"),
    NUMBER(train, beta1, 0.9, 0, 1, RANGE_BELOW, "decay rate of the gradient's running mean"),
    NUMBER(train, beta2, 0.999, 0, 1, RANGE_BELOW, "decay rate of the squared gradient's running mean"),
    NUMBER(train, eps, 1e-8, 0, 1, RANGE_ABOVE, "added to the root of the squared gradient's mean, against division by zero"),
    NUMBER(train, clip, 10.0, 0, 1e9, RANGE_CLOSED, "largest norm of the gradient; 0: no limit"),
    NUMBER(train, ema, 0.0, 0, 1, RANGE_BELOW, "decay of a running mean of the weights; validation and checkpoints take this mean for the model; 0: none"),
    INT(train, seed, 0, 0, INT_MAX, "seed of all random numbers"),
    INT(train, threads, 0, 0, 1024, "number of threads; 0: all cores available to the process"),
    CHOICE(train, precision, ap_precision, "float", "how exactly matrix products are computed: as float, or to 1e-3 of the result's norm where the processor is faster for it: with AVX-512 VNNI or AMX", "float", "fast"),
    CHOICE(train, wire, ap_wire, "exact", "how several ranks send each other their gradients: as they are, or rounded to 16 bits", "exact", "bfloat16"),
    BOOL(train, frugal, false, "save memory at the cost of time: the transformers' matrix products are computed again, not kept"),
    INT(train, patience, 0, 0, MANY, "epochs without a lower val_loss before training stops; 0: never"),
    INT(train, samples_every, 0, 0, MANY, "epochs between audible samples; 0: none"),
    INT(train, checkpoint_every, 1, 1, MANY, "epochs between checkpoints"),
    INT(train, steps_per_epoch, 0, 0, MANY, "steps per epoch; at the end of the set it begins again; 0: every item once"),

    TEXT(track, uri, "", "MLflow: a folder, file: URI or http(s) server; empty: MLFLOW_TRACKING_URI, or no MLflow"),
    TEXT(track, experiment, "antiphon", "MLflow: name of the experiment"),
    TEXT(track, run_name, "", "MLflow: name of the run; empty: the run folder's"),
    BOOL(track, tensorboard, false, "write event files into the run folder, for `tensorboard --logdir runs`"),
    INT(track, log_every, 1, 1, MANY, "steps between logged metrics"),
};
/* clang-format on */

/* Former names of keys, still accepted in configurations and checkpoints. */
static const config_alias former_names[] = {
    {"agent.heads", "agent.attention_heads"},
    {"cascade.heads", "cascade.attention_heads"},
};

/* Removed keys. Older files hold them at 0, where they had no effect. */
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

/* Translates former values, still accepted in configurations and checkpoints. */
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
