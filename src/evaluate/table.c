#include "evaluate/table.h"

#include <math.h>
#include <string.h>

/* "  -1.23 ±0.45" */
#define CELL_WIDTH 13

int ap_table_width(const char *name)
{
    int width = (int)strlen(name) + 2;
    return width > CELL_WIDTH ? width : CELL_WIDTH;
}

void ap_table_summary(FILE *stream, int width, ap_summary summary)
{
    int spare = width - CELL_WIDTH;
    if (isnan(summary.mean))
        fprintf(stream, "%*s", width, "-");
    else if (summary.count == 1) /* one value has no interval */
        fprintf(stream, "%*s%7.2f %-5s", spare, "", summary.mean, "-");
    else
        fprintf(stream, "%*s%7.2f ±%-4.2f", spare, "", summary.mean, (summary.high - summary.low) / 2);
}
