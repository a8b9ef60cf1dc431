#include "audio/sample_file.h"

#include "antiphon/audio.h"
#include "base/bounds.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/replace.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The header, up to the sound, lies within as many bytes. */
#define HEAD_BYTES 4096
#define CHUNK_HEAD 8
/* Samples converted at a time, on the stack. */
#define BLOCK 8192
/* What a WAV header says about its samples. */
enum { TAG_INTEGERS = 1, TAG_FLOATS = 3 };

static uint32_t number_at(const unsigned char *bytes, int count)
{
    uint32_t number = 0;
    for (int i = count - 1; i >= 0; i--) number = number << 8 | bytes[i];
    return number;
}

/* ---------------------------------------------------------------- looking */

static bool fits(const unsigned char *format, int rate, ap_sample_file *file)
{
    uint32_t tag = number_at(format, 2), bits = number_at(format + 14, 2);
    file->floats = tag == TAG_FLOATS;
    return ((tag == TAG_INTEGERS && bits == 16) || (tag == TAG_FLOATS && bits == 32)) &&
           number_at(format + 2, 2) == 1 && number_at(format + 4, 4) == (uint32_t)rate;
}

/* Whether the header is that of a file of this kind that holds all the sound that it announces. */
static bool parse(const unsigned char *head, int64_t count, int rate, ap_sample_file *file)
{
    bool formatted = false;
    if (count < 12 || memcmp(head, "RIFF", 4) != 0 || memcmp(head + 8, "WAVE", 4) != 0) return false;
    for (int64_t at = 12; at + CHUNK_HEAD <= count;) {
        int64_t size = number_at(head + at + 4, 4), body = at + CHUNK_HEAD;
        if (memcmp(head + at, "data", 4) == 0) {
            int64_t width = file->floats ? 4 : 2;
            file->offset = body;
            file->count = size / width;
            return formatted && size > 0 && size % width == 0 && size <= file->bytes - body;
        }
        if (memcmp(head + at, "fmt ", 4) == 0) {
            if (formatted || size < 16 || body + 16 > count || !fits(head + body, rate, file)) return false;
            formatted = true;
        }
        at = body + size + size % 2;
    }
    return false;
}

static ap_status cannot_be_read(const char *path, int reason)
{
    return ap_error(AP_FAILED, "%s: cannot be read: %s", path, strerror(reason));
}

ap_status ap_sample_file_look(const char *path, int rate, ap_sample_file *file, bool *plain)
{
    unsigned char head[HEAD_BYTES];
    struct stat about;
    *plain = false;
    int descriptor = ap_file_open(path);
    if (descriptor < 0) return ap_error(AP_FAILED, "%s: cannot be opened: %s", path, strerror(errno));
    ssize_t got = fstat(descriptor, &about) != 0 ? -1
                  : S_ISREG(about.st_mode)       ? pread(descriptor, head, sizeof head, 0)
                                                 : 0;
    int reason = errno;
    close(descriptor);
    if (got < 0) return cannot_be_read(path, reason);
    *file = (ap_sample_file){.bytes = about.st_size, .inode = about.st_ino, .changed = about.st_mtim};
    *plain = parse(head, got, rate, file);
    return ap_ok();
}

/* ---------------------------------------------------------------- reading */

static bool is_as_it_was(int descriptor, const ap_sample_file *file)
{
    struct stat about;
    return fstat(descriptor, &about) == 0 && about.st_size == file->bytes && about.st_ino == file->inode &&
           about.st_mtim.tv_sec == file->changed.tv_sec && about.st_mtim.tv_nsec == file->changed.tv_nsec;
}

static ap_status read_bytes(const char *path, int descriptor, int64_t at, size_t bytes, void *into)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t got = pread(descriptor, (char *)into + done, bytes - done, at + (off_t)done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return cannot_be_read(path, errno);
        if (got == 0) return ap_error(AP_FAILED, "%s: it has become shorter since training began", path);
        done += (size_t)got;
    }
    return ap_ok();
}

