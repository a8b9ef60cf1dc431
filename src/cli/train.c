/* antiphon train and train-codec: from a configuration and pairs to a run folder. */
#include "cli/changes.h"
#include "cli/record.h"
#include "cli/settings.h"
#include "cli/signals.h"
#include "cli/verbs.h"

#include "antiphon/audio.h"
#include "antiphon/ranks.h"
#include "antiphon/safetensors.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/print.h"
#include "base/shell.h"
#include "base/text.h"
#include "ranks/collect.h"
#include "train/together.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Sets the line that answers a request to stop. */
static void announce_stop(void)
{
    signals_answer("antiphon: stopping after this step; repeat to stop at once\n");
}

static int64_t seanet_hop(const ap_config *config)
{
    int64_t hop = 1;
    for (int i = 0; i < config->codec.ratios.count; i++) hop *= config->codec.ratios.at[i];
    return hop;
}

/* "configs/quick.json" -> "runs/quick" */
static char *default_folder(const char *config)
{
    const char *name = ap_text_file_name(config), *dot = strrchr(name, '.');
    return ap_format_text("runs/%.*s", (int)(dot ? dot - name : (long)strlen(name)), name);
}

/* Whether a term of the loss compares the codec's output with its input. */
static bool serves_codec(ap_measure term)
{
    return term == AP_MEASURE_RMS_TARGET || term == AP_MEASURE_SPECTRAL || term == AP_MEASURE_MEL;
}

/* Configures a training of the codec alone: each recording is encoded and decoded, and is its own target. */
static ap_status prepare_codec(ap_config *config)
{
    static const char *const settings[][2] = {{"codec.train", "true"},
                                              {"data.unity_test", "true"},
                                              {"agent.compositional", "false"},
                                              {"agent.output", "direct"}};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        AP_TRY(ap_config_override(config, settings[i][0], settings[i][1]));
    for (int k = 0; k < AP_MEASURE_COUNT; k++)
        if (ap_measure_key(k) && !serves_codec(k)) AP_TRY(ap_config_override(config, ap_measure_key(k), "0"));
    return ap_ok();
}

/* What a codec is trained by where the configuration does not say otherwise. */
static void begin_recipe(ap_config *config)
{
    config->loss.balancer = true;
    config->train.ema = 0.999;
}

static ap_status read_config(const parsed_options *options, bool codec, ap_config *config)
{
    const char *path = options->arguments[0];
    *config = ap_config_default();
    if (codec) begin_recipe(config);
    AP_TRY(settings_load(path, true, config));
    if (codec) AP_TRY(prepare_codec(config));
    AP_TRY(settings_override(options, config));
    if (codec && config->codec.type != AP_CODEC_SEANET)
        return ap_error(
            AP_MISUSE,
            "%s: codec.type is a lapped transform, which has no weights: there is nothing to train", path);
    return ap_ok();
}

/* What the codec can say at all, and where there is more; a random frozen one is for measuring speed, not for
 * music. */
static void tell_of_codec(const ap_config *config)
{
    const bool complex = config->codec.type == AP_CODEC_MCLT;
    const int kept = (config->codec.dim - config->codec.bands) / (complex ? 2 : 1);
    const bool decodes = config->agent.output != AP_OUTPUT_TAKES;
    if (config->codec.type != AP_CODEC_SEANET && decodes)
        ap_text_print_wrapped(
            stdout,
            "codec: %s without weights, audio to %.1f kHz%s; EnCodec's: configs/encodec.json "
            "and --codec.weights=FILE\n",
            complex ? "mclt" : "mdct", 0.5e-3 * AP_SAMPLE_RATE * kept / config->codec.hop,
            config->codec.bands ? " and levels above" : "");
    if (config->codec.type == AP_CODEC_SEANET && !config->codec.weights[0] && !config->codec.train)
        ap_text_print_wrapped(
            stdout,
            "codec.weights is empty and codec.train is false: the frozen codec is random and gives no "
            "music\n");
}

