/* Functions of the reader (antiphon/audio.h) for use inside the library. */
#ifndef ANTIPHON_AUDIO_READER_H
#define ANTIPHON_AUDIO_READER_H

#include "antiphon/audio.h"

#include <stdbool.h>

/* The number of samples at rate `to` that `count` samples at rate `from` become. */
int64_t ap_audio_converted(int64_t count, int from, int to);

/* The file's own rate and channels. */
int ap_audio_reader_file_rate(const ap_audio_reader *reader);
int ap_audio_reader_file_channels(const ap_audio_reader *reader);

/* ap_audio_reader_open_channels, which also says whether a failure was the system's, not the file's. */
ap_status ap_audio_reader_open_telling(const char *path, int rate, int channels, ap_audio_reader **reader,
                                       bool *faulty);

/* Leaves out the beginning, before anything is read: the rest is then as if the file began there. */
ap_status ap_audio_reader_skip(ap_audio_reader *reader, double seconds);

/* The share of what a reader of the mid has read so far in which the channels cancelled each other, so that
 * their signs were turned. */
double ap_audio_reader_cancelled(const ap_audio_reader *reader);

/* Whether a failure to read was the system's. */
bool ap_audio_reader_is_faulty(const ap_audio_reader *reader);

#endif
