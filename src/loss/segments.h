/* Envelopes of overlapping segments, by one of several norms. */
#ifndef ANTIPHON_LOSS_SEGMENTS_H
#define ANTIPHON_LOSS_SEGMENTS_H

#include "antiphon/modulation.h"

/* e [B, Q, M] of audio x of B signals: the norm of x in M equal segments, of floor(S / M) samples, which row
 * q begins q Q-ths of a segment (rounded down to samples) later than row 0. Samples beyond M floor(S / M) do
 * not count: the last segment of the rows behind the first is the shorter. Q is at most the samples of a
 * segment. */
ap_var *ap_segment_norm(ap_tape *tape, ap_var *x, int64_t M, int64_t Q, ap_envelope_type type);

#endif
