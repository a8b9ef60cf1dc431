#include "audio/source.h"

#include "audio/descriptor_io.h"
#include "audio/foreign.h"
#include "audio/mpeg.h"
#include "audio/ogg.h"
#include "audio/promise.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <math.h>
#include <sndfile.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A higher rate means a broken header. */
#define RATE_MAX 1000000

struct ap_source {
    char *path;
    int descriptor;
    ap_descriptor_io io;
    SNDFILE *file; /* or */
    ap_mpeg *mpeg;
    int rate, channels;
    int64_t frames; /* -1: unknown until the end is read */
    int64_t read;
    ap_promise promise;
};

/* failed: why it cannot be opened */
static ap_status open_regular(const char *path, int *descriptor, int64_t *bytes, int *failed)
{
    struct stat info;
    *descriptor = ap_file_open(path);
    if (*descriptor < 0 || fstat(*descriptor, &info) != 0) {
        *failed = errno;
        return ap_error(AP_FAILED, "%s: cannot be opened: %s", path, strerror(*failed));
    }
    *bytes = info.st_size;
    if (S_ISDIR(info.st_mode)) return ap_error(AP_FAILED, "%s: is a directory, not an audio file", path);
    if (!S_ISREG(info.st_mode)) return ap_error(AP_FAILED, "%s: is not a regular file", path);
    if (info.st_size == 0) return ap_error(AP_FAILED, "%s: is empty (0 bytes)", path);
    return ap_ok();
}

static ap_status check_format(const ap_source *s)
{
    if (s->frames == 0) return ap_error(AP_FAILED, "%s: holds no sound: its length is 0", s->path);
    if (s->channels >= 1 && s->rate >= 1 && s->rate <= RATE_MAX) return ap_ok();
    return ap_error(AP_FAILED, "%s: its header is broken: %d channels at %d samples a second", s->path,
                    s->channels, s->rate);
}

static ap_status check_reads(const ap_source *s)
{
    if (!s->io.failed) return ap_ok();
    return ap_error(AP_FAILED, "%s: cannot be read: %s", s->path, strerror(s->io.failed));
}

static void open_virtual(ap_source *s, SF_INFO *info)
{
    SF_VIRTUAL_IO calls = ap_descriptor_io_calls();
    if (s->file) sf_close(s->file);
    s->io.descriptor = s->descriptor;
    s->io.at = 0;
    *info = (SF_INFO){.format = 0};
    s->file = sf_open_virtual(&calls, SFM_READ, info, &s->io);
}

/* If a header leaves the size of the sound open, libsndfile reads to the end of the file, but not in all
 * formats. For the others the header is patched with the number that should be there. */
static void open_patched(ap_source *s, SF_INFO *info)
{
    s->io.patch_at = s->promise.size_at;
    s->io.patch_bytes = s->promise.size_bytes;
    s->io.patch = s->promise.size;
    open_virtual(s, info);
}

static ap_status not_read(const ap_source *s)
{
    const char *kind = ap_foreign_kind(s->descriptor);
    if (!kind)
        return ap_error(AP_FAILED, "%s: not an audio file that can be read: %s", s->path, sf_strerror(NULL));
    char *command = ap_foreign_conversion(s->path);
    ap_status status =
        ap_error(AP_FAILED, "%s: is %s, which is not read; convert it: %s", s->path, kind, command);
    free(command);
    return status;
}

