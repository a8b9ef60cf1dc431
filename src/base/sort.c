#include "base/sort.h"

#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void ap_sort(int64_t n, double *x)
{
    qsort(x, (size_t)n, sizeof *x, ascending);
}
