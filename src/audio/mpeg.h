/* Decodes MPEG audio (MP3) with libmpg123: the whole file, whatever its header says of its length. */
#ifndef ANTIPHON_AUDIO_MPEG_H
#define ANTIPHON_AUDIO_MPEG_H

#include "antiphon/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct ap_mpeg ap_mpeg;

/* Opens the file of the descriptor, which stays the caller's, if it is MPEG audio; otherwise *mpeg is NULL
 * and the status is success. A file that ends within a frame, or has fewer frames than its first one
 * announces, is a failure. `path` is for messages. */
ap_status ap_mpeg_open(const char *path, int descriptor, ap_mpeg **mpeg);

int ap_mpeg_rate(const ap_mpeg *mpeg);
int ap_mpeg_channels(const ap_mpeg *mpeg);

/* Reads up to `count` interleaved frames; *got is less only at the end. */
ap_status ap_mpeg_read(ap_mpeg *mpeg, int64_t count, float *frames, int64_t *got);

/* NULL is allowed. */
void ap_mpeg_close(ap_mpeg *mpeg);

#endif
