/* Checks that the values of a configuration fit together. */
#include "antiphon/audio.h"
#include "antiphon/config.h"
#include "config/table.h"
#include "model/lapped.h"

#include <math.h>
#include <string.h>

/* The longest analysis windows of the loss terms (losses.h, guidance.h). The audio is mirrored at its ends,
 * so a window of n needs more than n / 2 samples. */
#define SPECTRAL_WINDOW 2048
#define MEL_WINDOW 1024
#define CHROMA_WINDOW 4096
#define ONSET_WINDOW 1024

/* The lapped transform's tables have 2 codec.hop numbers for each latent, or, with bands, at most for each of
 * 4 codec.hop functions. 256 MiB suffice for frames a hundred times
 * as long as is useful for music. */
#define TABLE_MOST 67108864.0

static ap_status divides(const char *what, int number, const char *divisor_name, int divisor)
{
    if (number % divisor == 0) return ap_ok();
    return ap_error(AP_MISUSE, "%s = %d does not divide %s = %d", divisor_name, divisor, what, number);
}

static ap_status check_lapped(const ap_config *config)
{
    const int dim = config->codec.dim, hop = config->codec.hop;
    const bool complex = config->codec.type == AP_CODEC_MCLT;
    const ap_lapped_config lapped = {
        .dim = dim, .bands = config->codec.bands, .hop = hop, .complex = complex};
    if (lapped.bands == 0 && dim > (complex ? 2 * hop : hop))
        return ap_error(AP_MISUSE,
                        "codec.dim = %d is more than %scodec.hop = %d: a frame has no more coefficients", dim,
                        complex ? "twice " : "", hop);
    const char *fault = ap_lapped_fault(&lapped);
    if (fault)
        return ap_error(AP_MISUSE, "codec.bands = %d: of codec.dim = %d and codec.hop = %d they %s",
                        lapped.bands, dim, hop, fault);
    double numbers = 2.0 * hop * (lapped.bands ? 4.0 * hop : dim);
    if (numbers > TABLE_MOST)
        return ap_error(AP_MISUSE,
                        "codec.dim = %d times codec.hop = %d: the transform's table has %.0f million "
                        "numbers, and at most %.0f are allowed",
                        dim, hop, 1e-6 * numbers, 1e-6 * TABLE_MOST);
    if (config->codec.weights[0] || config->codec.train)
        return ap_error(AP_MISUSE, "codec.%s: the %s codec has no weights",
                        config->codec.train ? "train" : "weights", complex ? "mclt" : "mdct");
    return ap_ok();
}

/* The samples of a seanet's frame, or a number above `most`. */
static int64_t seanet_hop(const ap_config *config, int64_t most)
{
    int64_t hop = 1;
    for (int i = 0; i < config->codec.ratios.count && hop <= most; i++) hop *= config->codec.ratios.at[i];
    return hop;
}

static ap_status check_seanet(const ap_config *config)
{
    const int64_t segment = (int64_t)(config->codec.segment * config->codec.sample_rate);
    if (config->codec.width % 2) /* a residual block uses half as many */
        return ap_error(AP_MISUSE, "codec.width = %d is odd", config->codec.width);
    if (config->codec.norm == AP_CODEC_TIME_GROUP_NORM && config->codec.causal)
        return ap_error(AP_MISUSE,
                        "codec.norm = time_group_norm hears all of the audio: codec.causal must be false");
    if (config->codec.segment > 0 && segment < seanet_hop(config, segment))
        return ap_error(AP_MISUSE, "codec.segment = %g: %lld samples are less than one frame of the codec",
                        config->codec.segment, (long long)segment);
    return ap_ok();
}

ap_status ap_config_check_codec(const ap_config *config)
{
    return config->codec.type == AP_CODEC_SEANET ? check_seanet(config) : check_lapped(config);
}

/* Agents, and all training, hear one channel at 24 kHz, in frames that come evenly. */
static ap_status check_heard(const ap_config *config)
{
    static const char *const reason = "an agent and training hear one channel at 24000 Hz, as a whole; only "
                                      "antiphon codec works with such a codec";
    if (config->codec.type != AP_CODEC_SEANET) return ap_ok();
    if (config->codec.channels != 1)
        return ap_error(AP_MISUSE, "codec.channels = %d: %s", config->codec.channels, reason);
    if (config->codec.sample_rate != AP_SAMPLE_RATE)
        return ap_error(AP_MISUSE, "codec.sample_rate = %d: %s", config->codec.sample_rate, reason);
    if (config->codec.segment > 0)
        return ap_error(AP_MISUSE, "codec.segment = %g: %s", config->codec.segment, reason);
    return config->codec.normalize ? ap_error(AP_MISUSE, "codec.normalize: %s", reason) : ap_ok();
}

