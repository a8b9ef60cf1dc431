#include "kernels/level/names.h"

#include "kernels/dropout.h"

#include "kernels/hash.h"
#include "kernels/level/vec.h"
#include "kernels/tile.h"

#include <string.h>

#define COLUMNS AP_TILE_COLUMNS

static ap_hash_stretch stretch_from(const ap_dropout_mask *mask, uint64_t first)
{
    return ap_hash_from(mask->key, mask->origin + first);
}

/* Without a branch, so that the loops are vectorised. The results may stand in the place of the operands. */
void ap_dropout_add(const ap_dropout_mask *mask, uint64_t first, int64_t n, const ap_real *x,
                    const ap_real *part, ap_real *y)
{
    const ap_hash_stretch stretch = stretch_from(mask, first);
    const uint32_t threshold = mask->threshold;
    const ap_real factor = mask->factor;
    const int32_t count = (int32_t)n;
    if (!threshold && x)
#pragma omp simd
        for (int32_t i = 0; i < count; i++) y[i] = x[i] + part[i];
    else if (!threshold && y != part)
        memcpy(y, part, (size_t)n * sizeof *y);
    else if (threshold && x)
#pragma omp simd
        for (int32_t i = 0; i < count; i++)
            y[i] = x[i] + (ap_hash_at(stretch, (uint32_t)i) < threshold ? 0 : factor) * part[i];
    else if (threshold)
#pragma omp simd
        for (int32_t i = 0; i < count; i++)
            y[i] = (ap_hash_at(stretch, (uint32_t)i) < threshold ? 0 : factor) * part[i];
}

void ap_dropout_clear_columns(const ap_dropout_mask *mask, uint64_t first, int64_t pitch, int64_t rows,
                              ap_real *strip)
{
    const ap_hash_stretch stretch = stretch_from(mask, first);
    const uint32_t threshold = mask->threshold, step = (uint32_t)pitch;
    for (int64_t r = 0; r < rows; r++, strip += COLUMNS)
#pragma omp simd
        for (uint32_t i = 0; i < COLUMNS; i++)
            strip[i] = ap_hash_at(stretch, (uint32_t)r + i * step) < threshold ? 0 : strip[i];
}

void ap_dropout_softmax_back(const ap_dropout_mask *mask, uint64_t first, int64_t pitch, int64_t rows,
                             const ap_real *delta, ap_real *p, ap_real *dp)
{
    const ap_hash_stretch stretch = stretch_from(mask, first);
    const uint32_t threshold = mask->threshold;
    const ap_real factor = mask->factor;
    for (int64_t r = 0; r < rows; r++, p += COLUMNS, dp += COLUMNS) {
        const uint32_t row = (uint32_t)(r * pitch);
        const ap_real down = delta[r];
#pragma omp simd
        for (uint32_t i = 0; i < COLUMNS; i++) {
            ap_real m = ap_hash_at(stretch, row + i) < threshold ? 0 : factor, weight = p[i];
            dp[i] = weight * (m * dp[i] - down);
            p[i] = m * weight;
        }
    }
}