/* Tells where the result is. `from` is the checkpoint that was resumed, or NULL. */
static ap_status tell_best(const record *r, bool nothing_left, const char *from)
{
    bool there;
    AP_TRY(ap_file_is_there(r->folder.best, &there));
    if (!there && !nothing_left)
        return ap_error(AP_FAILED, "%s: not written: no epoch had a finite validation loss", r->folder.best);
    ap_text_print(stdout, "%s: %s\n", nothing_left ? "nothing left to train" : "done",
                  there ? r->folder.best : from);
    return ap_ok();
}

/* Where a training starts. If both are NULL, it starts anew. Both are owned. */
typedef struct beginning {
    char *resume; /* "auto" or a checkpoint to resume; NULL: not given */
    char *init;   /* a checkpoint to take the weights from if there is nothing to resume; NULL: none */
} beginning;

static ap_status read_beginning(const parsed_options *options, beginning *b)
{
    const char *resume = option_text(options, "resume"), *init = option_text(options, "init");
    bool automatic = resume && strcmp(resume, "auto") == 0;
    *b = (beginning){0};
    if (resume && init && !automatic)
        return ap_error(AP_MISUSE,
                        "--resume %s and --init exclude each other: --resume auto and --init do not", resume);
    if (automatic)
        b->resume = ap_copy_text(resume);
    else if (resume)
        AP_TRY(ap_run_folder_checkpoint(resume, &b->resume));
    return init ? ap_run_folder_checkpoint(init, &b->init) : ap_ok();
}

static void beginning_free(beginning *b)
{
    free(b->resume);
    free(b->init);
}

/* Whether the file has changed since it was written. */
static bool is_damaged(const char *checkpoint)
{
    ap_safetensors *file;
    ap_status status = ap_safetensors_open(checkpoint, &file);
    if (ap_failed(&status)) return true;
    if (ap_safetensors_has_checksums(file)) status = ap_safetensors_verify(file);
    ap_safetensors_close(file);
    return ap_failed(&status);
}

/* The failure to resume. If the last checkpoint is damaged and the best is sound, it names the best. */
static ap_status failed_to_resume(const record *r, const char *from, ap_status status)
{
    if (from != r->folder.last || access(r->folder.best, F_OK) != 0) return status;
    if (!is_damaged(from) || is_damaged(r->folder.best)) return status;
    return ap_error(status.code, "%s; --resume %s continues from the best", status.message, r->folder.best);
}

static ap_status create_trainer(record *r, const char *from, const char *init, ap_trainer **trainer)
{
    const ap_observer observer = record_observer(r);
    if (ap_ranks_own() > 0) return ap_trainer_create(r->config, NULL, trainer);
    if (from) {
        ap_status status = ap_trainer_resume(r->config, &observer, from, trainer);
        return ap_failed(&status) ? failed_to_resume(r, from, status) : status;
    }
    if (init) return ap_trainer_create_from(r->config, &observer, init, trainer);
    return ap_trainer_create(r->config, &observer, trainer);
}

/* `from` is the checkpoint to resume. If it is NULL, `init` is one to take the weights from. */
static ap_status train(record *r, const char *from, const char *init)
{
    ap_trainer *trainer;
    AP_TRY(create_trainer(r, from, init, &trainer));
    if (from)
        ap_text_print(stdout, "going on from %s: %" PRId64 " epoch%s, %" PRId64 " step%s done\n", from,
                      ap_trainer_epoch(trainer), ap_plural(ap_trainer_epoch(trainer)),
                      ap_trainer_step(trainer), ap_plural(ap_trainer_step(trainer)));
    bool changed = from && changes_tell(r->config, from, false), done = ap_trainer_done(trainer);
    if (!from && init) changes_tell(r->config, init, true);
    if (!from && !init) tell_of_codec(r->config);
    ap_status status = !done                 ? record_train(r, trainer, from != NULL)
                       : ap_ranks_own() == 0 ? record_finish(r, from)
                                             : ap_ok();
    if (!ap_failed(&status) && ap_ranks_own() == 0) status = tell_best(r, done, from);
    if (done && changed) changes_tell_too_late(r->config, trainer, from);
    ap_trainer_free(trainer);
    return status;
}