static ap_status check_frame(const ap_config *config, int64_t samples)
{
    int64_t hop = config->codec.type == AP_CODEC_SEANET ? seanet_hop(config, samples) : config->codec.hop;
    if (samples < hop)
        return ap_error(AP_MISUSE, "data.seconds = %g: %lld samples are less than one frame of the codec",
                        config->data.seconds, (long long)samples);
    return ap_ok();
}

static ap_status check_agent(const ap_config *config)
{
    if (config->agent.compositional) {
        AP_TRY(divides("agent.model", config->agent.model, "agent.attention_heads",
                       config->agent.attention_heads));
        /* positions come in pairs of sine and cosine, and the width is halved at the output */
        if (config->agent.model % 2)
            return ap_error(AP_MISUSE, "agent.model = %d is odd", config->agent.model);
    }
    if (config->agent.output == AP_OUTPUT_GATES)
        return divides("codec.dim", config->codec.dim, "agent.gate_bands", config->agent.gate_bands);
    if (config->agent.output != AP_OUTPUT_CASCADE) return ap_ok();
    if (config->codec.dim % 2)
        return ap_error(AP_MISUSE, "codec.dim = %d is odd: the cascade needs an even one", config->codec.dim);
    AP_TRY(divides("2 codec.dim", 2 * config->codec.dim, "cascade.attention_heads",
                   config->cascade.attention_heads));
    return divides("3 codec.dim", 3 * config->codec.dim, "cascade.attention_heads",
                   config->cascade.attention_heads);
}

static ap_status long_enough(const ap_config *config, int64_t samples, double weight, const char *term,
                             int window)
{
    if (weight == 0 || samples > window / 2) return ap_ok();
    return ap_error(AP_MISUSE, "data.seconds = %g: loss.%s needs more than %d samples", config->data.seconds,
                    term, window / 2);
}

static ap_status check_loss(const ap_config *config, int64_t samples)
{
    if (samples < config->loss.corr_segments)
        return ap_error(AP_MISUSE,
                        "loss.corr_segments = %d is more than the %lld samples of data.seconds = %g",
                        config->loss.corr_segments, (long long)samples, config->data.seconds);
    if (config->loss.corr_lag_ms > 0 && samples / config->loss.corr_segments < AP_MODULATION_LAG_STEPS)
        return ap_error(
            AP_MISUSE,
            "loss.corr_lag_ms: loss.corr_segments = %d leaves %lld samples a segment, less than %d",
            config->loss.corr_segments, (long long)(samples / config->loss.corr_segments),
            AP_MODULATION_LAG_STEPS);
    AP_TRY(long_enough(config, samples, config->loss.spectral, "spectral", SPECTRAL_WINDOW));
    AP_TRY(long_enough(config, samples, config->loss.mel, "mel", MEL_WINDOW));
    AP_TRY(long_enough(config, samples, config->loss.chroma, "chroma", CHROMA_WINDOW));
    AP_TRY(long_enough(config, samples, config->loss.onset, "onset", ONSET_WINDOW));
    AP_TRY(long_enough(config, samples, config->loss.timbre, "timbre", ONSET_WINDOW));
    if (config->loss.balancer && config->loss.novelty > 0)
        return ap_error(
            AP_MISUSE,
            "loss.balancer balances terms of the audio, and loss.novelty = %g is one of the latents",
            config->loss.novelty);
    return ap_config_has_term(config)
               ? ap_ok()
               : ap_error(AP_MISUSE, "loss: every weight is 0: there is nothing to train for");
}

/* The configuration is stored in run folders and checkpoints, which are shared. */
static ap_status check_no_password(const char *uri)
{
    const char *scheme = strstr(uri, "://"), *host = scheme ? scheme + strlen("://") : NULL;
    if (!host || !memchr(host, '@', strcspn(host, "/?#"))) return ap_ok();
    return ap_error(
        AP_MISUSE,
        "track.uri contains a password, which would be stored in checkpoints: use MLFLOW_TRACKING_USERNAME "
        "and MLFLOW_TRACKING_PASSWORD instead");
}

ap_status ap_config_check(const ap_config *config)
{
    int64_t samples = llround(config->data.seconds * AP_SAMPLE_RATE);
    if (!config->data.path[0]) return ap_error(AP_MISUSE, "data.path is empty");
    if (!config->track.experiment[0]) return ap_error(AP_MISUSE, "track.experiment is empty");
    AP_TRY(check_no_password(config->track.uri));
    AP_TRY(ap_config_check_codec(config));
    AP_TRY(check_heard(config));
    AP_TRY(check_frame(config, samples));
    AP_TRY(check_agent(config));
    AP_TRY(check_loss(config, samples));
    if (config->train.schedule == AP_SCHEDULE_COSINE && config->train.min_lr > config->train.lr)
        return ap_error(AP_MISUSE, "train.min_lr = %g is more than train.lr = %g", config->train.min_lr,
                        config->train.lr);
    return ap_ok();
}
