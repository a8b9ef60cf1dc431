/* Computes the envelope of a recording of any length in little memory. */
#ifndef ANTIPHON_AUDIO_RECORDING_ENVELOPE_H
#define ANTIPHON_AUDIO_RECORDING_ENVELOPE_H

#include "antiphon/modulation.h"
#include "antiphon/status.h"

/* The envelope e [M] of the first S samples of a recording at AP_SAMPLE_RATE, in segments of floor(S / M)
 * samples: the same as in the training cost. M <= S. A file with fewer than S samples is a failure. */
ap_status ap_recording_envelope(const char *path, int64_t S, int64_t M, ap_envelope_type type, ap_real *e);

#endif