/* As in run_train_compositional.sh, but not shorter than synth can write. */
#define DEMO_PAIRS 160
#define DEMO_SECONDS_LEAST 0.5

/* Fails if there is no pair set to train on; the message gives the command that makes one. */
static ap_status check_data(const ap_config *config)
{
    bool there;
    AP_TRY(ap_file_is_there(config->data.path, &there));
    if (there) return ap_ok();
    char *program = ap_shell_word(program_invocation_name), *path = ap_shell_word(config->data.path);
    ap_status status = ap_error(
        AP_FAILED,
        "%s: no such pair set (data.path); to make one of drums and piano: %s synth --out %s --pairs %d "
        "--seconds %.9g",
        config->data.path, program, path, DEMO_PAIRS, fmax(config->data.seconds, DEMO_SECONDS_LEAST));
    free(program);
    free(path);
    return status;
}

/* Chooses the checkpoint to go on from, *from (NULL: none), and takes the folder. */
static ap_status open_folder(record *r, const beginning *begin, const char **from)
{
    AP_TRY(ap_run_folder_check(&r->folder, r->config->data.path));
    AP_TRY(ap_run_folder_choose(&r->folder, begin->resume, from));
    if (*from == r->folder.best)
        ap_text_print(stdout, "%s is missing: using %s\n", r->folder.last, r->folder.best);
    if (*from && begin->init) ap_text_print(stdout, "%s is ignored: there is a run to resume\n", begin->init);
    announce_stop();
    return ap_run_folder_lock(&r->folder);
}

/* Trains in the run's folder, which is rank 0's. */
static ap_status train_in_folder(record *r, const beginning *begin)
{
    const char *from = NULL;
    ap_status status = check_data(r->config);
    if (!ap_failed(&status) && ap_ranks_own() == 0) status = open_folder(r, begin, &from);
    AP_TRY(ap_ranks_agree(status));
    return train(r, from, begin->init);
}

/* What every rank must have before the first step. */
static ap_status begin_run(const parsed_options *options, bool codec, ap_config *config, beginning *begin)
{
    *begin = (beginning){0};
    AP_TRY(ap_ranks_agree(read_config(options, codec, config)));
    AP_TRY(ap_together_config(config));
    return ap_ranks_agree(ap_ranks_own() == 0 ? read_beginning(options, begin) : ap_ok());
}

static ap_status run_rank(const parsed_options *options, bool codec)
{
    ap_config config;
    beginning begin;
    ap_status status = begin_run(options, codec, &config, &begin);
    if (!ap_failed(&status)) {
        const char *out = option_text(options, "out");
        char *path = out ? ap_copy_text(out) : default_folder(options->arguments[0]);
        record r = {
            .config = &config, .folder = ap_run_folder_init(path), .console = ap_console_init(stdout)};
        free(path);
        if (ap_ranks_count() > 1) r.console.terminal = false; /* the launcher's pipe looks like one */
        if (codec) r.trip = ap_round_trip_create(config.codec.dim, seanet_hop(&config));
        status = train_in_folder(&r, &begin);
        ap_console_end(&r.console);
        ap_round_trip_free(r.trip);
        ap_run_folder_free(&r.folder);
    }
    beginning_free(&begin);
    return status;
}

static ap_status run_training(const parsed_options *options, bool codec)
{
    AP_TRY(ap_ranks_begin());
    if (ap_ranks_own() > 0 && !freopen("/dev/null", "w", stdout)) /* the first speaks for all */
        return ap_ranks_end(ap_error(AP_FAILED, "/dev/null cannot be opened"));
    if (*ap_ranks_line()) ap_text_print_wrapped(stdout, "%s\n", ap_ranks_line());
    return ap_ranks_end(run_rank(options, codec));
}

