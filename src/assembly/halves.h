/* Converts the two 16-bit number formats to float. */
#ifndef ANTIPHON_ASSEMBLY_HALVES_H
#define ANTIPHON_ASSEMBLY_HALVES_H

#include <stdint.h>

/* IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits. Exact; NaN stays NaN. */
float ap_half_to_float(uint16_t bits);

/* bfloat16: the upper half of a float. */
float ap_bfloat_to_float(uint16_t bits);

#endif
