/* The curves of a report, which show every metric of the log. */
#include "report/report.h"

#include "antiphon/objective.h"
#include "base/memory.h"
#include "report/chart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The most points per line: a screen shows no more. */
#define POINTS_MOST 400
/* The points of a line that shows the course of what jumps from step to step: each is the mean of a stretch.
 */
#define COURSE_POINTS 24
/* Lines with at most this many points have a mark at each. */
#define MARKS_MOST 60
#define LINES_MOST 4

#define STEP_PREFIX "train_"
#define EPOCH_PREFIX "epoch_train_"
#define VALIDATION_PREFIX "val_"

/* ---------------------------------------------------------------- a chart in the making */

typedef struct drawing {
    const run_record *run;
    chart chart;
    chart_line lines[LINES_MOST];
    series kept[LINES_MOST]; /* the data of the lines */
} drawing;

static drawing begin(const run_record *run, const char *title)
{
    drawing d = {.run = run, .chart = {.title = title, .x_name = ap_report_place_name(run), .last = true}};
    d.chart.x_high = ap_report_place(run, run->history.last_step);
    return d;
}

/* Does nothing if the log has no such series. A point is the mean of a stretch where it has more than `most`.
 */
static void add_thinned(drawing *d, const series *s, size_t most, const char *label, const char *style,
                        bool points)
{
    if (!s) return;
    int k = d->chart.line_count++;
    d->kept[k] = ap_series_thinned(s, most);
    for (size_t i = 0; i < d->kept[k].count; i++)
        d->kept[k].step[i] = ap_report_place(d->run, d->kept[k].step[i]);
    d->lines[k] = (chart_line){.label = label,
                               .style = style,
                               .count = d->kept[k].count,
                               .x = d->kept[k].step,
                               .y = d->kept[k].value,
                               .points = points && d->kept[k].count <= MARKS_MOST};
}

static void add_line(drawing *d, const series *s, const char *label, const char *style, bool points)
{
    add_thinned(d, s, POINTS_MOST, label, style, points);
}

/* What every step has, faint, and its course over it. */
static void add_steps(drawing *d, const series *s)
{
    const bool jumps = s && s->count > 2 * COURSE_POINTS;
    if (jumps) add_line(d, s, NULL, "train faint", false);
    add_thinned(d, s, jumps ? COURSE_POINTS : POINTS_MOST, "training", jumps ? "train course" : "train",
                false);
}

static void finish(page *p, drawing *d)
{
    d->chart.lines = d->lines;
    if (d->chart.line_count) ap_chart_draw(p, &d->chart);
    for (int k = 0; k < d->chart.line_count; k++) {
        free(d->kept[k].step);
        free(d->kept[k].value);
    }
}

/* ---------------------------------------------------------------- measures of training and validation */

static const struct {
    ap_measure measure;
    const char *title, *weight; /* weight: its key in the configuration's section loss */
} terms[] = {
    {AP_MEASURE_RMS_INPUT, "Distance to the input", "rms_input"},
    {AP_MEASURE_RMS_TARGET, "Distance to the target", "rms_target"},
    {AP_MEASURE_SPECTRAL, "Spectral distance", "spectral"},
    {AP_MEASURE_MEL, "Mel distance", "mel"},
    {AP_MEASURE_NOVELTY, "Novelty: similarity of latents", "novelty"},
    {AP_MEASURE_ONSET, "Onsets: distance to the input's", "onset"},
    {AP_MEASURE_CHROMA, "Chroma: distance to the target's", "chroma"},
    {AP_MEASURE_TIMBRE, "Timbre: distance to the target's", "timbre"},
    {AP_MEASURE_VARIATION, "Lack of variation", "variation"},
    {AP_MEASURE_LEVEL, "Level: distance to the target's", "level"},
    {AP_MEASURE_CREST, "Peaks beyond the sources' (ln of crest factor)", "crest"},
    {AP_MEASURE_ANSWER, "Distance to the answer", "answer"},
    {AP_MEASURE_MIXTURE, "Mixture beyond the limit", "mixture"},
};
#define WEIGHTED_CORRELATION (AP_MEASURE_ADDED + AP_MEASURE_CORR_COST - AP_MEASURE_RMS_INPUT)
#define WEIGHTED_ANSWER (AP_MEASURE_ADDED + AP_MEASURE_ANSWER - AP_MEASURE_RMS_INPUT)
#define TERMS (sizeof terms / sizeof *terms)

static void add_validation(drawing *d, const char *measure)
{
    add_line(d, ap_history_find_measure(&d->run->history, VALIDATION_PREFIX, measure), "validation", "val",
             true);
}

static void add_measure(drawing *d, const char *measure)
{
    add_steps(d, ap_history_find_measure(&d->run->history, STEP_PREFIX, measure));
    add_validation(d, measure);
}

/* A batch with an answer has that one term, so that its loss has another height: it is drawn apart, as the
 * term is. */
