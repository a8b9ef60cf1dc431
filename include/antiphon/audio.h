/** @file audio.h
 * Reads and writes audio files. Any file that libsndfile or libmpg123 reads, at any rate and with any number
 * of channels, is read at the wanted rate, as it is, as stereo or as one signal, its mid.
 *
 * The mid is what the agent hears and what losses and metrics compare: the average of the channels. Where the
 * channels cancel each other (their average is 26 dB below them, as where left = -right), it is the average
 * with the signs of the channels turned, so that it sounds. Left = -right gives left. This is decided for
 * every 8192 frames of the file and fades in and out over as many.
 *
 * As stereo, a mono file gives two equal channels. Of more than two channels, left is the average of all but
 * the second, right that of all but the first.
 */
#ifndef ANTIPHON_AUDIO_H
#define ANTIPHON_AUDIO_H

#include "antiphon/api.h"
#include "antiphon/rate.h"
#include "antiphon/real.h"
#include "antiphon/status.h"

#include <stdint.h>

AP_API_BEGIN

/** A signal. Whoever holds the struct owns `samples` and frees it by ap_audio_free. */
typedef struct ap_audio {
    ap_real *samples; /**< [channels, count], one channel after the other; full scale is 1 */
    int64_t count;    /**< of samples in each channel */
    int rate;         /**< samples per second */
    int channels;     /**< 0 means 1 */
} ap_audio;

/** Reads the mid of a whole file at `rate` (0: the file's own rate). On failure (missing, empty, truncated,
 * not audio, NaN or infinite samples) the status names the file and `audio` is left empty. */
ap_status ap_audio_read(const char *path, int rate, ap_audio *audio);

/** The same in several channels: 1, the mid; 2, left and right; 0, as the file has them. */
ap_status ap_audio_read_channels(const char *path, int rate, int channels, ap_audio *audio);

/** Frees the samples and empties the struct. NULL is allowed. */
void ap_audio_free(ap_audio *audio);

/** Writes a file of 16 bits, FLAC if its name ends in .flac, else WAV. Samples beyond full scale are clipped;
 * NaN is a failure. The file appears under its name whole or not at all. */
ap_status ap_audio_write(const char *path, const ap_audio *audio);

/** Reads a file in pieces, so that files of any length need bounded memory. */
typedef struct ap_audio_reader ap_audio_reader;

/** Opens a file for reading its mid at `rate` (0: the file's own rate). On success the caller closes *reader.
 */
ap_status ap_audio_reader_open(const char *path, int rate, ap_audio_reader **reader);

/** The same in several channels, as in ap_audio_read_channels. */
ap_status ap_audio_reader_open_channels(const char *path, int rate, int channels, ap_audio_reader **reader);

/** The rate at which the reader delivers samples, and the channels in which it does. */
int ap_audio_reader_rate(const ap_audio_reader *reader);
int ap_audio_reader_channels(const ap_audio_reader *reader);

/** The file's length in samples at the reader's rate, according to its header; 0 if the length is known only
 * after reading to the end (MP3, and streams that leave it open). */
int64_t ap_audio_reader_length(const ap_audio_reader *reader);

/** Reads up to `count` samples of a reader with one channel. *got is less only at the end of the file. The
 * samples do not depend on how the reads are portioned. On failure the status names the file. */
ap_status ap_audio_reader_read(ap_audio_reader *reader, int64_t count, ap_real *samples, int64_t *got);

/** The same for any number of channels: up to `count` samples of each, channel c in samples[c]. */
ap_status ap_audio_reader_read_channels(ap_audio_reader *reader, int64_t count, ap_real *const samples[],
                                        int64_t *got);

/** Closes the reader and frees it. NULL is allowed. */
void ap_audio_reader_close(ap_audio_reader *reader);

/** Writes a file in pieces, of the kind that ap_audio_write chooses. The file appears under its name when
 * ap_audio_writer_commit succeeds. */
typedef struct ap_audio_writer ap_audio_writer;

/** Opens a temporary file beside `path`. On success the caller commits or abandons *writer. */
ap_status ap_audio_writer_open(const char *path, int rate, int channels, ap_audio_writer **writer);

/** Appends `count` samples to each channel, those of channel c from samples[c]; the rules of ap_audio_write
 * apply. */
ap_status ap_audio_writer_write(ap_audio_writer *writer, int64_t count, const ap_real *const samples[]);

/** Completes the file under its name. Frees the writer in any case. */
ap_status ap_audio_writer_commit(ap_audio_writer *writer);

/** Removes the temporary file and frees the writer. NULL is allowed. */
void ap_audio_writer_abandon(ap_audio_writer *writer);

AP_API_END

#endif
