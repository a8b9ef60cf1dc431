/* Tables of aligned text: one row per system, one column per measure. */
#ifndef ANTIPHON_EVALUATE_TABLE_H
#define ANTIPHON_EVALUATE_TABLE_H

#include "antiphon/evaluate.h"

/* The width of a column with the heading `name`. */
int ap_table_width(const char *name);

/* Prints a cell of this width: "1.23 ±0.45", the mean and half the width of its interval. */
void ap_table_summary(FILE *stream, int width, ap_summary summary);

#endif
