/* Audio compressed without loss, in memory: for files that carry sound inside them. */
#ifndef ANTIPHON_AUDIO_FLAC_H
#define ANTIPHON_AUDIO_FLAC_H

#include "antiphon/audio.h"

#include <stddef.h>

/* The recording as a FLAC file of 16 bits, which the caller frees. Samples are treated as by ap_audio_write.
 */
ap_status ap_audio_to_flac(const ap_audio *audio, void **bytes, size_t *length);

#endif
