#include "audio/reader.h"

#include "antiphon/stop.h"
#include "audio/mid.h"
#include "audio/resample.h"
#include "audio/source.h"
#include "base/bounds.h"
#include "base/memory.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Frames decoded and resampled at a time. The block size does not depend on the caller's requests, so
 * reading in pieces gives the same numbers as reading at once. */
#define BLOCK 8192

struct ap_audio_reader {
    ap_source *source;
    int rate, channels;    /* what the caller wants */
    ap_mid *mid;           /* for one channel */
    ap_resampler *convert; /* NULL if the file has that rate already */
    float *frames;         /* a block of interleaved frames, as in the file */
    float *mixed;          /* the same in `channels`; mixed_at to mixed_end are not yet converted */
    float *ready;          /* frames at the wanted rate; ready_at to ready_end are not yet delivered */
    int64_t mixed_at, mixed_end;
    int64_t ready_at, ready_end, ready_capacity;
    int64_t frames_read, frames_made;
    bool read_all, made_all; /* the file's last block is in `mixed`; its last frames are in `ready` */
};

/* ---------------------------------------------------------------- opening */

static double ratio_of(const ap_audio_reader *r)
{
    return (double)r->rate / ap_source_rate(r->source);
}

static ap_status prepare_buffers(ap_audio_reader *r)
{
    int rate = ap_source_rate(r->source);
    size_t width = (size_t)r->channels;
    if (r->rate != rate) {
        if (!ap_resampler_converts(rate, r->rate))
            return ap_error(AP_FAILED, "%s: cannot be resampled from %d to %d samples a second",
                            ap_source_path(r->source), rate, r->rate);
        r->convert = ap_resampler_create(rate, r->rate, r->channels);
    }
    if (r->channels == 1) r->mid = ap_mid_create(ap_source_channels(r->source));
    r->frames = ap_allocate((size_t)BLOCK * (size_t)ap_source_channels(r->source), sizeof(float));
    r->mixed = ap_allocate(BLOCK * width, sizeof(float));
    r->ready_capacity = (int64_t)ceil(BLOCK * ratio_of(r));
    r->ready = ap_allocate((size_t)r->ready_capacity * width, sizeof(float));
    return ap_ok();
}

ap_status ap_audio_reader_open_telling(const char *path, int rate, int channels, ap_audio_reader **reader,
                                       bool *faulty)
{
    if (rate < 0) ap_fatal("ap_audio_reader_open: a rate of %d samples a second", rate);
    if (channels < 0 || channels > 2) ap_fatal("ap_audio_reader_open: %d channels", channels);
    ap_audio_reader *r = ap_allocate(1, sizeof *r);
    ap_status status = ap_source_open(path, &r->source, faulty);
    if (!ap_failed(&status)) {
        r->rate = rate ? rate : ap_source_rate(r->source);
        r->channels = channels ? channels : ap_source_channels(r->source);
        status = prepare_buffers(r);
    }
    if (ap_failed(&status)) {
        ap_audio_reader_close(r);
        r = NULL;
    }
    *reader = r;
    return status;
}

ap_status ap_audio_reader_open_channels(const char *path, int rate, int channels, ap_audio_reader **reader)
{
    bool faulty;
    return ap_audio_reader_open_telling(path, rate, channels, reader, &faulty);
}

ap_status ap_audio_reader_open(const char *path, int rate, ap_audio_reader **reader)
{
    return ap_audio_reader_open_channels(path, rate, 1, reader);
}

bool ap_audio_reader_is_faulty(const ap_audio_reader *r)
{
    return ap_source_is_faulty(r->source);
}

void ap_audio_reader_close(ap_audio_reader *r)
{
    if (!r) return;
    ap_source_close(r->source);
    ap_resampler_free(r->convert);
    ap_mid_free(r->mid);
    free(r->frames);
    free(r->mixed);
    free(r->ready);
    free(r);
}

int ap_audio_reader_rate(const ap_audio_reader *r)
{
    return r->rate;
}

int ap_audio_reader_channels(const ap_audio_reader *r)
{
    return r->channels;
}

int ap_audio_reader_file_rate(const ap_audio_reader *r)
{
    return ap_source_rate(r->source);
}

int ap_audio_reader_file_channels(const ap_audio_reader *r)
{
    return ap_source_channels(r->source);
}

double ap_audio_reader_cancelled(const ap_audio_reader *r)
{
    return r->mid && r->frames_read > 0 ? (double)ap_mid_cancelled(r->mid) / (double)r->frames_read : 0;
}

/* ---------------------------------------------------------------- reading */

int64_t ap_audio_converted(int64_t count, int from, int to)
{
    return count / from * to + count % from * to / from;
}

static int64_t converted_length(const ap_audio_reader *r, int64_t frames)
{
    return ap_audio_converted(frames, ap_source_rate(r->source), r->rate);
}

int64_t ap_audio_reader_length(const ap_audio_reader *r)
{
    int64_t frames = ap_source_frames(r->source);
    return frames < 0 ? 0 : converted_length(r, frames);
}

/* One channel becomes two equal ones. Of more than two, left is the average of all but the second,
 * right that of all but the first: WAV and FLAC begin with front left and front right. */
