#include "cli/record.h"

#include "antiphon/audio.h"
#include "antiphon/ranks.h"
#include "antiphon/report.h"
#include "base/memory.h"
#include "base/print.h"
#include "base/replace.h"
#include "cli/signals.h"
#include "ranks/collect.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void on_note(void *context, const char *line)
{
    ap_console_note(&((record *)context)->console, line);
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

static void write_line(const record *r, int64_t step, int64_t epoch, const log_line *line)
{
    ap_track_metrics(r->track, step, (int)epoch, line->count, line->names, line->values);
}

static void on_step(void *context, const ap_step_report *report)
{
    record *r = context;
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
static void log_epoch(const record *r, const ap_epoch_report *report)
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
    ap_round_trip_add(((record *)context)->trip, AP_SAMPLE_RATE, 1, S, audio, count, latents, output);
}

/* How good the codec is by now, and whether it hears at all. */
static void tell_round_trip(record *r)
{
    ap_round_trip_print(r->trip, stdout);
    const char *deaf = ap_round_trip_deaf(r->trip);
    if (deaf) on_note(r, deaf);
    ap_round_trip_restart(r->trip);
}

/* ---------------------------------------------------------------- samples and files */

/* samples/epoch_0010.wav: what the model makes of the first validation pair */
static ap_status write_sample(const record *r, const ap_epoch_report *report)
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
    record *r = context;
    int every = r->config->train.samples_every;
    ap_console_epoch(&r->console, report);
    log_epoch(r, report);
    if (r->trip) tell_round_trip(r);
    ap_track_flush(r->track); /* the epoch's checkpoints come next */
    if (every && report->epoch % every == 0 && !ap_failed(&r->failed)) r->failed = write_sample(r, report);
}

ap_observer record_observer(record *r)
{
    return (ap_observer){.context = r,
                         .note = on_note,
                         .step = on_step,
                         .heard = r->trip ? on_heard : NULL,
                         .epoch = on_epoch};
}

/* ---------------------------------------------------------------- what a run leaves behind */

static void hand_over(const record *r, const char *folder, const char *name)
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
static void hand_over_result(const record *r)
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
static ap_status begin_record(record *r, const ap_trainer *trainer, bool resumed)
{
    if (ap_ranks_own() > 0) return ap_ok();
    AP_TRY(ap_make_folder(r->folder.checkpoints));
    AP_TRY(ap_run_folder_lock(&r->folder));
    AP_TRY(ap_run_folder_write_config(&r->folder, r->config));
    AP_TRY(ap_track_create(r->folder.path, r->config, resumed ? ap_trainer_step(trainer) : -1, &r->track));
    hand_over(r, r->folder.path, "config.json");
    return ap_ok();
}

ap_status record_train(record *r, ap_trainer *trainer, bool resumed)
{
    AP_TRY(ap_ranks_agree(begin_record(r, trainer, resumed)));
    if (ap_ranks_own() > 0) return ap_trainer_run(trainer, NULL, signals_flag());
    ap_status status = ap_trainer_run(trainer, r->folder.checkpoints, signals_flag());
    if (!ap_failed(&status)) status = r->failed;
    hand_over_result(r);
    ap_status recorded = ap_track_finish(r->track, outcome_of(&status));
    return ap_failed(&status) ? status : recorded;
}

ap_status record_finish(record *r, const char *from)
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