static void draw_loss(page *p, const run_record *run)
{
    const history *h = &run->history;
    const char *loss = ap_measure_name(AP_MEASURE_LOSS);
    const series *all = ap_history_find_measure(h, STEP_PREFIX, loss),
                 *answers = ap_history_find_measure(h, STEP_PREFIX, ap_measure_name(WEIGHTED_ANSWER));
    series rest = {.count = 0};
    drawing d = begin(run, "Loss");
    d.chart.note = !answers
                       ? "The sum of the terms below, each with its weight."
                       : "The sum of the terms below, each with its weight. Batches with an answer have one "
                         "term alone, and are drawn there: Distance to the answer.";
    if (all) rest = ap_series_without(all, answers);
    if (rest.count) add_steps(&d, &rest);
    add_validation(&d, loss);
    finish(p, &d);
    free(rest.step);
    free(rest.value);
}

static void draw_cost(page *p, const run_record *run)
{
    /* |r| of 0.4 with one source, and of 0.63 with one or 0.4 with both */
    static const double marks[] = {0.5, 1};
    drawing d = begin(run, "Correlation cost");
    char weight[PAGE_NUMBER];
    char *note =
        ap_format_text("How closely the output's envelope follows the sources', as the original cost over "
                       "250 segments: 0 if not at all, 6.9 for a copy of one. Weight of the term: %s.",
                       ap_page_number(ap_report_setting(run, "loss", "corr_weight"), REPORT_DIGITS, weight));
    d.chart.note = note;
    d.chart.marks = marks;
    d.chart.mark_count = sizeof marks / sizeof *marks;
    add_measure(&d, ap_measure_name(AP_MEASURE_CORR_COST));
    finish(p, &d);
    free(note);
}

static void draw_correlation_term(page *p, const run_record *run)
{
    drawing d = begin(run, "Correlation term");
    d.chart.note =
        "The contribution of the correlation to the loss: the form that is optimised, times its weight.";
    add_measure(&d, ap_measure_name(WEIGHTED_CORRELATION));
    finish(p, &d);
}

static void draw_correlation(page *p, const run_record *run)
{
    const history *h = &run->history;
    const char *input = ap_measure_name(AP_MEASURE_R_INPUT), *target = ap_measure_name(AP_MEASURE_R_TARGET);
    drawing d = begin(run, "How far the loudness follows each source");
    d.chart.note = "The correlation |r| of the output's envelope with the source's: 0 not at all, 1 a copy.";
    d.chart.scale = CHART_UNIT;
    add_thinned(&d, ap_history_find_measure(h, STEP_PREFIX, input), COURSE_POINTS, "input, training",
                "input thin faint", false);
    add_thinned(&d, ap_history_find_measure(h, STEP_PREFIX, target), COURSE_POINTS, "target, training",
                "target thin faint", false);
    add_line(&d, ap_history_find_measure(h, VALIDATION_PREFIX, input), "input, validation", "input", true);
    add_line(&d, ap_history_find_measure(h, VALIDATION_PREFIX, target), "target, validation", "target", true);
    finish(p, &d);
}

static void draw_term(page *p, const run_record *run, size_t term)
{
    char weight[PAGE_NUMBER];
    drawing d = begin(run, terms[term].title);
    char *note = ap_format_text(
        "%s, weight %s.", ap_measure_name(terms[term].measure),
        ap_page_number(ap_report_setting(run, "loss", terms[term].weight), REPORT_DIGITS, weight));
    d.chart.note = note;
    add_measure(&d, ap_measure_name(terms[term].measure));
    finish(p, &d);
    free(note);
}

/* ---------------------------------------------------------------- the selector's weights */

#define COMPONENTS 6
static const struct {
    const char *label, *style;
} components[COMPONENTS] = {
    {"input rhythm", "area input"},           {"input harmony", "area input second"},
    {"input timbre", "area input third"},     {"target rhythm", "area target"},
    {"target harmony", "area target second"}, {"target timbre", "area target third"},
};

static const series *component_series(const history *h, const char *prefix, int k)
{
    return ap_history_find_measure(h, prefix, ap_measure_name((ap_measure)(AP_MEASURE_WEIGHTS + k)));
}

/* Per epoch if there are two or more, otherwise per step. */
static const char *component_prefix(const history *h)
{
    const series *by_epoch = component_series(h, EPOCH_PREFIX, 0);
    return by_epoch && by_epoch->count >= 2 ? EPOCH_PREFIX : STEP_PREFIX;
}

/* Whether all six exist, with the same length and no gaps, as stacking needs. */
static bool stackable(const series *const shares[COMPONENTS])
{
    for (int k = 0; k < COMPONENTS; k++) {
        if (!shares[k] || shares[k]->count < 2 || shares[k]->count != shares[0]->count) return false;
        for (size_t i = 0; i < shares[k]->count; i++)
            if (!isfinite(shares[k]->value[i])) return false;
    }
    return true;
}