static ap_status read_block(const char *path, int descriptor, const ap_sample_file *file, int64_t at,
                            int64_t count, ap_real *samples)
{
    union {
        int16_t integers[BLOCK];
        float floats[BLOCK];
    } block;
    int64_t width = file->floats ? 4 : 2;
    AP_TRY(read_bytes(path, descriptor, file->offset + at * width, (size_t)(count * width), &block));
    for (int64_t i = 0; i < count; i++) {
        samples[i] = file->floats ? (ap_real)block.floats[i] : (ap_real)block.integers[i] / 32768;
        if (!isfinite(samples[i]))
            return ap_error(AP_FAILED, "%s: sample %" PRId64 " is not a finite number", path, at + i);
    }
    return ap_ok();
}

ap_status ap_sample_file_read(const char *path, const ap_sample_file *file, int64_t at, int64_t count,
                              ap_real *samples)
{
    int descriptor = ap_file_open(path);
    if (descriptor < 0) return ap_error(AP_FAILED, "%s: cannot be opened: %s", path, strerror(errno));
    ap_status status = is_as_it_was(descriptor, file)
                           ? ap_ok()
                           : ap_error(AP_FAILED, "%s: it has changed since training began", path);
    for (int64_t done = 0; done < count && !ap_failed(&status); done += BLOCK)
        status = read_block(path, descriptor, file, at + done, ap_least(BLOCK, count - done), samples + done);
    close(descriptor);
    return status;
}

/* ---------------------------------------------------------------- copying */

static bool is_copy(const char *path, int rate, const struct stat *original)
{
    ap_sample_file file;
    bool plain;
    ap_status status = ap_sample_file_look(path, rate, &file, &plain);
    return !ap_failed(&status) && plain && file.changed.tv_sec == original->st_mtim.tv_sec &&
           file.changed.tv_nsec == original->st_mtim.tv_nsec;
}

static void put_number(unsigned char *bytes, int count, uint32_t number)
{
    for (int i = 0; i < count; i++) bytes[i] = (unsigned char)(number >> 8 * i);
}

static ap_status write_floats(ap_replacement *place, const ap_audio *audio)
{
    unsigned char head[44] = "RIFF....WAVEfmt ....................data";
    int64_t bytes = audio->count * 4;
    if (bytes > UINT32_MAX - (int64_t)sizeof head)
        return ap_error(AP_FAILED, "%s: a WAV file cannot exceed 4 GiB", place->path);
    put_number(head + 4, 4, (uint32_t)(bytes + 36));
    put_number(head + 16, 4, 16);
    put_number(head + 20, 2, TAG_FLOATS);
    put_number(head + 22, 2, 1);
    put_number(head + 24, 4, (uint32_t)audio->rate);
    put_number(head + 28, 4, (uint32_t)audio->rate * 4);
    put_number(head + 32, 2, 4);
    put_number(head + 34, 2, 32);
    put_number(head + 40, 4, (uint32_t)bytes);
    AP_TRY(ap_replace_write(place, head, sizeof head));
    for (int64_t done = 0; done < audio->count; done += BLOCK) {
        float block[BLOCK];
        int64_t count = ap_least(BLOCK, audio->count - done);
        for (int64_t i = 0; i < count; i++) block[i] = (float)audio->samples[done + i];
        AP_TRY(ap_replace_write(place, block, (size_t)count * sizeof *block));
    }
    return ap_ok();
}

ap_status ap_sample_file_copy(const char *path, int rate, const char *copy)
{
    struct stat original;
    ap_audio audio;
    ap_replacement place;
    if (stat(path, &original) != 0)
        return ap_error(AP_FAILED, "%s: cannot be opened: %s", path, strerror(errno));
    if (is_copy(copy, rate, &original)) return ap_ok();
    AP_TRY(ap_audio_read(path, rate, &audio));
    ap_status status = ap_replace_begin(copy, &place);
    if (ap_failed(&status)) {
        ap_audio_free(&audio);
        return status;
    }
    status = write_floats(&place, &audio);
    ap_audio_free(&audio);
    const struct timespec times[2] = {original.st_atim, original.st_mtim};
    if (!ap_failed(&status) && futimens(place.descriptor, times) != 0)
        status = ap_error(AP_FAILED, "%s: cannot be written: %s", copy, strerror(errno));
    if (!ap_failed(&status)) return ap_replace_commit(&place);
    ap_replace_abandon(&place);
    return status;
}
