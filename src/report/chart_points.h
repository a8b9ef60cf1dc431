/* Charts of points with intervals, as inline SVG beside those of chart.h: rows, and one measure against
 * another. */
#ifndef ANTIPHON_REPORT_CHART_POINTS_H
#define ANTIPHON_REPORT_CHART_POINTS_H

#include "report/chart.h"

/* A value and its interval; where they are NaN nothing is drawn. */
typedef struct chart_value {
    double value, low, high;
} chart_value;

typedef struct chart_point {
    const char *label;
    const char *style; /* class names; "hollow" draws a ring */
    chart_value x, y;  /* y: not of rows */
} chart_point;

typedef struct chart_points {
    const char *title, *note;    /* note: NULL for none */
    const char *x_name, *y_name; /* y_name: not of rows */
    double x_mark, y_mark;       /* levels with a line of their own; NaN: none */
    int count;
    const chart_point *points;
} chart_points;

/* A <figure> with a row for each point, in their order from above: its label, and x with its interval. */
void ap_chart_rows(page *p, const chart_points *c);

/* A <figure> with each point at its x and y, its label beside it. */
void ap_chart_scatter(page *p, const chart_points *c);

#endif
