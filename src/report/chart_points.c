#include "report/chart_points.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* Digits of numbers beside a chart. */
#define DIGITS 3
#define TICKS 4
/* Where names of points change to the left side; their distance; and the space for one, as shares of the
 * chart. */
#define NAME_TURN 0.6
#define NAME_ASIDE 0.04
#define NAME_WIDTH 0.3
#define NAME_HEIGHT 0.045

/* ---------------------------------------------------------------- places */

typedef enum along { ALONG_X, ALONG_Y } along;

static chart_value value_of(const chart_point *point, along which)
{
    return which == ALONG_X ? point->x : point->y;
}

/* An axis that includes all values, their intervals and the mark. */
static axis range(const chart_points *c, along which)
{
    enum { ENDS = 3 };
    double *ends = ap_allocate((size_t)c->count * ENDS, sizeof *ends),
           mark = which == ALONG_X ? c->x_mark : c->y_mark;
    for (int i = 0; i < c->count; i++) {
        chart_value v = value_of(&c->points[i], which);
        ends[ENDS * i] = v.value;
        ends[ENDS * i + 1] = v.low;
        ends[ENDS * i + 2] = v.high;
    }
    chart_line line = {.count = (size_t)c->count * ENDS, .y = ends};
    chart drawn = {
        .scale = CHART_LINEAR, .lines = &line, .line_count = 1, .marks = &mark, .mark_count = isfinite(mark)};
    axis a = ap_chart_range(&drawn);
    free(ends);
    return a;
}

static double percent(double place)
{
    return 100 * place;
}

/* ---------------------------------------------------------------- parts */

static char *describe(const chart_points *c, bool rows)
{
    page words;
    size_t length;
    char x[PAGE_NUMBER], y[PAGE_NUMBER];
    ap_page_open(&words);
    ap_page_put(&words, "%s.", c->title);
    for (int i = 0; i < c->count; i++) {
        const chart_point *point = &c->points[i];
        ap_page_put(&words, " %s: %s", point->label, ap_page_number(point->x.value, DIGITS, x));
        if (!rows) ap_page_put(&words, " and %s", ap_page_number(point->y.value, DIGITS, y));
        ap_page_put(&words, ";");
    }
    return ap_page_close(&words, &length);
}

static void open_figure(page *p, const chart_points *c, const char *kind, axis x, const ticks *up)
{
    bool rows = up->count == 0;
    char *words = describe(c, rows);
    ticks across = ap_axis_ticks(x, TICKS);
    ap_page_put(p, "<figure class=\"%s\"><figcaption><b>", kind);
    ap_page_text(p, c->title);
    ap_page_put(p, "</b>");
    if (c->note) ap_page_element(p, "small", c->note);
    ap_page_put(p, "</figcaption>");
    ap_chart_frame_open(p, kind, words, &across, up);
    ap_page_put(p, "<text class=\"x name\" x=\"100%%\" y=\"100%%\" dy=\"2.6em\">");
    ap_page_text(p, c->x_name);
    ap_page_put(p, "</text>");
    free(words);
}

static void close_figure(page *p)
{
    ap_chart_frame_close(p);
    ap_page_put(p, "</figure>\n");
}

static void draw_segment(page *p, const char *style, double x1, double y1, double x2, double y2)
{
    ap_page_put(p, "<line class=\"%s\" x1=\"%.2f%%\" y1=\"%.2f%%\" x2=\"%.2f%%\" y2=\"%.2f%%\"/>", style,
                percent(x1), percent(1 - y1), percent(x2), percent(1 - y2));
}

static void draw_x_mark(page *p, axis x, double mark)
{
    char text[PAGE_NUMBER];
    if (!isfinite(mark)) return;
    double at = ap_axis_place(x, mark);
    draw_segment(p, "mark", at, 0, at, 1);
    ap_page_put(p, "<text class=\"mark\" x=\"%.2f%%\" y=\"0\" dx=\"-.3em\" dy=\"-.2em\">%s</text>",
                percent(at), ap_page_number(mark, DIGITS, text));
}

static void draw_y_mark(page *p, axis y, double mark)
{
    char text[PAGE_NUMBER];
    if (!isfinite(mark)) return;
    double at = ap_axis_place(y, mark);
    draw_segment(p, "mark", 0, at, 1, at);
    ap_page_put(p, "<text class=\"mark\" x=\"100%%\" y=\"%.2f%%\" dy=\"-.3em\">%s</text>", percent(1 - at),
                ap_page_number(mark, DIGITS, text));
}