static void draw_components(page *p, const run_record *run)
{
    const char *prefix = component_prefix(&run->history);
    const series *shares[COMPONENTS];
    series thin[COMPONENTS];
    chart_line lines[COMPONENTS];
    for (int k = 0; k < COMPONENTS; k++) shares[k] = component_series(&run->history, prefix, k);
    if (!stackable(shares)) return;
    for (int k = 0; k < COMPONENTS; k++) {
        thin[k] = ap_series_thinned(shares[k], POINTS_MOST);
        for (size_t i = 0; i < thin[k].count; i++) thin[k].step[i] = ap_report_place(run, thin[k].step[i]);
        lines[k] = (chart_line){.label = components[k].label,
                                .style = components[k].style,
                                .count = thin[k].count,
                                .x = thin[k].step,
                                .y = thin[k].value};
    }
    chart c = {.title = "What the selector chooses",
               .note = "Mean weight of each component in training; the weights sum to 1.",
               .x_name = ap_report_place_name(run),
               .x_low = thin[0].step[0],
               .x_high = thin[0].step[thin[0].count - 1],
               .scale = CHART_UNIT,
               .last = true,
               .lines = lines,
               .line_count = COMPONENTS};
    ap_chart_stack(p, &c);
    for (int k = 0; k < COMPONENTS; k++) {
        free(thin[k].step);
        free(thin[k].value);
    }
}

/* ---------------------------------------------------------------- the rest */

static const char *without_prefix(const char *name)
{
    static const char *const prefixes[] = {STEP_PREFIX, EPOCH_PREFIX, VALIDATION_PREFIX};
    for (size_t k = 0; k < sizeof prefixes / sizeof *prefixes; k++)
        if (strncmp(name, prefixes[k], strlen(prefixes[k])) == 0) return name + strlen(prefixes[k]);
    return name;
}

/* Whether one of the charts above shows this metric. */
static bool has_place(const char *name)
{
    const char *measure = without_prefix(name);
    for (size_t k = 0; k < TERMS; k++)
        if (strcmp(measure, ap_measure_name(terms[k].measure)) == 0) return true;
    for (int k = 0; k < COMPONENTS; k++)
        if (strcmp(measure, ap_measure_name((ap_measure)(AP_MEASURE_WEIGHTS + k))) == 0) return true;
    for (int k = AP_MEASURE_ADDED; k < AP_MEASURE_R_INPUT; k++)
        if (strcmp(measure, ap_measure_name((ap_measure)k)) == 0) return true;
    static const ap_measure others[] = {AP_MEASURE_LOSS, AP_MEASURE_CORR_COST, AP_MEASURE_R_INPUT,
                                        AP_MEASURE_R_TARGET};
    for (size_t k = 0; k < sizeof others / sizeof *others; k++)
        if (strcmp(measure, ap_measure_name(others[k])) == 0) return true;
    return false;
}

static void draw_others(page *p, const run_record *run)
{
    static const struct {
        const char *name, *title;
    } known[] = {{"learning_rate", "Learning rate"},
                 {"gradient_norm", "Norm of the gradient"},
                 {"pairs_per_second", "Pairs per second"},
                 {"epoch_seconds", "Seconds per epoch"}};
    for (size_t i = 0; i < run->history.count; i++) {
        const series *s = &run->history.series[i];
        if (has_place(s->name)) continue;
        const char *title = s->name;
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            if (strcmp(s->name, known[k].name) == 0) title = known[k].title;
        drawing d = begin(run, title);
        /* a linear scale shows the shape of the schedule */
        if (strcmp(s->name, "learning_rate") == 0) d.chart.scale = CHART_LINEAR;
        add_line(&d, s, s->name, "plain thin", (double)s->count <= run->history.epochs);
        finish(p, &d);
    }
}

static void draw_all(page *p, const run_record *run)
{
    ap_page_put(p, "<div class=\"charts\">\n");
    draw_loss(p, run);
    draw_correlation(p, run);
    draw_components(p, run);
    ap_page_put(p, "</div>\n<details><summary>Terms of the loss</summary><div class=\"charts\">\n");
    draw_cost(p, run);
    draw_correlation_term(p, run);
    for (size_t k = 0; k < TERMS; k++) draw_term(p, run, k);
    ap_page_put(
        p, "</div></details>\n<details><summary>Rate, gradient, speed</summary><div class=\"charts\">\n");
    draw_others(p, run);
    ap_page_put(p, "</div></details>\n");
}

void ap_report_curves(page *p, const run_record *run)
{
    if (run->history.torn)
        ap_page_put(p, "<p class=\"missing\">Damaged lines of the log that are left out: %zu.</p>\n",
                    run->history.torn);
    if (ap_failed(&run->log))
        ap_report_missing(p, &run->log);
    else if (run->history.count == 0)
        ap_page_put(p, "<p class=\"missing\">The log holds no numbers yet.</p>\n");
    else
        draw_all(p, run);
}
