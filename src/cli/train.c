/* antiphon train and train-codec: from a configuration and pairs to a run folder. */
#include "cli/settings.h"
#include "cli/signals.h"
#include "cli/verbs.h"

#include "antiphon/audio.h"
#include "antiphon/config.h"
#include "antiphon/ranks.h"
#include "antiphon/report.h"
#include "antiphon/run_folder.h"
#include "antiphon/safetensors.h"
#include "antiphon/track.h"
#include "antiphon/trainer.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/memory.h"
#include "base/print.h"
#include "base/replace.h"
#include "base/text.h"
#include "evaluate/round_trip.h"
#include "ranks/collect.h"
#include "train/together.h"
#include "track/console.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Sets the line that answers a request to stop. */
static void announce_stop(void)
{
    signals_answer("antiphon: stopping after this step; repeat to stop at once\n");
}

/* A run in progress: its folder and its record. */
typedef struct run {
    const ap_config *config;
    ap_run_folder folder;
    ap_console console;
    ap_track *track;     /* NULL until training begins */
    ap_round_trip *trip; /* of a codec that is trained alone; NULL: none is */
    ap_status failed;    /* the first failure of a callback, which the trainer cannot return */
} run;

static void on_note(void *context, const char *line)
{
    ap_console_note(&((run *)context)->console, line);
}

/* ---------------------------------------------------------------- the log */

#define LINE_MOST (2 * AP_MEASURE_COUNT + AP_FIDELITY_COUNT + 5)
#define METRIC_NAME 64

/* The metrics of one line of the log. */
typedef struct log_line {
    int count;
    char text[LINE_MOST][METRIC_NAME];
    const char *names[LINE_MOST];
    double values[LINE_MOST];
} log_line;

static void add_metric(log_line *line, const char *prefix, const char *name, double value)
{
    int k = line->count++;
    snprintf(line->text[k], METRIC_NAME, "%s%s", prefix, name);
    line->names[k] = line->text[k];
    line->values[k] = value;
}

static void add_measures(log_line *line, const char *prefix, const ap_measures *measures)
{
    for (int k = 0; k < AP_MEASURE_COUNT; k++)
        if (measures->present[k])
            add_metric(line, prefix, ap_measure_name((ap_measure)k), measures->value[k]);
}

static void write_line(const run *r, int64_t step, int64_t epoch, const log_line *line)
{
    ap_track_metrics(r->track, step, (int)epoch, line->count, line->names, line->values);
}

static void on_step(void *context, const ap_step_report *report)
{
    run *r = context;
    ap_console_step(&r->console, report);
    if (report->step % r->config->track.log_every != 0) return;
    log_line line = {0};
    add_measures(&line, "train_", &report->measures);
    add_metric(&line, "", "learning_rate", report->learning_rate);
    add_metric(&line, "", "gradient_norm", report->gradient_norm);
    add_metric(&line, "", "pairs_per_second", report->pairs_per_second);
    if (!isnan(report->waited)) add_metric(&line, "", "data_wait_share", report->waited);
    write_line(r, report->step, report->epoch, &line);
}

/* The log line of an epoch: training and validation means. */
static void log_epoch(const run *r, const ap_epoch_report *report)
{
    log_line line = {0};
    add_measures(&line, "epoch_train_", &report->train);
    add_measures(&line, "val_", &report->validation);
    for (int k = 0; r->trip && k < AP_FIDELITY_COUNT; k++) {
        double mean = ap_round_trip_mean(r->trip, k);
        if (!isnan(mean)) add_metric(&line, "val_", ap_fidelity_name(k), mean);
    }
    add_metric(&line, "", "epoch_seconds", report->seconds);
    write_line(r, report->step, report->epoch, &line);
}

/* ---------------------------------------------------------------- what a codec gives back */

static void on_heard(void *context, int64_t S, const ap_real *audio, int64_t count, const ap_real *latents,
                     const ap_real *output)
{
    ap_round_trip_add(((run *)context)->trip, AP_SAMPLE_RATE, S, audio, count, latents, output);
}

static int64_t seanet_hop(const ap_config *config)
{
    int64_t hop = 1;
    for (int i = 0; i < config->codec.ratios.count; i++) hop *= config->codec.ratios.at[i];
    return hop;
}

/* How good the codec is by now, and whether it hears at all. */
static void tell_round_trip(run *r)
{
    ap_round_trip_print(r->trip, stdout);
    const char *deaf = ap_round_trip_deaf(r->trip);
    if (deaf) on_note(r, deaf);
    ap_round_trip_restart(r->trip);
}

