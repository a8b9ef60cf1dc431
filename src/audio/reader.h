/* Functions of the reader (antiphon/audio.h) for use inside the library. */
#ifndef ANTIPHON_AUDIO_READER_H
#define ANTIPHON_AUDIO_READER_H

#include "antiphon/audio.h"

#include <stdbool.h>

/* The number of samples at rate `to` that `count` samples at rate `from` become. */
int64_t ap_audio_converted(int64_t count, int from, int to);

/* Whether the channels read so far cancel each other, as they do if right is the inverse of left: their
 * average is silent (40 dB below), but they are not. */
bool ap_audio_reader_cancels(const ap_audio_reader *reader);

/* ap_audio_reader_open, which also says whether a failure was the system's, not the file's. */
ap_status ap_audio_reader_open_telling(const char *path, int rate, ap_audio_reader **reader, bool *faulty);

/* Whether a failure to read was the system's. */
bool ap_audio_reader_is_faulty(const ap_audio_reader *reader);

/* The same as a failure. To be called after everything has been read. */
ap_status ap_audio_reader_check(const ap_audio_reader *reader);

#endif
