/* Constraints on the activations of an audio mosaic (Driedger, Prätzlich, Müller, 2015, section 3): H [N, K]
 * says how loud each of K templates sounds in each of N frames. */
#ifndef ANTIPHON_EVALUATE_ACTIVATIONS_H
#define ANTIPHON_EVALUATE_ACTIVATIONS_H

#include "antiphon/real.h"

#include <stdint.h>

/* Against stuttering: y = H where H is the largest activation of its template within `reach` frames on each
 * side, fade H elsewhere. */
void ap_restrict_repetition(int64_t N, int64_t K, int64_t reach, ap_real fade, const ap_real *H, ap_real *y);

/* Limits the polyphony: in each frame the `most` loudest templates (and any as loud as the last of them)
 * stay, the others are multiplied by `fade`. 1 <= most <= AP_POLYPHONY_MOST. */
#define AP_POLYPHONY_MOST 16
void ap_restrict_polyphony(int64_t N, int64_t K, int most, ap_real fade, ap_real *H);

/* Favours templates in their original order: y[t, k] = sum over i = -reach .. reach of H[t + i, k + i]. */
void ap_enhance_continuity(int64_t N, int64_t K, int64_t reach, const ap_real *H, ap_real *y);

#endif