static ap_status open_sndfile(ap_source *s, int64_t bytes)
{
    SF_INFO info;
    s->promise = ap_promise_of(s->descriptor); /* libsndfile silently accepts a file that is shorter */
    if (s->promise.bytes > (uint64_t)bytes)
        return ap_error(AP_FAILED, "%s: truncated: its header announces %llu bytes, but it has %lld", s->path,
                        (unsigned long long)s->promise.bytes, (long long)bytes);
    open_virtual(s, &info);
    if (s->promise.size_bytes > 0 && (!s->file || info.frames == 0)) open_patched(s, &info);
    AP_TRY(check_reads(s));
    if (!s->file) return not_read(s);
    bool ogg = (info.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_OGG;
    if (info.frames == SF_COUNT_MAX && ogg) /* the last page of such a file gives its length */
        return ap_error(AP_FAILED, "%s: truncated or damaged: its last page is missing", s->path);
    if (ogg && ap_ogg_is_chained(s->descriptor))
        return ap_error(AP_FAILED,
                        "%s: several OGG streams in succession, of which only the first would be read; "
                        "convert it to WAV or FLAC",
                        s->path);
    s->rate = info.samplerate;
    s->channels = info.channels;
    s->frames = info.frames == SF_COUNT_MAX ? -1 : info.frames;
    return check_format(s);
}

static ap_status open_any(ap_source *s)
{
    int64_t bytes = 0;
    AP_TRY(open_regular(s->path, &s->descriptor, &bytes, &s->io.failed));
    AP_TRY(ap_mpeg_open(s->path, s->descriptor, &s->mpeg));
    if (!s->mpeg) return open_sndfile(s, bytes);
    s->rate = ap_mpeg_rate(s->mpeg);
    s->channels = ap_mpeg_channels(s->mpeg);
    s->frames = -1;
    return check_format(s);
}

ap_status ap_source_open(const char *path, ap_source **source, bool *faulty)
{
    ap_source *s = ap_allocate(1, sizeof *s);
    s->path = ap_copy_text(path);
    s->descriptor = -1;
    ap_status status = open_any(s);
    *faulty = ap_source_is_faulty(s);
    if (ap_failed(&status)) {
        ap_source_close(s);
        s = NULL;
    }
    *source = s;
    return status;
}

void ap_source_close(ap_source *s)
{
    if (!s) return;
    if (s->file) sf_close(s->file);
    ap_mpeg_close(s->mpeg);
    if (s->descriptor >= 0) close(s->descriptor);
    free(s->path);
    free(s);
}

bool ap_source_is_faulty(const ap_source *s)
{
    return ap_file_is_fault(s->io.failed);
}

const char *ap_source_path(const ap_source *s)
{
    return s->path;
}

int ap_source_rate(const ap_source *s)
{
    return s->rate;
}

int ap_source_channels(const ap_source *s)
{
    return s->channels;
}

int64_t ap_source_frames(const ap_source *s)
{
    return s->frames;
}

/* Checks the end of the sound: not before the header says, and not by an error. */
static ap_status check_end(const ap_source *s)
{
    if (s->frames >= 0 && s->read < s->frames)
        return ap_error(
            AP_FAILED,
            "%s: truncated or damaged: its header announces %lld samples, but only %lld can be read", s->path,
            (long long)s->frames, (long long)s->read);
    if (s->file && s->frames < 0 && sf_error(s->file))
        return ap_error(AP_FAILED, "%s: truncated or damaged after %.3f s: %s", s->path,
                        (double)s->read / s->rate, sf_strerror(s->file));
    return ap_ok();
}

static ap_status check_finite(const ap_source *s, const float *frames, int64_t got)
{
    for (int64_t i = 0; i < got * s->channels; i++)
        if (!isfinite(frames[i])) {
            int64_t frame = s->read + i / s->channels;
            return ap_error(AP_FAILED, "%s: sample %lld (at %.3f s) is not a finite number", s->path,
                            (long long)frame, (double)frame / s->rate);
        }
    return ap_ok();
}

ap_status ap_source_read(ap_source *s, int64_t count, float *frames, int64_t *got)
{
    if (s->mpeg)
        AP_TRY(ap_mpeg_read(s->mpeg, count, frames, got));
    else
        *got = sf_readf_float(s->file, frames, count);
    AP_TRY(check_reads(s));
    AP_TRY(check_finite(s, frames, *got));
    s->read += *got;
    return *got < count ? check_end(s) : ap_ok();
}
