#include "report/chart.h"

#include "base/memory.h"
#include "base/sort.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Width and height of the inner drawing. Positions in it are whole numbers. */
#define INNER 10000.0
/* The percentiles that bound the bulk of the values. */
#define BULK_LOW 0.05
#define BULK_HIGH 0.95
/* A range that begins below this share of its end begins at 0. */
#define NEAR_ZERO 0.5
/* Space above and below the lines. */
#define PADDING 0.05
/* Digits of the numbers beside a chart. */
#define DIGITS 3
/* Digits of ticks, which are round numbers. */
#define TICK_DIGITS 6
#define TICKS_X 6
#define TICKS_Y 5

/* ---------------------------------------------------------------- axes */

double ap_axis_place(axis a, double value)
{
    if (a.log) return (log(value) - log(a.low)) / (log(a.high) - log(a.low));
    return (value - a.low) / (a.high - a.low);
}

void ap_ticks_add(ticks *t, double place, const char *label)
{
    if (t->count == TICKS_MOST) return;
    t->at[t->count] = place;
    snprintf(t->label[t->count++], PAGE_NUMBER, "%s", label);
}

static void add_number(ticks *t, axis a, double value)
{
    char text[PAGE_NUMBER];
    const double slack = 1e-9;
    double place = ap_axis_place(a, value);
    if (place >= -slack && place <= 1 + slack)
        ap_ticks_add(t, place, ap_page_number(value, TICK_DIGITS, text));
}

/* The smallest of 1, 2, 5 times a power of ten that is at least x. */
static double round_up(double x)
{
    double power = pow(10, floor(log10(x)));
    const double slack = 1 + 1e-9;
    for (int k = 0; k < 3; k++) {
        double candidate = power * (const double[]){1, 2, 5}[k];
        if (x <= candidate * slack) return candidate;
    }
    return 10 * power;
}

static ticks log_ticks(axis a, int wanted)
{
    ticks t = {0};
    double decades = log10(a.high / a.low), step = fmax(1, ceil(decades / wanted));
    for (double k = floor(log10(a.low)); k <= log10(a.high); k += step) {
        add_number(&t, a, pow(10, k));
        if (decades > wanted / 2.0) continue;
        add_number(&t, a, 2 * pow(10, k));
        add_number(&t, a, 5 * pow(10, k));
    }
    return t;
}

ticks ap_axis_ticks(axis a, int wanted)
{
    if (a.log) return log_ticks(a, wanted);
    ticks t = {0};
    double step = round_up((a.high - a.low) / wanted), first = ceil(a.low / step - 1e-9);
    /* loop over a counter: in a very narrow range, adding one step may not change the number */
    for (int i = 0; i < TICKS_MOST && (first + i) * step <= a.high + 1e-9 * step; i++)
        add_number(&t, a, first + i == 0 ? 0 : (first + i) * step);
    return t;
}

void ap_chart_frame_open(page *p, const char *kind, const char *alternative, const ticks *x, const ticks *y)
{
    ap_page_put(p, "<svg class=\"plot %s\" role=\"img\" aria-label=\"", kind);
    ap_page_text(p, alternative);
    ap_page_put(p, "\"><g class=\"grid\">");
    for (int k = 0; k < y->count; k++) {
        double at = 100 - 100 * y->at[k];
        ap_page_put(p, "<line x1=\"0\" x2=\"100%%\" y1=\"%.2f%%\" y2=\"%.2f%%\"/>", at, at);
        ap_page_put(p, "<text class=\"y\" x=\"-6\" y=\"%.2f%%\" dy=\".32em\">%s</text>", at, y->label[k]);
    }
    for (int k = 0; k < x->count; k++) {
        double at = 100 * x->at[k];
        ap_page_put(p, "<line class=\"tick\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"100%%\" y2=\"101.5%%\"/>", at,
                    at);
        ap_page_put(p, "<text class=\"x\" x=\"%.2f%%\" y=\"100%%\" dy=\"1.4em\">%s</text>", at, x->label[k]);
    }
    ap_page_put(p, "</g>");
}

void ap_chart_frame_close(page *p)
{
    ap_page_put(p, "</svg>\n");
}

/* Opens content that stretches, with positions from 0 to INNER, y pointing down. */
static void stretch_open(page *p)
{
    ap_page_put(p,
                "<svg class=\"lines\" width=\"100%%\" height=\"100%%\" viewBox=\"0 0 %.0f %.0f\" "
                "preserveAspectRatio=\"none\">",
                INNER, INNER);
}

static double across(axis x, double value)
{
    return INNER * ap_axis_place(x, value);
}

static double down(axis y, double value)
{
    return INNER * (1 - ap_axis_place(y, value));
}

/* ---------------------------------------------------------------- the range */

