/* What the library itself asks a reader beside reading (antiphon/audio.h). */
#ifndef ANTIPHON_AUDIO_READER_H
#define ANTIPHON_AUDIO_READER_H

#include "antiphon/audio.h"

#include <stdbool.h>

/* How many samples at rate `to` `count` samples at rate `from` become. */
int64_t ap_audio_converted(int64_t count, int from, int to);

/* Whether the channels of what was read so far cancel each other, as those of a recording do whose right is
 * its left with the sign turned: their average is silent (by 40 dB), they are not. */
bool ap_audio_reader_cancels(const ap_audio_reader *reader);

/* ap_audio_reader_open, which also says whether a failure was the system's, not the file's. */
ap_status ap_audio_reader_open_telling(const char *path, int rate, ap_audio_reader **reader, bool *faulty);

/* Whether a failure to read was the system's. */
bool ap_audio_reader_is_faulty(const ap_audio_reader *reader);

/* That as a failure. For who has read what there is to read. */
ap_status ap_audio_reader_check(const ap_audio_reader *reader);

#endif
