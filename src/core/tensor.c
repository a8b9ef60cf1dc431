#include "antiphon/tensor.h"

#include <inttypes.h>
#include <stdio.h>

int64_t ap_shape_count(ap_shape shape)
{
    int64_t count = 1;
    for (int i = 0; i < shape.rank; i++) count *= shape.at[i];
    return count;
}

bool ap_shape_same(ap_shape a, ap_shape b)
{
    if (a.rank != b.rank) return false;
    for (int i = 0; i < a.rank; i++)
        if (a.at[i] != b.at[i]) return false;
    return true;
}

ap_shape_text ap_shape_print(ap_shape shape)
{
    ap_shape_text out;
    size_t used = (size_t)snprintf(out.text, sizeof out.text, "[");
    for (int i = 0; i < shape.rank; i++)
        used += (size_t)snprintf(out.text + used, sizeof out.text - used, "%s%" PRId64, i ? ", " : "",
                                 shape.at[i]);
    snprintf(out.text + used, sizeof out.text - used, "]");
    return out;
}