static void draw_dot(page *p, const chart_point *point, double x, double y)
{
    char value[PAGE_NUMBER], low[PAGE_NUMBER], high[PAGE_NUMBER];
    ap_page_put(p, "<circle class=\"%s\" cx=\"%.2f%%\" cy=\"%.2f%%\" r=\"4\"><title>", point->style,
                percent(x), percent(1 - y));
    ap_page_text(p, point->label);
    ap_page_put(p, ": %s (%s to %s)</title></circle>", ap_page_number(point->x.value, DIGITS, value),
                ap_page_number(point->x.low, DIGITS, low), ap_page_number(point->x.high, DIGITS, high));
}

static bool there(chart_value v)
{
    return isfinite(v.value) && isfinite(v.low) && isfinite(v.high);
}

/* ---------------------------------------------------------------- rows */

void ap_chart_rows(page *p, const chart_points *c)
{
    axis x = range(c, ALONG_X);
    const ticks none = {0};
    open_figure(p, c, "rows", x, &none);
    draw_x_mark(p, x, c->x_mark);
    for (int i = 0; i < c->count; i++) {
        const chart_point *point = &c->points[i];
        double y = 1 - (i + 0.5) / c->count;
        ap_page_put(p, "<text class=\"y\" x=\"-6\" y=\"%.2f%%\" dy=\".32em\">", percent(1 - y));
        ap_page_text(p, point->label);
        ap_page_put(p, "</text>");
        if (!there(point->x)) continue;
        draw_segment(p, point->style, ap_axis_place(x, point->x.low), y, ap_axis_place(x, point->x.high), y);
        draw_dot(p, point, ap_axis_place(x, point->x.value), y);
    }
    close_figure(p);
}

/* ---------------------------------------------------------------- one against another */

/* The position of a point and of its name. */
typedef struct name {
    const char *text;
    double x, y, at; /* at: height of the text */
    bool left;
} name;

static int from_above(const void *a, const void *b)
{
    const name *p = a, *q = b;
    return (p->y < q->y) - (p->y > q->y);
}

static bool in_the_way(const name *a, const name *b)
{
    return a->left == b->left && fabs(a->x - b->x) < NAME_WIDTH && fabs(a->at - b->at) < NAME_HEIGHT;
}

/* Moves overlapping names apart: downwards from the highest, then up again those that have left the chart
 * and those in their way. */
static void spread(int count, name *names)
{
    qsort(names, (size_t)count, sizeof *names, from_above);
    for (int i = 0; i < count; i++)
        for (int k = 0; k < i; k++)
            if (in_the_way(&names[k], &names[i])) names[i].at = names[k].at - NAME_HEIGHT;
    for (int i = count; i-- > 0;) {
        names[i].at = fmax(names[i].at, 0);
        for (int k = count; k-- > i + 1;)
            if (in_the_way(&names[k], &names[i])) names[i].at = names[k].at + NAME_HEIGHT;
    }
}

static void draw_names(page *p, int count, const name *names)
{
    for (int i = 0; i < count; i++) {
        const name *n = &names[i];
        double aside = n->left ? n->x - NAME_ASIDE : n->x + NAME_ASIDE;
        draw_segment(p, "leader", n->x, n->y, aside, n->at);
        ap_page_put(p, "<text class=\"%s\" x=\"%.2f%%\" y=\"%.2f%%\" dy=\".32em\">",
                    n->left ? "before" : "behind", percent(aside), percent(1 - n->at));
        ap_page_text(p, n->text);
        ap_page_put(p, "</text>");
    }
}

static void draw_cross(page *p, const chart_point *point, axis x, axis y)
{
    double at = ap_axis_place(x, point->x.value), height = ap_axis_place(y, point->y.value);
    draw_segment(p, point->style, ap_axis_place(x, point->x.low), height, ap_axis_place(x, point->x.high),
                 height);
    draw_segment(p, point->style, at, ap_axis_place(y, point->y.low), at, ap_axis_place(y, point->y.high));
    draw_dot(p, point, at, height);
}

void ap_chart_scatter(page *p, const chart_points *c)
{
    axis x = range(c, ALONG_X), y = range(c, ALONG_Y);
    ticks up = ap_axis_ticks(y, TICKS);
    name *names = ap_allocate((size_t)c->count, sizeof *names);
    int count = 0;
    open_figure(p, c, "scatter", x, &up);
    ap_page_put(p, "<text class=\"behind\" x=\"0\" y=\"0\" dy=\"-.7em\">");
    ap_page_text(p, c->y_name);
    ap_page_put(p, "</text>");
    draw_x_mark(p, x, c->x_mark);
    draw_y_mark(p, y, c->y_mark);
    for (int i = 0; i < c->count; i++) {
        const chart_point *point = &c->points[i];
        if (!there(point->x) || !there(point->y)) continue;
        double at = ap_axis_place(x, point->x.value), height = ap_axis_place(y, point->y.value);
        names[count++] = (name){point->label, at, height, height, at > NAME_TURN};
        draw_cross(p, point, x, y);
    }
    spread(count, names);
    draw_names(p, count, names);
    free(names);
    close_figure(p);
}
