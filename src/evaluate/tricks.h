/* What a musician does by hand, as baselines. Each output has the target's integrated loudness (BS.1770), as
 * a musician would set it by ear; with no onset in the input, or silence on either side, it is silent. */
#ifndef ANTIPHON_EVALUATE_TRICKS_H
#define ANTIPHON_EVALUATE_TRICKS_H

#include "antiphon/real.h"

#include <stdint.h>

/* A sampler: at each of the input's onsets the target's note that begins nearest to it (at most half a second
 * away; else what sounds there) is struck. It decays until a little after the next onset. */
void ap_retrigger_grains(int64_t n, const ap_real *input, const ap_real *target, ap_real *y);

/* A keyed gate: each of the input's onsets opens it to the target for a moment. */
void ap_gate_by_hits(int64_t n, const ap_real *input, const ap_real *target, ap_real *y);

/* A channel vocoder of 16 bands, even in log frequency from 60 Hz to 11 kHz: in each, the target with its
 * level flattened takes the input's level (Dudley, "Remaking speech", J. Acoust. Soc. Am. 11, 1939). */
void ap_vocode(int64_t n, const ap_real *input, const ap_real *target, ap_real *y);

#endif
