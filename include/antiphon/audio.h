/** @file audio.h
 * Audio files in and out: anything libsndfile reads, any rate, any number of channels, as mono at the wanted rate.
 */
#ifndef ANTIPHON_AUDIO_H
#define ANTIPHON_AUDIO_H

#include "antiphon/api.h"
#include "antiphon/rate.h"
#include "antiphon/real.h"
#include "antiphon/status.h"

#include <stdint.h>

AP_API_BEGIN

/** A mono signal; `samples` is owned by whoever holds the struct and given back by ap_audio_free. */
typedef struct ap_audio {
    ap_real *samples; /**< full scale is 1 */
    int64_t count;
    int rate; /**< samples a second */
} ap_audio;

/** Reads a whole file: channels averaged, resampled to `rate` (0: the file's own). On failure (missing, empty,
 * truncated, not audio, NaN or infinite samples, channels that cancel each other) the status names the file and `audio`
 * is left empty. */
ap_status ap_audio_read(const char *path, int rate, ap_audio *audio);

/** Frees the samples and empties the struct. NULL is allowed. */
void ap_audio_free(ap_audio *audio);

/** Writes a mono 16-bit WAV file. Samples beyond full scale are clipped to it; one that is not a number is a failure.
 * The file appears under its name whole or not at all. */
ap_status ap_audio_write(const char *path, const ap_audio *audio);

/** Reading in pieces, for files of any length in bounded memory. */
typedef struct ap_audio_reader ap_audio_reader;

/** Opens a file for reading as mono at `rate`; on success *reader is to be closed. */
ap_status ap_audio_reader_open(const char *path, int rate, ap_audio_reader **reader);

/** The rate the reader delivers. */
int ap_audio_reader_rate(const ap_audio_reader *reader);

/** The file's length at the reader's rate, in samples, as its header counts them; 0 where only reading to the end tells
 * (MP3, and streams that leave it open). */
int64_t ap_audio_reader_length(const ap_audio_reader *reader);

/** Reads up to `count` samples; *got is less only at the end of the file. However the reads are portioned, the samples
 * are the same. */
ap_status ap_audio_reader_read(ap_audio_reader *reader, int64_t count, ap_real *samples, int64_t *got);

/** NULL is allowed. */
void ap_audio_reader_close(ap_audio_reader *reader);

/** Writing in pieces: the file appears under its name only by ap_audio_writer_commit. */
typedef struct ap_audio_writer ap_audio_writer;
ap_status ap_audio_writer_open(const char *path, int rate, ap_audio_writer **writer);
ap_status ap_audio_writer_write(ap_audio_writer *writer, int64_t count, const ap_real *samples);

/** Finishes the file under its name and frees the writer, whatever the status. */
ap_status ap_audio_writer_commit(ap_audio_writer *writer);

/** Removes what was written and frees the writer. NULL is allowed. */
void ap_audio_writer_abandon(ap_audio_writer *writer);

AP_API_END

#endif
