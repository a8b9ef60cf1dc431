/* Charts as inline SVG. Lines stretch with the page, text keeps its size: positions are percentages. Colours
 * come from the page's style sheet by class ("input", "target", "output", "train", "val"). */
#ifndef ANTIPHON_REPORT_CHART_H
#define ANTIPHON_REPORT_CHART_H

#include "report/page.h"

#include <stdbool.h>

/* ---------------------------------------------------------------- axes */

/* Maps a value to a position between 0 and 1. */
typedef struct axis {
    double low, high; /* low < high; both positive if log is set */
    bool log;
} axis;

double ap_axis_place(axis a, double value);

#define TICKS_MOST 12
typedef struct ticks {
    int count;
    double at[TICKS_MOST]; /* places */
    char label[TICKS_MOST][PAGE_NUMBER];
} ticks;

/* Round numbers across the axis, about `wanted` of them; on a logarithmic axis 1, 2, 5 times powers of ten,
 * or powers of ten. */
ticks ap_axis_ticks(axis a, int wanted);
void ap_ticks_add(ticks *t, double place, const char *label);

/* Opens an <svg> with grid and labels, in which content is drawn in percent. Closed by ap_chart_frame_close.
 * `alternative` is the text for screen readers. */
void ap_chart_frame_open(page *p, const char *kind, const char *alternative, const ticks *x, const ticks *y);
void ap_chart_frame_close(page *p);

/* ---------------------------------------------------------------- lines */

typedef struct chart_line {
    const char *label; /* NULL: neither in the legend nor in words */
    const char *style; /* class names */
    size_t count;
    const double *x, *y; /* NaN: a gap */
    bool points;         /* a mark at each point, with its numbers as a tooltip */
} chart_line;

typedef enum chart_scale {
    CHART_AUTO,   /* logarithmic if all values are positive and their bulk spans more than CHART_LOG_RATIO */
    CHART_LINEAR, /* starts at 0 if all values are positive and some are close to it */
    CHART_UNIT    /* 0 to 1 */
} chart_scale;

#define CHART_LOG_RATIO 30

typedef struct chart {
    const char *title, *note; /* note: NULL for none */
    const char *kind;         /* a class; NULL for the default */
    const char *x_name;       /* "epoch" */
    double x_low, x_high;
    chart_scale scale;
    bool last; /* whether the legend shows each line's last value */
    int line_count;
    const chart_line *lines;
    int mark_count;
    const double *marks; /* reference levels, drawn as lines and always in the range */
} chart;

/* Draws a <figure> with the lines and their legend. */
void ap_chart_draw(page *p, const chart *c);

/* The same with the values of each line stacked on those before it. All lines have the same x and no gaps.
 */
void ap_chart_stack(page *p, const chart *c);

/* Each line as a filled area in a lane of its own, the first on top, scaled to its own maximum, so that their
 * courses can be compared. The labels stand beside the lanes. */
void ap_chart_lanes(page *p, const chart *c);

/* The vertical axis that ap_chart_draw chooses. */
axis ap_chart_range(const chart *c);

#endif
