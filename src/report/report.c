#include "report/report.h"

#include "antiphon/safetensors.h"
#include "antiphon/stop.h"
#include "antiphon/study.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/replace.h"
#include "track/log.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define REPORT_NAME "report.html"
#define CONFIG_NAME "config.json"
#define CONFIG_MOST ((size_t)1 << 20)
/* The log may contain any number. More seconds than this, some 3000 years, are invalid. */
#define SECONDS_MOST 1e11

/* ---------------------------------------------------------------- the run */

static bool holds(const char *folder, const char *name)
{
    char *path = ap_format_text("%s/%s", folder, name);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

static ap_status check_folder(const char *folder)
{
    static const char *const parts[] = {CONFIG_NAME, LOG_NAME, "checkpoints", "samples"};
    struct stat about;
    if (stat(folder, &about) != 0) return ap_error(AP_FAILED, "%s: %s", folder, strerror(errno));
    if (!S_ISDIR(about.st_mode))
        return ap_error(AP_FAILED, "%s: is not a folder: a run's folder is wanted, such as runs/compose",
                        folder);
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
        if (holds(folder, parts[k])) return ap_ok();
    return ap_error(AP_FAILED,
                    "%s: not a run: it has neither " CONFIG_NAME " nor " LOG_NAME ", checkpoints or samples",
                    folder);
}

static void read_config(run_record *run)
{
    char *path = ap_format_text("%s/" CONFIG_NAME, run->folder);
    size_t length;
    run->reading = ap_file_read(path, CONFIG_MOST, &run->config_text, &length);
    if (run->config_text) run->config = ap_json_parse(run->config_text, length);
    if (run->config_text && !run->config) run->reading = ap_error(AP_FAILED, "%s: is not JSON", path);
    free(path);
}

static void read_log(run_record *run)
{
    char *path = ap_format_text("%s/" LOG_NAME, run->folder);
    run->log = ap_history_read(path, &run->history);
    run->loss = ap_history_find(&run->history, "val_loss");
    run->best = run->loss ? ap_series_lowest(run->loss) : -1;
    free(path);
}

/* ---------------------------------------------------------------- facts */

static void put_fact(page *p, const char *name, const char *value, const char *more)
{
    ap_page_put(p, "<div>");
    ap_page_element(p, "dt", name);
    ap_page_put(p, "<dd>");
    ap_page_text(p, value);
    if (more && more[0]) ap_page_element(p, "small", more);
    ap_page_put(p, "</dd></div>\n");
}

/* Converts seconds since 1970 to a date; false if they are not one. */
static bool local_time(double seconds, struct tm *local)
{
    return fabs(seconds) < SECONDS_MOST && localtime_r(&(time_t){(time_t)seconds}, local);
}

/* The date, and the times of start and end. */
static void put_when(page *p, const run_record *run)
{
    char day[32], begun[32], ended[32];
    struct tm from, to;
    if (!local_time(run->history.began, &from) || !local_time(run->history.ended, &to)) return;
    bool same = from.tm_year == to.tm_year && from.tm_yday == to.tm_yday;
    strftime(day, sizeof day, "%Y-%m-%d", &from);
    strftime(begun, sizeof begun, "%H:%M", &from);
    strftime(ended, sizeof ended, same ? "%H:%M" : "%Y-%m-%d %H:%M", &to);
    char *hours = ap_format_text("%s to %s", begun, ended);
    put_fact(p, "Trained", day, hours);
    free(hours);
}

/* Seconds as "1 h 05 min", "12 min 30 s" or "42 s". */
static char *duration(double seconds)
{
    if (!(fabs(seconds) < SECONDS_MOST)) return ap_copy_text("–");
    const long whole = lrint(seconds), minute = 60, hour = 60 * minute;
    if (whole >= hour) return ap_format_text("%ld h %02ld min", whole / hour, whole % hour / minute);
    if (whole >= minute) return ap_format_text("%ld min %02ld s", whole / minute, whole % minute);
    return ap_format_text("%ld s", whole);
}

/* The sum over epochs, without breaks between an interruption and its resumption. */
static void put_duration(page *p, const run_record *run)
{
    const series *epochs = ap_history_find(&run->history, "epoch_seconds");
    double sum = 0;
    if (!epochs) return;
    for (size_t i = 0; i < epochs->count; i++) sum += isfinite(epochs->value[i]) ? epochs->value[i] : 0;
    char *all = duration(sum), *each = duration(sum / (double)epochs->count);
    char *more = ap_format_text("%s per epoch", each);
    put_fact(p, "Time in training", all, more);
    free(all);
    free(each);
    free(more);
}

static void put_epochs(page *p, const run_record *run)
{
    double planned = ap_report_setting(run, "train", "epochs");
    char *epochs = isfinite(planned) ? ap_format_text("%.0f of %.0f", run->history.epochs, planned)
                                     : ap_format_text("%.0f", run->history.epochs);
    char *steps = ap_format_text("%.0f steps", run->history.last_step);
    put_fact(p, "Epochs", epochs, steps);
    free(epochs);
    free(steps);
}

/* The value of a metric at the step of the lowest validation loss. */
static double at_best(const run_record *run, const char *name)
{
    const series *s = ap_history_find(&run->history, name);
    for (size_t i = 0; s && i < s->count; i++)
        if (s->step[i] == run->loss->step[run->best]) return s->value[i];
    return NAN;
}

static void put_follows(page *p, const char *name, double r)
{
    char *number = ap_format_text("|r| = %.2f", r);
    if (isfinite(r)) put_fact(p, name, ap_report_follows(r), number);
    free(number);
}

static void put_best(page *p, const run_record *run)
{
    char loss[PAGE_NUMBER], cost[PAGE_NUMBER], first[PAGE_NUMBER];
    if (run->best < 0) return;
    char *where = ap_format_text("%s %.0f", ap_report_place_name(run),
                                 ap_report_place(run, run->loss->step[run->best]));
    put_fact(p, "Best validation loss", ap_page_number(run->loss->value[run->best], REPORT_DIGITS, loss),
             where);
    free(where);
    const series *costs = ap_history_find(&run->history, "train_corr_cost");
    char *from =
        ap_format_text("%s at the first step",
                       ap_page_number(costs && costs->count ? costs->value[0] : NAN, REPORT_DIGITS, first));
    put_fact(p, "Its correlation cost", ap_page_number(at_best(run, "val_corr_cost"), REPORT_DIGITS, cost),
             from);
    free(from);
    put_follows(p, "Follows the input’s loudness", at_best(run, "val_r_input"));
    put_follows(p, "Follows the target’s loudness", at_best(run, "val_r_target"));
}

/* "12 345 678" */
static char *grouped(int64_t n)
{
    char *digits = ap_format_text("%" PRId64, n), *text = ap_allocate(2 * strlen(digits) + 1, 1), *to = text;
    for (size_t left = strlen(digits), i = 0; left > 0; left--, i++) {
        *to++ = digits[i];
        if (left % 3 == 1 && left > 1) *to++ = ' ';
    }
    free(digits);
    return text;
}

/* Parameters are the tensors with a running mean in the optimiser; the checkpoint's other tensors are fixed.
 */
static void put_parameters(page *p, const run_record *run)
{
    static const char *const names[] = {"best", "last"}, mark[] = "optimiser.m.", other[] = "optimiser.";
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        char *path = ap_format_text("%s/checkpoints/%s.safetensors", run->folder, names[k]);
        ap_safetensors *file;
        ap_status status = ap_safetensors_open(path, &file);
        free(path);
        if (ap_failed(&status)) continue;
        int64_t trained = 0, all = 0;
        for (size_t i = 0; i < ap_safetensors_count(file); i++) {
            int64_t n = ap_shape_count(ap_safetensors_shape(file, i));
            const char *name = ap_safetensors_name(file, i);
            if (strncmp(name, mark, sizeof mark - 1) == 0) trained += n;
            if (strncmp(name, other, sizeof other - 1) != 0) all += n;
        }
        ap_safetensors_close(file);
        char *text = grouped(trained), *rest = grouped(all - trained);
        char *more = ap_format_text("besides %s fixed numbers", rest);
        put_fact(p, "Parameters", text, all > trained ? more : "");
        free(text);
        free(rest);
        free(more);
        return;
    }
}