static void mix_to_two(int channels, int64_t count, const float *frames, float *mixed)
{
    for (int64_t i = 0; i < count; i++) {
        const float *x = frames + i * channels;
        double both = 0;
        for (int c = 2; c < channels; c++) both += (double)x[c];
        for (int c = 0; c < 2; c++)
            mixed[2 * i + c] = channels == 1 ? x[0] : (float)(((double)x[c] + both) / (channels - 1));
    }
}

static void mix(ap_audio_reader *r, int64_t count)
{
    int from = ap_source_channels(r->source);
    if (from == r->channels)
        memcpy(r->mixed, r->frames, (size_t)(count * from) * sizeof *r->mixed);
    else if (r->mid)
        ap_mid_block(r->mid, count, r->frames, r->mixed);
    else
        mix_to_two(from, count, r->frames, r->mixed);
}

/* Reads the next block of the file in the wanted channels. */
static ap_status read_mixed(ap_audio_reader *r)
{
    int64_t got;
    AP_TRY(ap_source_read(r->source, BLOCK, r->frames, &got));
    mix(r, got);
    r->mixed_at = 0;
    r->mixed_end = got;
    r->frames_read += got;
    r->read_all = got < BLOCK;
    if (r->read_all && converted_length(r, r->frames_read) == 0)
        return ap_error(AP_FAILED, "%s: holds no sound: %lld samples", ap_source_path(r->source),
                        (long long)r->frames_read);
    return ap_ok();
}

static ap_status check_range(const ap_audio_reader *r)
{
    for (int64_t i = 0; i < r->ready_end * r->channels; i++) {
        if (isfinite(r->ready[i])) continue; /* the filter's overshoot exceeds the range of a float */
        int64_t at = r->frames_made + i / r->channels;
        return ap_error(AP_FAILED, "%s: resampling: sample %lld (at %.3f s) exceeds the range of numbers",
                        ap_source_path(r->source), (long long)at, (double)at / r->rate);
    }
    return ap_ok();
}

/* Fills `ready` from the rest of `mixed`. The converter holds some frames back until the file has ended; its
 * rounding may then give one frame too many or too few, which is corrected here. */
static ap_status convert(ap_audio_reader *r)
{
    const bool ended = r->read_all && r->mixed_at == r->mixed_end;
    int64_t taken;
    ap_resampler_run(r->convert, r->mixed_end - r->mixed_at,
                     ended ? NULL : r->mixed + r->mixed_at * r->channels, &taken, r->ready_capacity, r->ready,
                     &r->ready_end);
    r->mixed_at += taken;
    AP_TRY(check_range(r));
    r->frames_made += r->ready_end;
    if (!r->read_all) return ap_ok();
    int64_t missing = converted_length(r, r->frames_read) - r->frames_made;
    if (missing <= 0) {
        r->ready_end += missing;
        r->made_all = true;
    } else if (ended && r->ready_end == 0) {
        r->ready_end = ap_least(missing, r->ready_capacity);
        r->frames_made += r->ready_end;
        memset(r->ready, 0, (size_t)(r->ready_end * r->channels) * sizeof(float));
    }
    return ap_ok();
}

static ap_status refill(ap_audio_reader *r)
{
    AP_TRY(ap_stop_check());
    r->ready_at = r->ready_end = 0;
    if (r->mixed_at == r->mixed_end && !r->read_all) AP_TRY(read_mixed(r));
    if (r->convert) return convert(r);
    r->ready_end = r->mixed_end;
    memcpy(r->ready, r->mixed, (size_t)(r->mixed_end * r->channels) * sizeof(float));
    r->mixed_at = r->mixed_end;
    r->made_all = r->read_all;
    return ap_ok();
}

ap_status ap_audio_reader_skip(ap_audio_reader *r, double seconds)
{
    int64_t left = llround(seconds * ap_source_rate(r->source));
    for (int64_t got = 1; left > 0 && got > 0; left -= got) {
        AP_TRY(ap_stop_check());
        AP_TRY(ap_source_read(r->source, left < BLOCK ? left : BLOCK, r->frames, &got));
    }
    return ap_ok();
}

ap_status ap_audio_reader_read_channels(ap_audio_reader *r, int64_t count, ap_real *const samples[],
                                        int64_t *got)
{
    for (*got = 0; *got < count;) {
        if (r->ready_at == r->ready_end) {
            if (r->made_all) break;
            AP_TRY(refill(r));
        }
        int64_t left = count - *got, there = r->ready_end - r->ready_at,
                portion = left < there ? left : there;
        const float *from = r->ready + r->ready_at * r->channels;
        for (int c = 0; c < r->channels; c++)
            for (int64_t i = 0; i < portion; i++) samples[c][*got + i] = (ap_real)from[i * r->channels + c];
        r->ready_at += portion;
        *got += portion;
    }
    return ap_ok();
}

ap_status ap_audio_reader_read(ap_audio_reader *r, int64_t count, ap_real *samples, int64_t *got)
{
    if (r->channels != 1) ap_fatal("ap_audio_reader_read: %d channels", r->channels);
    return ap_audio_reader_read_channels(r, count, &samples, got);
}