static ap_status run_train(const parsed_options *options)
{
    return run_training(options, false);
}

static ap_status run_train_codec(const parsed_options *options)
{
    return run_training(options, true);
}

/* A short name of a key. */
#define ALIAS(word, value, key)                                                                              \
    {                                                                                                        \
        .name = word, .placeholder = value, .kind = OPTION_TEXT, .help = key, .alias_of = key                \
    }

static const verb_option table[] = {
    {.name = "out",
     .placeholder = "RUN_DIR",
     .kind = OPTION_TEXT,
     .help = "folder of the run: config.json, log.jsonl, checkpoints/, samples/ (default: runs/ and the "
             "config's name)"},
    {.name = "resume",
     .placeholder = "auto|FILE|RUN_DIR",
     .kind = OPTION_TEXT,
     .help = "auto: resume the last checkpoint of --out (its best if that is all there is), or "
             "start where "
             "there is none; otherwise resume this checkpoint, or the best of this folder"},
    {.name = "init",
     .placeholder = "FILE|RUN_DIR",
     .kind = OPTION_TEXT,
     .help = "start from the weights of this checkpoint, or the best of this folder, with a fresh optimiser "
             "and schedule: "
             "for other data or another model; with --resume auto, only if there is no run yet"},
    {.name = "section.key",
     .placeholder = "VALUE",
     .kind = OPTION_OVERRIDES,
     .help = "any key of the configuration, e.g. --train.epochs=5 --data.path=DIR; given again, the last "
             "counts"},
    ALIAS("corr_weight", "W", "loss.corr_weight"),
    ALIAS("mask_reg_weight", "W", "loss.novelty"),
    {.name = "use_compositional_agent",
     .kind = OPTION_FLAG,
     .help = "agent.compositional",
     .alias_of = "agent.compositional"},
    ALIAS("batch_size", "N", "train.batch_size"),
    ALIAS("epochs", "N", "train.epochs"),
    ALIAS("lr", "RATE", "train.lr"),
    ALIAS("loss_weight_input", "W", "loss.rms_input"),
    ALIAS("loss_weight_target", "W", "loss.rms_target"),
    ALIAS("loss_weight_spectral", "W", "loss.spectral"),
    {.name = NULL},
};

const verb verb_train = {
    .name = "train",
    .summary = "train a model on a pair set",
    .arguments = "CONFIG.json [--out RUN_DIR] [--resume auto|FILE|RUN_DIR] [--init FILE|RUN_DIR] "
                 "[--section.key=VALUE ...]",
    .details =
        "Trains with the configuration and writes checkpoints/last.safetensors and "
        "checkpoints/best.safetensors (lowest\n"
        "validation loss) to the run folder.\n"
        "\n"
        "Training is saved and ends with exit code 130 on Ctrl-C, on SIGTERM, on the signals that batch "
        "systems send before the\n"
        "time is up (SIGUSR1, SIGUSR2, SIGXCPU), and when the terminal or the output pipe is closed. "
        "--resume auto then continues\n"
        "with the same numbers as a run that was never interrupted. A second Ctrl-C or SIGTERM, at least a "
        "second after the "
        "first, ends the program at\n"
        "once, without saving.",
    .options = table,
    .least_arguments = 1,
    .most_arguments = 1,
    .run = run_train,
};

const verb verb_train_codec = {
    .name = "train-codec",
    .summary = "train a seanet codec on the recordings of a pair set",
    .arguments = "CONFIG.json [--out RUN_DIR] [--resume auto|FILE|RUN_DIR] [--init FILE|RUN_DIR] "
                 "[--section.key=VALUE ...]",
    .details =
        "Encodes and decodes each recording, inputs and targets alike, and trains both halves of the codec\n"
        "with loss.rms_target, loss.spectral and loss.mel. The checkpoint can then be used as codec.weights "
        "when\n"
        "training the agent.",
    .options = table,
    .least_arguments = 1,
    .most_arguments = 1,
    .run = run_train_codec,
};
