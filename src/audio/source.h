/* Opens and reads audio files of any kind. This is the one place that decides what a file contains. */
#ifndef ANTIPHON_AUDIO_SOURCE_H
#define ANTIPHON_AUDIO_SOURCE_H

#include "antiphon/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct ap_source ap_source;

/* Opens a regular file of any kind that libsndfile or libmpg123 reads. A file shorter than its header says
 * is a failure, here or at the latest at the end of reading. */
ap_status ap_source_open(const char *path, ap_source **source, bool *faulty);

const char *ap_source_path(const ap_source *source);
int ap_source_rate(const ap_source *source);
int ap_source_channels(const ap_source *source);

/* The number of frames; -1 if it is unknown until the end is read (MP3, and streams whose header leaves it
 * open). */
int64_t ap_source_frames(const ap_source *source);

/* Reads up to `count` interleaved frames; *got is less only at the end. A sample that is not a finite number
 * is a failure. */
ap_status ap_source_read(ap_source *source, int64_t count, float *frames, int64_t *got);

/* Whether the system could not give what it was asked for, as a disk that fails. */
bool ap_source_is_faulty(const ap_source *source);

/* NULL is allowed. */
void ap_source_close(ap_source *source);

#endif
