/* Tables of aligned text: a row a system, a column a measure. */
#ifndef ANTIPHON_EVALUATE_TABLE_H
#define ANTIPHON_EVALUATE_TABLE_H

#include "antiphon/evaluate.h"

/* The width of a column whose head is `name`. */
int ap_table_width(const char *name);

/* A cell so wide: "1.23 ±0.45", the mean and half the width of its interval. */
void ap_table_summary(FILE *stream, int width, ap_summary summary);

#endif
