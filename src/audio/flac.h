/* FLAC files in memory, for embedding sound in other files. */
#ifndef ANTIPHON_AUDIO_FLAC_H
#define ANTIPHON_AUDIO_FLAC_H

#include "antiphon/audio.h"

#include <stddef.h>

/* Encodes the recording as a 16-bit FLAC file in *bytes, which the caller frees. Samples are treated as by
 * ap_audio_write. */
ap_status ap_audio_to_flac(const ap_audio *audio, void **bytes, size_t *length);

#endif