/* ---------------------------------------------------------------- samples and files */

/* samples/epoch_0010.wav: what the model makes of the first validation pair */
static ap_status write_sample(const run *r, const ap_epoch_report *report)
{
    ap_audio audio = {.samples = (ap_real *)report->output, .count = report->S, .rate = AP_SAMPLE_RATE};
    char *path = ap_format_text("%s/" AP_RUN_SAMPLE "%04" PRId64 ".wav", r->folder.samples, report->epoch);
    ap_status status = ap_make_folder(r->folder.samples);
    if (!ap_failed(&status)) status = ap_audio_write(path, &audio);
    if (!ap_failed(&status)) ap_track_sample(r->track, report->step, "validation_answer", path);
    free(path);
    return status;
}

static void on_epoch(void *context, const ap_epoch_report *report)
{
    run *r = context;
    int every = r->config->train.samples_every;
    ap_console_epoch(&r->console, report);
    log_epoch(r, report);
    if (r->trip) tell_round_trip(r);
    ap_track_flush(r->track); /* the epoch's checkpoints come next */
    if (every && report->epoch % every == 0 && !ap_failed(&r->failed)) r->failed = write_sample(r, report);
}

/* "configs/quick.json" -> "runs/quick" */
static char *default_folder(const char *config)
{
    const char *slash = strrchr(config, '/'), *name = slash ? slash + 1 : config, *dot = strrchr(name, '.');
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

/* Whether a key determines what the model is, not how it is trained. */
static bool says_what_model(const char *name)
{
    static const char *const sections[] = {"codec.", "agent.", "cascade."};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        if (strncmp(name, sections[i], strlen(sections[i])) == 0) return true;
    return false;
}

/* Lists the keys whose values differ from the checkpoint's; returns whether there are any. With
 * `model_alone` only keys that change the model count. */
static bool tell_changes(const run *r, const char *checkpoint, bool model_alone)
{
    bool changed = false;
    ap_config before;
    ap_status status = ap_checkpoint_config(checkpoint, &before);
    for (size_t i = 0; !ap_failed(&status) && i < ap_config_count(); i++) {
        char was[AP_CONFIG_TEXT], is[AP_CONFIG_TEXT];
        const char *name = ap_config_name(i);
        ap_config_value(&before, i, was);
        ap_config_value(r->config, i, is);
        if (strcmp(was, is) == 0 || (model_alone && !says_what_model(name))) continue;
        bool held = strcmp(name, "codec.weights") == 0 && before.codec.type == AP_CODEC_SEANET;
        ap_text_print_wrapped(stdout, "changed: %s was %s, is %s%s\n", name, was, is,
                              held ? ", which has no effect: the checkpoint contains the codec" : "");
        changed = true;
    }
    return changed;
}

/* Whether more epochs alone would not help: the cosine has ended, and only another train.lr begins a new one.
 */
static bool cosine_has_ended(const run *r, const ap_trainer *trainer, const char *from)
{
    ap_config before;
    ap_status status = ap_checkpoint_config(from, &before);
    const ap_config *now = r->config;
    return !ap_failed(&status) && before.train.schedule == AP_SCHEDULE_COSINE &&
           now->train.schedule == AP_SCHEDULE_COSINE && now->train.lr == before.train.lr &&
           ap_trainer_epoch(trainer) >= before.train.epochs;
}

/* The words in parentheses are the names used by run_train_compositional.sh. */
static void tell_too_late(const run *r, const ap_trainer *trainer, const char *from)
{
    bool early = ap_trainer_epoch(trainer) < r->config->train.epochs;
    char *rate =
        cosine_has_ended(r, trainer, from)
            ? ap_format_text(
                  " and change train.lr (LEARNING_RATE): the cosine has ended, and the learning rate "
                  "would stay at train.min_lr = %g",
                  r->config->train.min_lr)
            : ap_copy_text("");
    ap_text_print_wrapped(
        stdout,
        "the changes have no effect on the model: %s; to continue, raise %s%s; to start anew, name "
        "another --out (OUT)\n",
        early ? "training stopped early" : "all epochs are done",
        early ? "train.patience" : "train.epochs (EPOCHS)", rate);
    free(rate);
}

static void hand_over(const run *r, const char *folder, const char *name)
{
    char *path = ap_format_text("%s/%s", folder, name);
    if (access(path, F_OK) == 0) ap_track_artifact(r->track, path);
    free(path);
}

static ap_outcome outcome_of(const ap_status *status)
{
    return !ap_failed(status)               ? AP_OUTCOME_FINISHED
           : status->code == AP_INTERRUPTED ? AP_OUTCOME_INTERRUPTED
                                            : AP_OUTCOME_FAILED;
}

/* As many as `antiphon report` shows. */
#define REPORT_SAMPLES 8

/* Hands over what a run leaves behind: its best checkpoint and its log, and if it goes to MLflow a report,
 * made for that. Without a report the run is as good. */
static void hand_over_result(const run *r)
{
    hand_over(r, r->folder.checkpoints, "best.safetensors");
    if (!ap_track_delivers(r->track)) return;
    ap_track_flush(r->track);
    hand_over(r, r->folder.path, "log.jsonl");
    ap_status status = ap_report_write(r->folder.path, NULL, REPORT_SAMPLES);
    if (!ap_failed(&status))
        hand_over(r, r->folder.path, "report.html");
    else if (status.code != AP_INTERRUPTED)
        ap_text_print(stderr, "antiphon: warning: no report for MLflow: %s\n", status.message);
}

/* Begins the record; of several ranks only the first has one. */
static ap_status begin_record(run *r, const ap_trainer *trainer, bool resumed)
{
    if (ap_ranks_own() > 0) return ap_ok();
    AP_TRY(ap_make_folder(r->folder.checkpoints));
    AP_TRY(ap_run_folder_lock(&r->folder));
    AP_TRY(ap_run_folder_write_config(&r->folder, r->config));
    AP_TRY(ap_track_create(r->folder.path, r->config, resumed ? ap_trainer_step(trainer) : -1, &r->track));
    hand_over(r, r->folder.path, "config.json");
    return ap_ok();
}

/* Trains and keeps the record. */
static ap_status train_on_record(run *r, ap_trainer *trainer, bool resumed)
{
    AP_TRY(ap_ranks_agree(begin_record(r, trainer, resumed)));
    if (ap_ranks_own() > 0) return ap_trainer_run(trainer, NULL, signals_flag());
    ap_status status = ap_trainer_run(trainer, r->folder.checkpoints, signals_flag());
    if (!ap_failed(&status)) status = r->failed;
    hand_over_result(r);
    ap_status recorded = ap_track_finish(r->track, outcome_of(&status));
    return ap_failed(&status) ? status : recorded;
}

/* Completes the MLflow record of a run that has nothing left to train, if an earlier program could not
 * deliver it. The record is of the training as it was, whatever the configuration says now. */
static ap_status finish_record(run *r, const char *from)
{
    ap_config trained;
    if (!ap_track_unfinished(r->folder.path, r->config)) return ap_ok();
    AP_TRY(ap_checkpoint_config(from, &trained));
    trained.track = r->config->track;
    AP_TRY(ap_track_create(r->folder.path, &trained, INT64_MAX, &r->track));
    hand_over(r, r->folder.path, "config.json");
    hand_over_result(r);
    return ap_track_finish(r->track, AP_OUTCOME_FINISHED);
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
static ap_status tell_best(const run *r, bool nothing_left, const char *from)
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
static ap_status failed_to_resume(const run *r, const char *from, ap_status status)
{
    if (from != r->folder.last || access(r->folder.best, F_OK) != 0) return status;
    if (!is_damaged(from) || is_damaged(r->folder.best)) return status;
    return ap_error(status.code, "%s; --resume %s continues from the best", status.message, r->folder.best);
}

static ap_status create_trainer(run *r, const char *from, const char *init, ap_trainer **trainer)
{
    ap_observer observer = {.context = r,
                            .note = on_note,
                            .step = on_step,
                            .heard = r->trip ? on_heard : NULL,
                            .epoch = on_epoch};
    if (ap_ranks_own() > 0) return ap_trainer_create(r->config, NULL, trainer);
    if (from) {
        ap_status status = ap_trainer_resume(r->config, &observer, from, trainer);
        return ap_failed(&status) ? failed_to_resume(r, from, status) : status;
    }
    if (init) return ap_trainer_create_from(r->config, &observer, init, trainer);
    return ap_trainer_create(r->config, &observer, trainer);
}

/* `from` is the checkpoint to resume. If it is NULL, `init` is one to take the weights from. */
static ap_status train(run *r, const char *from, const char *init)
{
    ap_trainer *trainer;
    AP_TRY(create_trainer(r, from, init, &trainer));
    if (from)
        ap_text_print(stdout, "going on from %s: %" PRId64 " epoch%s, %" PRId64 " step%s done\n", from,
                      ap_trainer_epoch(trainer), ap_plural(ap_trainer_epoch(trainer)),
                      ap_trainer_step(trainer), ap_plural(ap_trainer_step(trainer)));
    bool changed = from && tell_changes(r, from, false), done = ap_trainer_done(trainer);
    if (!from && init) tell_changes(r, init, true);
    if (!from && !init) tell_of_codec(r->config);
    ap_status status = !done                 ? train_on_record(r, trainer, from != NULL)
                       : ap_ranks_own() == 0 ? finish_record(r, from)
                                             : ap_ok();
    if (!ap_failed(&status) && ap_ranks_own() == 0) status = tell_best(r, done, from);
    if (done && changed) tell_too_late(r, trainer, from);
    ap_trainer_free(trainer);
    return status;
}

/* A word as a shell takes it. For the caller to free. */
static char *shell_word(const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:=+-";
    if (*word && word[strspn(word, plain)] == '\0') return ap_copy_text(word);
    char *quoted = ap_allocate(4 * strlen(word) + 3, 1), *to = quoted;
    *to++ = '\'';
    for (; *word; word++) {
        if (*word == '\'')
            to = stpcpy(to, "'\\''");
        else
            *to++ = *word;
    }
    strcpy(to, "'");
    return quoted;
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
    char *program = shell_word(program_invocation_name), *path = shell_word(config->data.path);
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
static ap_status open_folder(run *r, const beginning *begin, const char **from)
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
static ap_status train_in_folder(run *r, const beginning *begin)
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
        run r = {.config = &config, .folder = ap_run_folder_init(path), .console = ap_console_init(stdout)};
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
     .help = "any key of the configuration, e.g. --train.epochs=5 --data.path=DIR"},
    {.name = "corr_weight",
     .placeholder = "W",
     .kind = OPTION_TEXT,
     .help = "loss.corr_weight",
     .alias_of = "loss.corr_weight"},
    {.name = "mask_reg_weight",
     .placeholder = "W",
     .kind = OPTION_TEXT,
     .help = "loss.novelty",
     .alias_of = "loss.novelty"},
    {.name = "use_compositional_agent",
     .kind = OPTION_FLAG,
     .help = "agent.compositional",
     .alias_of = "agent.compositional"},
    {.name = "batch_size",
     .placeholder = "N",
     .kind = OPTION_TEXT,
     .help = "train.batch_size",
     .alias_of = "train.batch_size"},
    {.name = "epochs",
     .placeholder = "N",
     .kind = OPTION_TEXT,
     .help = "train.epochs",
     .alias_of = "train.epochs"},
    {.name = "lr", .placeholder = "RATE", .kind = OPTION_TEXT, .help = "train.lr", .alias_of = "train.lr"},
    {.name = "loss_weight_input",
     .placeholder = "W",
     .kind = OPTION_TEXT,
     .help = "loss.rms_input",
     .alias_of = "loss.rms_input"},
    {.name = "loss_weight_target",
     .placeholder = "W",
     .kind = OPTION_TEXT,
     .help = "loss.rms_target",
     .alias_of = "loss.rms_target"},
    {.name = "loss_weight_spectral",
     .placeholder = "W",
     .kind = OPTION_TEXT,
     .help = "loss.spectral",
     .alias_of = "loss.spectral"},
    {.name = NULL},
};

const verb verb_train = {
    .name = "train",
    .summary = "train a model on a pair set",
    .arguments = "CONFIG.json [--out RUN_DIR] [--resume auto|FILE|RUN_DIR] [--init FILE|RUN_DIR] "
                 "[--section.key=VALUE ...]",
    .details = "Trains with the configuration and writes checkpoints/last.safetensors and "
               "checkpoints/best.safetensors (lowest\n"
               "validation loss) to the run folder.\n"
               "\n"
               "Ctrl-C, SIGTERM, the signals of batch systems before the time is up (SIGUSR1, SIGUSR2, "
               "SIGXCPU), a closed terminal\n"
               "and a closed output pipe save and end with exit code 130. --resume auto then continues with "
               "the same numbers as a\n"
               "run that was never interrupted. A second Ctrl-C or SIGTERM, at least a second after the "
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