/* All finite values of the lines, sorted; the caller frees them. */
static double *sorted_values(const chart *c, size_t *count)
{
    size_t all = 0;
    for (int l = 0; l < c->line_count; l++) all += c->lines[l].count;
    double *values = ap_allocate(all, sizeof *values);
    *count = 0;
    for (int l = 0; l < c->line_count; l++)
        for (size_t i = 0; i < c->lines[l].count; i++)
            if (isfinite(c->lines[l].y[i])) values[(*count)++] = c->lines[l].y[i];
    ap_sort((int64_t)*count, values);
    return values;
}

static axis padded(axis a)
{
    if (a.log) {
        double factor = pow(a.high / a.low, PADDING);
        return (axis){a.low / factor, a.high * factor, true};
    }
    bool from_zero = a.low >= 0 && a.low < NEAR_ZERO * a.high;
    double span = a.high - a.low, room = span > 0 ? PADDING * span : fmax(fabs(a.high), 1) * PADDING;
    a.low = from_zero ? 0 : a.low - room;
    a.high += room;
    return a;
}

axis ap_chart_range(const chart *c)
{
    if (c->scale == CHART_UNIT) return (axis){0, 1, false};
    size_t count;
    double *values = sorted_values(c, &count);
    axis a = {0, 1, false};
    if (count) {
        a = (axis){values[0], values[count - 1], false};
        double low = values[(size_t)(BULK_LOW * (double)(count - 1))],
               high = values[(size_t)(BULK_HIGH * (double)(count - 1))];
        a.log = c->scale == CHART_AUTO && a.low > 0 && high > CHART_LOG_RATIO * low;
    }
    free(values);
    for (int k = 0; k < c->mark_count; k++) {
        a.low = fmin(a.low, c->marks[k]);
        a.high = fmax(a.high, c->marks[k]);
    }
    return padded(a);
}

/* ---------------------------------------------------------------- lines */

static void draw_path(page *p, const chart_line *line, axis x, axis y)
{
    ap_page_put(p, "<path class=\"%s\" d=\"", line->style);
    bool drawing = false;
    for (size_t i = 0; i < line->count; i++) {
        bool there = isfinite(line->y[i]);
        if (there)
            ap_page_put(p, "%c%.0f %.0f", drawing ? 'L' : 'M', across(x, line->x[i]), down(y, line->y[i]));
        drawing = there;
    }
    ap_page_put(p, "\"/>");
}

/* A mark is a line of no length with a round cap, so that it stays round when the drawing is stretched. */
static void draw_points(page *p, const chart_line *line, const char *x_name, axis x, axis y)
{
    char place[PAGE_NUMBER], value[PAGE_NUMBER];
    for (size_t i = 0; i < line->count; i++) {
        if (!isfinite(line->y[i])) continue;
        ap_page_put(p, "<path class=\"point %s\" d=\"M%.0f %.0fh0.1\"><title>", line->style,
                    across(x, line->x[i]), down(y, line->y[i]));
        ap_page_text(p, line->label);
        ap_page_put(p, ", %s %s: %s</title></path>", x_name, ap_page_number(line->x[i], DIGITS, place),
                    ap_page_number(line->y[i], DIGITS, value));
    }
}

/* A description of the lines in words. */
static char *describe(const chart *c)
{
    size_t length;
    page words;
    char a[PAGE_NUMBER], b[PAGE_NUMBER], low[PAGE_NUMBER], high[PAGE_NUMBER];
    ap_page_open(&words);
    fprintf(words.stream, "%s by %s.", c->title, c->x_name);
    for (int l = 0; l < c->line_count; l++) {
        const chart_line *line = &c->lines[l];
        if (!line->label) continue;
        chart alone = {.lines = line, .line_count = 1};
        size_t count;
        double *values = sorted_values(&alone, &count);
        if (count)
            fprintf(words.stream, " %s: from %s to %s, between %s and %s.", line->label,
                    ap_page_number(line->y[0], DIGITS, a),
                    ap_page_number(line->y[line->count - 1], DIGITS, b),
                    ap_page_number(values[0], DIGITS, low), ap_page_number(values[count - 1], DIGITS, high));
        free(values);
    }
    return ap_page_close(&words, &length);
}

static void draw_legend(page *p, const chart *c)
{
    char text[PAGE_NUMBER];
    ap_page_put(p, "<figcaption><b>");
    ap_page_text(p, c->title);
    ap_page_put(p, "</b>");
    ap_page_put(p, "<span class=\"legend\">");
    for (int l = 0; l < c->line_count; l++) {
        const chart_line *line = &c->lines[l];
        if (!line->label) continue;
        ap_page_put(p, "<span class=\"key\"><i class=\"%s\"></i>", line->style);
        ap_page_text(p, line->label);
        if (c->last)
            ap_page_put(p, " <span class=\"last\">%s</span>",
                        ap_page_number(line->count ? line->y[line->count - 1] : NAN, DIGITS, text));
        ap_page_put(p, "</span> ");
    }
    ap_page_put(p, "</span>");
    if (c->note) ap_page_element(p, "small", c->note);
    ap_page_put(p, "</figcaption>");
}

