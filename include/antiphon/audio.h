/** @file audio.h
 * Reads and writes audio files. Any file that libsndfile or libmpg123 reads, at any rate and with any number
 * of channels, is read as mono at the wanted rate.
 */
#ifndef ANTIPHON_AUDIO_H
#define ANTIPHON_AUDIO_H

#include "antiphon/api.h"
#include "antiphon/rate.h"
#include "antiphon/real.h"
#include "antiphon/status.h"

#include <stdint.h>

AP_API_BEGIN

/** A mono signal. Whoever holds the struct owns `samples` and frees it by ap_audio_free. */
typedef struct ap_audio {
    ap_real *samples; /**< full scale is 1 */
    int64_t count;    /**< of samples */
    int rate;         /**< samples per second */
} ap_audio;

/** Reads a whole file, averages its channels and resamples to `rate` (0: the file's own rate). On failure
 * (missing, empty, truncated, not audio, NaN or infinite samples, channels that cancel each other) the status
 * names the file and `audio` is left empty. */
ap_status ap_audio_read(const char *path, int rate, ap_audio *audio);

/** Frees the samples and empties the struct. NULL is allowed. */
void ap_audio_free(ap_audio *audio);

/** Writes a mono 16-bit WAV file. Samples beyond full scale are clipped; NaN is a failure. The file appears
 * under its name whole or not at all. */
ap_status ap_audio_write(const char *path, const ap_audio *audio);

/** Reads a file in pieces, so that files of any length need bounded memory. */
typedef struct ap_audio_reader ap_audio_reader;

/** Opens a file for reading as mono at `rate` (0: the file's own rate). On success the caller closes *reader.
 */
ap_status ap_audio_reader_open(const char *path, int rate, ap_audio_reader **reader);

/** The rate at which the reader delivers samples. */
int ap_audio_reader_rate(const ap_audio_reader *reader);

/** The file's length in samples at the reader's rate, according to its header; 0 if the length is known only
 * after reading to the end (MP3, and streams that leave it open). */
int64_t ap_audio_reader_length(const ap_audio_reader *reader);

/** Reads up to `count` samples. *got is less only at the end of the file. The samples do not depend on how
 * the reads are portioned. On failure the status names the file. */
ap_status ap_audio_reader_read(ap_audio_reader *reader, int64_t count, ap_real *samples, int64_t *got);

/** Closes the reader and frees it. NULL is allowed. */
void ap_audio_reader_close(ap_audio_reader *reader);

/** Writes a mono 16-bit WAV file in pieces. The file appears under its name when ap_audio_writer_commit
 * succeeds. */
typedef struct ap_audio_writer ap_audio_writer;

/** Opens a temporary file beside `path`. On success the caller commits or abandons *writer. */
ap_status ap_audio_writer_open(const char *path, int rate, ap_audio_writer **writer);

/** Appends `count` samples; the rules of ap_audio_write apply. */
ap_status ap_audio_writer_write(ap_audio_writer *writer, int64_t count, const ap_real *samples);

/** Completes the file under its name. Frees the writer in any case. */
ap_status ap_audio_writer_commit(ap_audio_writer *writer);

/** Removes the temporary file and frees the writer. NULL is allowed. */
void ap_audio_writer_abandon(ap_audio_writer *writer);

AP_API_END

#endif
