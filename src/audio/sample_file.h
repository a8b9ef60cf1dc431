/* Files from which a window of samples can be read at once, wherever it begins: WAV files with one channel of
 * 16-bit or float samples at the wanted rate, as antiphon prepare and antiphon synth write them.
 *
 * Of any other recording a copy of this kind is made. A resampler in the middle of a file would have to be
 * led in, and the turned signs of a mid depend on the 8192 frames around it; a copy has the samples that
 * reading from the beginning gives, bit for bit, whatever the file's format, and costs nothing to read. */
#ifndef ANTIPHON_AUDIO_SAMPLE_FILE_H
#define ANTIPHON_AUDIO_SAMPLE_FILE_H

#include "antiphon/real.h"
#include "antiphon/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

typedef struct ap_sample_file {
    int64_t count;  /* of samples */
    int64_t offset; /* of the first, in bytes */
    bool floats;    /* 32-bit float samples; false: 16-bit integers */
    int64_t bytes;  /* of the file; this and what follows is how it was when it was looked at */
    ino_t inode;
    struct timespec changed;
} ap_sample_file;

/* Reads the header. *plain is false if the file is of another kind, or odd in any way: then it is left to
 * ap_audio_read, which says what is wrong with it. A file that cannot be opened is a failure. */
ap_status ap_sample_file_look(const char *path, int rate, ap_sample_file *file, bool *plain);

/* Reads `count` samples from sample `at` on, exactly as ap_audio_read would give them. A file that is gone,
 * or is not as it was when it was looked at, is a failure that names it, as is a sample that is not finite.
 * Threads may read the same file; no memory is allocated. */
ap_status ap_sample_file_read(const char *path, const ap_sample_file *file, int64_t at, int64_t count,
                              ap_real *samples);

/* Makes `copy`, whose folder exists, of the mid of the recording at `path`, unless it is there already and
 * was made of this very file: a copy has the same time of change as its original. It appears under its name
 * whole or not at all. */
ap_status ap_sample_file_copy(const char *path, int rate, const char *copy);

#endif
