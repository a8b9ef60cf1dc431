/* Chroma at any rate. */
#ifndef ANTIPHON_EVALUATE_HARMONY_H
#define ANTIPHON_EVALUATE_HARMONY_H

#include "antiphon/metrics.h"

/* ap_chroma_of, for audio at another rate. */
ap_chroma ap_chroma_at(ap_arena *arena, int rate, int64_t n, const ap_real *x);

#endif
