/* Charts of points with intervals, as inline SVG: rows, and one measure against another. */
#ifndef ANTIPHON_REPORT_CHART_POINTS_H
#define ANTIPHON_REPORT_CHART_POINTS_H

#include "report/chart.h"

/* A value and its interval. NaN is not drawn. */
typedef struct chart_value {
    double value, low, high;
} chart_value;

typedef struct chart_point {
    const char *label;
    const char *style; /* class names; "hollow" draws a ring */
    chart_value x, y;  /* y: not used for rows */
} chart_point;

typedef struct chart_points {
    const char *title, *note;    /* note: NULL for none */
    const char *x_name, *y_name; /* y_name: not used for rows */
    double x_mark, y_mark;       /* reference levels, drawn as lines; NaN: none */
    int count;
    const chart_point *points;
} chart_points;

/* Draws a <figure> with one row per point, from top to bottom: its label, and x with its interval. */
void ap_chart_rows(page *p, const chart_points *c);

/* Draws a <figure> with each point at x and y, labelled. */
void ap_chart_scatter(page *p, const chart_points *c);

#endif
