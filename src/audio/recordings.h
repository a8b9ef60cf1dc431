/* Reads recordings as far as they are needed, and surveys them. */
#ifndef ANTIPHON_AUDIO_RECORDINGS_H
#define ANTIPHON_AUDIO_RECORDINGS_H

#include "antiphon/audio.h"

#include <stdbool.h>

/* The number of its channels, of which 0 means 1. */
static inline int ap_audio_channels(const ap_audio *audio)
{
    return audio->channels ? audio->channels : 1;
}

/* Reads the first `most` samples of a recording, or all if there are fewer, as ap_audio_read_channels does.
 */
ap_status ap_audio_read_some(const char *path, int rate, int channels, int64_t most, ap_audio *audio);

/* The same of its mid. */
ap_status ap_audio_read_start(const char *path, int rate, int64_t most, ap_audio *audio);

/* Counts the samples of a recording at `rate`: by its header, or else by decoding it. If there are more than
 * `most`, decoding may stop early, and *count is any number above `most`. */
ap_status ap_audio_measure(const char *path, int rate, int64_t most, int64_t *count);

/* The same for `n` recordings, and the count of the shortest. lengths[k] is 0 if a recording is longer than
 * that and its header does not give the length. */
ap_status ap_audio_measure_all(int n, const char *const paths[], int rate, int64_t lengths[],
                               int64_t *shortest);

/* Reads the mids of `n` recordings at `rate`, up to the end of the shortest: all get the same count, and the
 * rest costs neither time nor memory. lengths [n]: as above. After a failure nothing needs freeing. */
ap_status ap_audio_read_shortest(int n, const char *const paths[], int rate, ap_audio audio[],
                                 int64_t lengths[]);

/* What must be known of a recording before it is cut. */
typedef struct ap_audio_survey {
    int64_t count;  /* samples at the wanted rate */
    double loudest; /* RMS of the loudest second or so of its mid */
    uint64_t sound; /* a hash of the samples of its mid */
    bool faulty;    /* after a failure: it was the system's, as a disk's that fails, not the file's */
} ap_audio_survey;

/* Reads a recording from beginning to end, so that any fault in it is found. */
ap_status ap_audio_survey_file(const char *path, int rate, ap_audio_survey *survey);

#endif