static void draw_marks(page *p, const chart *c, axis y)
{
    for (int k = 0; k < c->mark_count; k++) {
        char text[PAGE_NUMBER];
        double at = 100 - 100 * ap_axis_place(y, c->marks[k]);
        ap_page_put(p, "<line class=\"mark\" x1=\"0\" x2=\"100%%\" y1=\"%.2f%%\" y2=\"%.2f%%\"/>", at, at);
        ap_page_put(p, "<text class=\"mark\" x=\"100%%\" y=\"%.2f%%\" dy=\"-.3em\">%s</text>", at,
                    ap_page_number(c->marks[k], DIGITS, text));
    }
}

static axis x_axis(const chart *c)
{
    return (axis){c->x_low, c->x_high > c->x_low ? c->x_high : c->x_low + 1, false};
}

static void figure_open(page *p, const chart *c, axis x, axis y)
{
    char *words = describe(c);
    ticks along = ap_axis_ticks(x, TICKS_X), up = ap_axis_ticks(y, TICKS_Y);
    ap_page_put(p, "<figure>");
    draw_legend(p, c);
    ap_chart_frame_open(p, c->kind ? c->kind : "", words, &along, &up);
    ap_page_put(p, "<text class=\"x name\" x=\"100%%\" y=\"100%%\" dy=\"2.6em\">%s</text>", c->x_name);
    free(words);
}

static void figure_close(page *p)
{
    ap_page_put(p, "</svg>");
    ap_chart_frame_close(p);
    ap_page_put(p, "</figure>\n");
}

void ap_chart_draw(page *p, const chart *c)
{
    axis x = x_axis(c), y = ap_chart_range(c);
    figure_open(p, c, x, y);
    draw_marks(p, c, y);
    stretch_open(p);
    for (int l = 0; l < c->line_count; l++) draw_path(p, &c->lines[l], x, y);
    for (int l = 0; l < c->line_count; l++)
        if (c->lines[l].points) draw_points(p, &c->lines[l], c->x_name, x, y);
    figure_close(p);
}

/* ---------------------------------------------------------------- a stack */

void ap_chart_stack(page *p, const chart *c)
{
    axis x = x_axis(c), y = ap_chart_range(c);
    size_t n = c->line_count ? c->lines[0].count : 0;
    double *below = ap_allocate(n, sizeof *below);
    figure_open(p, c, x, y);
    stretch_open(p);
    for (int l = 0; l < c->line_count; l++) {
        const chart_line *line = &c->lines[l];
        ap_page_put(p, "<path class=\"area %s\" d=\"", line->style);
        for (size_t i = 0; i < n; i++)
            ap_page_put(p, "%c%.0f %.0f", i ? 'L' : 'M', across(x, line->x[i]),
                        down(y, below[i] + line->y[i]));
        for (size_t i = n; i-- > 0;) {
            ap_page_put(p, "L%.0f %.0f", across(x, line->x[i]), down(y, below[i]));
            below[i] += line->y[i];
        }
        ap_page_put(p, "Z\"><title>");
        ap_page_text(p, line->label);
        ap_page_put(p, "</title></path>");
    }
    free(below);
    figure_close(p);
}

/* ---------------------------------------------------------------- lanes */

/* The share of a lane's height that its maximum reaches. */
#define LANE_FILL 0.9

static double greatest(const chart_line *line)
{
    double most = 0;
    for (size_t i = 0; i < line->count; i++)
        if (line->y[i] > most) most = line->y[i];
    return most > 0 ? most : 1;
}

static void draw_lane(page *p, const chart_line *line, axis x, double base, double height)
{
    double scale = LANE_FILL * height / greatest(line);
    ap_page_put(p, "<path class=\"area %s\" d=\"M%.0f %.0f", line->style, across(x, line->x[0]), base);
    for (size_t i = 0; i < line->count; i++)
        ap_page_put(p, "L%.0f %.0f", across(x, line->x[i]), base - scale * line->y[i]);
    ap_page_put(p, "L%.0f %.0fZ\"><title>", across(x, line->x[line->count - 1]), base);
    ap_page_text(p, line->label);
    ap_page_put(p, "</title></path>");
}

void ap_chart_lanes(page *p, const chart *c)
{
    axis x = x_axis(c);
    ticks along = ap_axis_ticks(x, TICKS_X), up = {0};
    for (int l = 0; l < c->line_count; l++)
        ap_ticks_add(&up, (c->line_count - 1.0 - l) / c->line_count, c->lines[l].label);
    char *words = describe(c);
    ap_page_put(p, "<figure class=\"lanes\"><figcaption>");
    ap_page_element(p, "b", c->title);
    if (c->note) ap_page_element(p, "small", c->note);
    ap_page_put(p, "</figcaption><div class=\"moving\">");
    ap_chart_frame_open(p, c->kind ? c->kind : "", words, &along, &up);
    stretch_open(p);
    for (int l = 0; l < c->line_count; l++)
        draw_lane(p, &c->lines[l], x, INNER * (l + 1) / c->line_count, INNER / c->line_count);
    ap_page_put(p, "</svg>");
    ap_chart_frame_close(p);
    ap_page_put(p, "</div></figure>\n");
    free(words);
}
