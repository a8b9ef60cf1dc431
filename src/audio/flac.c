#include "audio/flac.h"

#include "audio/recordings.h"
#include "audio/sixteen_bits.h"
#include "base/memory.h"

#include <sndfile.h>
#include <stdlib.h>
#include <string.h>

/* libsndfile's scale from fastest (0) to smallest (1). */
#define COMPRESSION 1.0

/* A file in memory, for libsndfile's virtual files. */
typedef struct memory_file {
    unsigned char *bytes;
    sf_count_t length, capacity, at;
} memory_file;

static sf_count_t file_length(void *user)
{
    return ((memory_file *)user)->length;
}

static sf_count_t file_tell(void *user)
{
    return ((memory_file *)user)->at;
}

static sf_count_t file_seek(sf_count_t offset, int whence, void *user)
{
    memory_file *file = user;
    sf_count_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? file->at : file->length;
    if (from + offset < 0 || from + offset > file->length) return -1;
    return file->at = from + offset;
}

static sf_count_t file_read(void *into, sf_count_t count, void *user)
{
    memory_file *file = user;
    if (count > file->length - file->at) count = file->length - file->at;
    memcpy(into, file->bytes + file->at, (size_t)count);
    file->at += count;
    return count;
}

static sf_count_t file_write(const void *from, sf_count_t count, void *user)
{
    memory_file *file = user;
    sf_count_t end = file->at + count;
    if (end > file->capacity) {
        file->capacity = 2 * end;
        file->bytes = ap_reallocate(file->bytes, (size_t)file->capacity, 1);
    }
    memcpy(file->bytes + file->at, from, (size_t)count);
    file->at = end;
    if (end > file->length) file->length = end;
    return count;
}

static ap_status write_samples(int64_t count, const int16_t *samples, int rate, int channels,
                               memory_file *file)
{
    SF_VIRTUAL_IO calls = {file_length, file_seek, file_read, file_write, file_tell};
    SF_INFO info = {.samplerate = rate, .channels = channels, .format = SF_FORMAT_FLAC | SF_FORMAT_PCM_16};
    SNDFILE *flac = sf_open_virtual(&calls, SFM_WRITE, &info, file);
    if (!flac) return ap_error(AP_FAILED, "FLAC: %s", sf_strerror(NULL));
    double level = COMPRESSION;
    sf_command(flac, SFC_SET_COMPRESSION_LEVEL, &level, sizeof level);
    bool whole = sf_writef_short(flac, samples, count) == count;
    ap_status status = whole ? ap_ok() : ap_error(AP_FAILED, "FLAC: %s", sf_strerror(flac));
    int failure = sf_close(flac);
    if (failure && whole) status = ap_error(AP_FAILED, "FLAC: %s", sf_error_number(failure));
    return status;
}

ap_status ap_audio_to_flac(const ap_audio *audio, void **bytes, size_t *length)
{
    const int channels = ap_audio_channels(audio);
    memory_file file = {.bytes = NULL};
    int64_t bad;
    int16_t *samples = ap_allocate((size_t)(audio->count * channels), sizeof *samples);
    bool good = true;
    for (int c = 0; c < channels && good; c++)
        good = ap_to_16_bits(audio->count, audio->samples + c * audio->count, channels, samples + c, &bad);
    ap_status status = good ? write_samples(audio->count, samples, audio->rate, channels, &file)
                            : ap_error(AP_FAILED, "FLAC: sample %lld is not a number", (long long)bad);
    free(samples);
    if (ap_failed(&status)) {
        free(file.bytes);
        file = (memory_file){.bytes = NULL};
    }
    *bytes = file.bytes;
    *length = (size_t)file.length;
    return status;
}
