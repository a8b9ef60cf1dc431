#include "audio/sixteen_bits.h"

#include <math.h>

/* Full scale of 16-bit samples, as libsndfile reads them. */
#define FULL_SCALE 32768

bool ap_to_16_bits(int64_t count, const ap_real *samples, int step, int16_t *out, int64_t *bad)
{
    for (int64_t i = 0; i < count; i++) {
        const double x = (double)samples[i] * FULL_SCALE, least = -FULL_SCALE, most = FULL_SCALE - 1;
        *bad = i;
        if (isnan(x)) return false;
        out[i * step] = (int16_t)lrint(x < least ? least : x < most ? x : most);
    }
    return true;
}
