/* Charts as inline SVG. Lines stretch with the page, text keeps its size: places are percentages, and colours
 * come from the page's style sheet by class ("input", "target", "output", "train", "val"). */
#ifndef ANTIPHON_REPORT_CHART_H
#define ANTIPHON_REPORT_CHART_H

#include "report/page.h"

#include <stdbool.h>

/* ---------------------------------------------------------------- axes */

/* From a value to a place between 0 and 1. */
typedef struct axis {
    double low, high; /* low < high; with log both positive */
    bool log;
} axis;

double ap_axis_place(axis a, double value);

#define TICKS_MOST 12
typedef struct ticks {
    int count;
    double at[TICKS_MOST]; /* places */
    char label[TICKS_MOST][PAGE_NUMBER];
} ticks;

/* Round numbers over the whole of the axis, about `wanted` of them; on a logarithmic axis 1, 2, 5 or powers
 * of ten. */
ticks ap_axis_ticks(axis a, int wanted);
void ap_ticks_add(ticks *t, double place, const char *label);

/* Opens an <svg> with grid and labels, where content is drawn in percent; to be ended by
 * ap_chart_frame_close. `alternative` is what is read aloud. */
void ap_chart_frame_open(page *p, const char *kind, const char *alternative, const ticks *x, const ticks *y);
void ap_chart_frame_close(page *p);

/* ---------------------------------------------------------------- lines */

typedef struct chart_line {
    const char *label;
    const char *style; /* class names */
    size_t count;
    const double *x, *y; /* NaN: a gap */
    bool points;         /* a mark at each point, which says its numbers */
} chart_line;

typedef enum chart_scale {
    CHART_AUTO,   /* logarithmic where the bulk of the values spans more than CHART_LOG_RATIO, all positive */
    CHART_LINEAR, /* from 0 where all are positive and come near it */
    CHART_UNIT    /* 0 to 1 */
} chart_scale;

#define CHART_LOG_RATIO 30

typedef struct chart {
    const char *title, *note; /* note: NULL for none */
    const char *kind;         /* a class; NULL for the usual */
    const char *x_name;       /* "epoch" */
    double x_low, x_high;
    chart_scale scale;
    bool last; /* whether the legend shows each line's last value */
    int line_count;
    const chart_line *lines;
    int mark_count;
    const double *marks; /* levels with a line of their own, always in the range */
} chart;

/* A <figure>: the lines with their legend. */
void ap_chart_draw(page *p, const chart *c);

/* The same with each line's values stacked on those before it; all have the same x and no gaps. */
void ap_chart_stack(page *p, const chart *c);

/* The vertical axis that ap_chart_draw chooses. */
axis ap_chart_range(const chart *c);

#endif
