#include "audio/mpeg.h"

#include "audio/mpeg_frames.h"
#include "base/memory.h"

#include <mpg123.h>
#include <stdlib.h>
#include <unistd.h>

struct ap_mpeg {
    const char *path; /* the caller's */
    mpg123_handle *decoder;
    long rate;
    int channels;
    int64_t read; /* frames */
};

static ap_status check_frames(const char *path, const ap_mpeg_frames *frames)
{
    if (frames->cut) return ap_error(AP_FAILED, "%s: truncated: it ends within an MPEG frame", path);
    if (frames->whole + 1 >= frames->promised)
        return ap_ok(); /* encoders disagree whether the first frame counts */
    return ap_error(AP_FAILED, "%s: truncated: its header announces %lld MPEG frames, but it has %lld", path,
                    (long long)frames->promised, (long long)frames->whole);
}

/* The failure reported by libmpg123. */
static ap_status failure(const ap_mpeg *m, int code)
{
    if (code == MPG123_NEW_FORMAT)
        return ap_error(AP_FAILED, "%s: changes its rate or channels after %.3f s", m->path,
                        (double)m->read / (double)m->rate);
    return ap_error(AP_FAILED, "%s: unreadable MPEG audio: %s", m->path,
                    m->decoder ? mpg123_strerror(m->decoder) : mpg123_plain_strerror(code));
}

static ap_status open_decoder(ap_mpeg *m, int descriptor)
{
    int code, encoding;
    m->decoder = mpg123_new(NULL, &code);
    if (!m->decoder) return failure(m, code);
    mpg123_param(m->decoder, MPG123_REMOVE_FLAGS, MPG123_AUTO_RESAMPLE, 0);
    mpg123_param(m->decoder, MPG123_ADD_FLAGS, MPG123_FORCE_FLOAT | MPG123_GAPLESS | MPG123_QUIET, 0);
    if (lseek(descriptor, 0, SEEK_SET) != 0) return failure(m, MPG123_LSEEK_FAILED);
    code = mpg123_open_fd(m->decoder, descriptor);
    if (code == MPG123_OK) code = mpg123_getformat(m->decoder, &m->rate, &m->channels, &encoding);
    if (code == MPG123_OK) code = mpg123_format_none(m->decoder);
    if (code == MPG123_OK) code = mpg123_format(m->decoder, m->rate, m->channels, MPG123_ENC_FLOAT_32);
    return code == MPG123_OK ? ap_ok() : failure(m, code);
}

ap_status ap_mpeg_open(const char *path, int descriptor, ap_mpeg **mpeg)
{
    ap_mpeg_frames frames;
    *mpeg = NULL;
    if (!ap_mpeg_frames_count(descriptor, &frames)) return ap_ok();
    AP_TRY(check_frames(path, &frames));
    if (mpg123_init() != MPG123_OK) return ap_error(AP_FAILED, "%s: libmpg123 does not start", path);
    ap_mpeg *m = ap_allocate(1, sizeof *m);
    m->path = path;
    ap_status status = open_decoder(m, descriptor);
    if (ap_failed(&status)) {
        ap_mpeg_close(m);
        m = NULL;
    }
    *mpeg = m;
    return status;
}

int ap_mpeg_rate(const ap_mpeg *m)
{
    return (int)m->rate;
}

int ap_mpeg_channels(const ap_mpeg *m)
{
    return m->channels;
}

ap_status ap_mpeg_read(ap_mpeg *m, int64_t count, float *frames, int64_t *got)
{
    const size_t frame_bytes = (size_t)m->channels * sizeof *frames;
    int code = MPG123_OK;
    for (*got = 0; *got < count && code == MPG123_OK;) {
        size_t done = 0;
        code = mpg123_read(m->decoder, (unsigned char *)(frames + *got * m->channels),
                           (size_t)(count - *got) * frame_bytes, &done);
        *got += (int64_t)(done / frame_bytes);
        m->read += (int64_t)(done / frame_bytes);
    }
    return code == MPG123_OK || code == MPG123_DONE ? ap_ok() : failure(m, code);
}

void ap_mpeg_close(ap_mpeg *m)
{
    if (!m) return;
    if (m->decoder) mpg123_delete(m->decoder);
    free(m);
}
