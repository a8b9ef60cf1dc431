#include "assembly/halves.h"

#include <math.h>
#include <string.h>

#define FRACTION_BITS 10
#define FRACTION ((1 << FRACTION_BITS) - 1)
#define EXPONENT_MOST 31
#define EXPONENT_BIAS 15

float ap_half_to_float(uint16_t bits)
{
    int exponent = bits >> FRACTION_BITS & EXPONENT_MOST, fraction = bits & FRACTION;
    float sign = bits >> 15 ? -1.0f : 1.0f;
    if (exponent == EXPONENT_MOST) return fraction ? NAN : sign * INFINITY;
    if (exponent == 0) return sign * ldexpf((float)fraction, 1 - EXPONENT_BIAS - FRACTION_BITS);
    return sign * ldexpf((float)(fraction + FRACTION + 1), exponent - EXPONENT_BIAS - FRACTION_BITS);
}

float ap_bfloat_to_float(uint16_t bits)
{
    uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return value;
}