/* ---------------------------------------------------------------- the page */

/* The folder's own name, also if it is given as "." */
static char *run_name(const char *folder)
{
    char *whole = realpath(folder, NULL);
    const char *slash = whole ? strrchr(whole, '/') : NULL;
    char *name = ap_copy_text(slash && slash[1] ? slash + 1 : folder);
    free(whole);
    return name;
}

static void put_head(page *p, const char *name)
{
    ap_page_put(p,
                "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
                "media-src data:; style-src 'unsafe-inline'; script-src 'sha256-" REPORT_SCRIPT_HASH
                "'\"/>\n<title>");
    ap_page_text(p, name);
    ap_page_put(p, " · Antiphon</title>\n<style>\n");
    ap_page_put(p, "%s", ap_report_style);
    ap_page_put(p, "</style></head>\n<body>\n");
}

static void put_top(page *p, const char *name)
{
    ap_page_put(p, "<header><h1>");
    ap_page_text(p, name);
    ap_page_put(
        p,
        "</h1><p class=\"soft\">A run of Antiphon, shown by antiphon %s</p>\n"
        "<nav aria-label=\"Sections\"><a href=\"#samples\">Compositions</a> <a href=\"#curves\">Training</a> "
        "<a href=\"#evaluation\">Evaluation</a> <a href=\"#configuration\">Configuration</a></nav>\n"
        "</header>\n<main>\n",
        AP_VERSION);
}

