#include "train/statistics.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* The buffer at `index` of the set, with *count numbers; none if the parameter is not a buffer. */
static ap_real *buffer_at(const ap_params *params, size_t index, int64_t *count)
{
    const ap_param *param = ap_params_at(params, index);
    *count = param->kind == AP_PARAM_BUFFER ? ap_shape_count(param->value.shape) : 0;
    return param->value.data;
}

ap_statistics ap_statistics_init(const ap_params *params)
{
    int64_t total = 0, count;
    for (size_t i = 0; i < ap_params_count(params); i++) {
        buffer_at(params, i, &count);
        total += count;
    }
    return (ap_statistics){.kept = ap_allocate((size_t)total, sizeof(ap_real))};
}

void ap_statistics_free(ap_statistics *statistics)
{
    free(statistics->kept);
    statistics->kept = NULL;
}

void ap_statistics_keep(ap_statistics *statistics, const ap_params *params)
{
    int64_t count;
    ap_real *to = statistics->kept;
    for (size_t i = 0; i < ap_params_count(params); i++, to += count) {
        const ap_real *buffer = buffer_at(params, i, &count);
        if (count) memcpy(to, buffer, (size_t)count * sizeof *to);
    }
}

void ap_statistics_restore(const ap_statistics *statistics, const ap_params *params)
{
    int64_t count;
    const ap_real *from = statistics->kept;
    for (size_t i = 0; i < ap_params_count(params); i++, from += count) {
        ap_real *buffer = buffer_at(params, i, &count);
        if (count) memcpy(buffer, from, (size_t)count * sizeof *from);
    }
}
