/* MPEG audio (MP3): decoded by libmpg123, whole, whatever its header says of its length. */
#ifndef ANTIPHON_AUDIO_MPEG_H
#define ANTIPHON_AUDIO_MPEG_H

#include "antiphon/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct ap_mpeg ap_mpeg;

/* Opens the file behind the descriptor, which stays the caller's, if it is MPEG audio; otherwise *mpeg is
 * NULL and the status good. A file that ends in the midst of a frame, or has fewer frames than its first one
 * says, is a failure. `path` is for messages. */
ap_status ap_mpeg_open(const char *path, int descriptor, ap_mpeg **mpeg);

int ap_mpeg_rate(const ap_mpeg *mpeg);
int ap_mpeg_channels(const ap_mpeg *mpeg);

/* Reads up to `count` interleaved frames; *got is less only at the end. */
ap_status ap_mpeg_read(ap_mpeg *mpeg, int64_t count, float *frames, int64_t *got);

/* NULL is allowed. */
void ap_mpeg_close(ap_mpeg *mpeg);

#endif