static void put_training(page *p, const run_record *run)
{
    ap_page_put(p, "<section id=\"curves\"><h2>Training</h2>\n<dl class=\"facts\">\n");
    put_best(p, run);
    put_epochs(p, run);
    put_when(p, run);
    put_duration(p, run);
    put_parameters(p, run);
    ap_page_put(p, "</dl>\n");
    ap_report_curves(p, run);
    ap_page_put(p, "</section>\n");
}

static void put_config(page *p, const run_record *run)
{
    ap_page_put(p, "<section id=\"configuration\"><h2>Configuration</h2>\n");
    if (ap_failed(&run->reading)) ap_report_missing(p, &run->reading);
    if (run->config_text) {
        ap_page_put(p, "<details><summary>Every key: defaults, file and command line</summary>\n");
        ap_page_element(p, "pre", run->config_text);
        ap_page_put(p, "</details>\n");
    }
    ap_page_put(p, "</section>\n");
}

static void compose_run(page *p, const char *folder, const char *name, int64_t samples_most)
{
    run_record run = {.folder = folder};
    read_config(&run);
    read_log(&run);
    put_top(p, name);
    ap_report_samples(p, &run, samples_most);
    put_training(p, &run);
    ap_report_evaluation(p, &run);
    put_config(p, &run);
    cJSON_Delete(run.config);
    free(run.config_text);
    ap_history_free(&run.history);
}

ap_status ap_report_write(const char *folder, const char *path, int64_t samples_most)
{
    page p;
    size_t length;
    bool study = ap_study_is(folder);
    if (!study) AP_TRY(check_folder(folder));
    char *name = run_name(folder);
    ap_status status = ap_ok();
    ap_page_open(&p);
    put_head(&p, name);
    if (study)
        status = ap_report_study(&p, folder, name, samples_most);
    else
        compose_run(&p, folder, name, samples_most);
    if (!ap_failed(&status)) status = ap_stop_check();
    ap_page_put(&p, "</main>\n</body></html>\n");
    free(name);
    char *text = ap_page_close(&p, &length);
    char *place = path ? ap_copy_text(path) : ap_format_text("%s/" REPORT_NAME, folder);
    if (!ap_failed(&status)) status = ap_replace_file(place, text, length);
    free(place);
    free(text);
    return status;
}
