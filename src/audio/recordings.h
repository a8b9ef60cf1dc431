/* Recordings in memory, as far as they are needed, and what a recording holds. */
#ifndef ANTIPHON_AUDIO_RECORDINGS_H
#define ANTIPHON_AUDIO_RECORDINGS_H

#include "antiphon/audio.h"

#include <stdbool.h>

/* Reads the first `most` samples of a recording as mono at `rate`, or as many as there are. */
ap_status ap_audio_read_start(const char *path, int rate, int64_t most, ap_audio *audio);

/* How many samples a recording has at `rate`: by its header where that counts them, or else by decoding it.
 * If there are more than `most`, it need not be decoded to the end, and *count is any number above `most`. */
ap_status ap_audio_measure(const char *path, int rate, int64_t most, int64_t *count);

/* The same of `n` recordings, and what the shortest has. lengths[k] is 0 where a recording lasts longer than
 * that and its header does not say how long. */
ap_status ap_audio_measure_all(int n, const char *const paths[], int rate, int64_t lengths[],
                               int64_t *shortest);

/* Reads `n` recordings as mono at `rate`, none further than the shortest lasts: all get the same count, and
 * what lasts longer costs neither time nor memory. lengths [n]: as above. After a failure nothing is to be
 * freed. */
ap_status ap_audio_read_shortest(int n, const char *const paths[], int rate, ap_audio audio[],
                                 int64_t lengths[]);

/* All that is to know of a recording before it is cut. */
typedef struct ap_audio_survey {
    int64_t count;  /* samples at the wanted rate */
    double loudest; /* root mean square of its loudest second or so, channels averaged */
    uint64_t sound; /* two recordings with the same samples have the same */
    bool cancels;   /* that is silent, the channels are not */
    bool faulty;    /* after a failure: it was the system's, as a disk's that fails, not the file's */
} ap_audio_survey;

/* Reads a recording from beginning to end, so that whatever is wrong with it is found. */
ap_status ap_audio_survey_file(const char *path, int rate, ap_audio_survey *survey);

#endif
