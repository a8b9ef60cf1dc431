#include "audio/reader.h"

#include "antiphon/stop.h"
#include "audio/source.h"
#include "base/memory.h"

#include <math.h>
#include <samplerate.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Frames decoded and resampled at a time. The block size does not depend on the caller's requests, so
 * reading in pieces gives the same numbers as reading at once. */
#define BLOCK 8192
/* Channels cancel each other if their average has less than this share of their own power (-40 dB). */
#define CANCELLED 2.5e-3
/* What remains above half the new rate is 121 dB below the signal. The next better converter takes five
 * times as long and keeps the top twelfth of the spectrum. */
#define CONVERTER SRC_SINC_MEDIUM_QUALITY

struct ap_audio_reader {
    ap_source *source;
    int rate;           /* the rate the caller wants */
    SRC_STATE *convert; /* NULL if the file has that rate already */
    float *frames;      /* a block of interleaved frames, as in the file */
    float *mono;        /* the same, channels averaged; mono_at to mono_end are not yet converted */
    float *ready;       /* samples at the wanted rate; ready_at to ready_end are not yet delivered */
    int64_t mono_at, mono_end;
    int64_t ready_at, ready_end, ready_capacity;
    int64_t frames_read, samples_made;
    bool read_all, made_all;  /* the file's last block is in `mono`; its last samples are in `ready` */
    double power, power_each; /* power read so far: of the average of the channels, and the average of the
                                 channels' power */
};

/* ---------------------------------------------------------------- opening */

static double ratio_of(const ap_audio_reader *r)
{
    return (double)r->rate / ap_source_rate(r->source);
}

static ap_status prepare_buffers(ap_audio_reader *r)
{
    int rate = ap_source_rate(r->source);
    if (r->rate != rate) {
        int failure = 0;
        if (!src_is_valid_ratio(ratio_of(r)))
            return ap_error(AP_FAILED, "%s: cannot be resampled from %d to %d samples a second",
                            ap_source_path(r->source), rate, r->rate);
        r->convert = src_new(CONVERTER, 1, &failure);
        if (!r->convert) ap_fatal("out of memory: resampling: %s", src_strerror(failure));
    }
    r->frames = ap_allocate((size_t)BLOCK * (size_t)ap_source_channels(r->source), sizeof(float));
    r->mono = ap_allocate(BLOCK, sizeof(float));
    r->ready_capacity = (int64_t)ceil(BLOCK * ratio_of(r));
    r->ready = ap_allocate((size_t)r->ready_capacity, sizeof(float));
    return ap_ok();
}

ap_status ap_audio_reader_open_telling(const char *path, int rate, ap_audio_reader **reader, bool *faulty)
{
    if (rate < 0) ap_fatal("ap_audio_reader_open: a rate of %d samples a second", rate);
    ap_audio_reader *r = ap_allocate(1, sizeof *r);
    ap_status status = ap_source_open(path, &r->source, faulty);
    if (!ap_failed(&status)) {
        r->rate = rate ? rate : ap_source_rate(r->source);
        status = prepare_buffers(r);
    }
    if (ap_failed(&status)) {
        ap_audio_reader_close(r);
        r = NULL;
    }
    *reader = r;
    return status;
}

ap_status ap_audio_reader_open(const char *path, int rate, ap_audio_reader **reader)
{
    bool faulty;
    return ap_audio_reader_open_telling(path, rate, reader, &faulty);
}

bool ap_audio_reader_is_faulty(const ap_audio_reader *r)
{
    return ap_source_is_faulty(r->source);
}

void ap_audio_reader_close(ap_audio_reader *r)
{
    if (!r) return;
    ap_source_close(r->source);
    if (r->convert) src_delete(r->convert);
    free(r->frames);
    free(r->mono);
    free(r->ready);
    free(r);
}

int ap_audio_reader_rate(const ap_audio_reader *r)
{
    return r->rate;
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

static void average_channels(ap_audio_reader *r, int64_t count)
{
    int channels = ap_source_channels(r->source);
    for (int64_t i = 0; i < count; i++) {
        double sum = 0, power = 0;
        for (int c = 0; c < channels; c++) {
            double x = (double)r->frames[i * channels + c];
            sum += x;
            power += x * x;
        }
        r->mono[i] = (float)(sum / channels);
        r->power += (sum / channels) * (sum / channels);
        r->power_each += power / channels;
    }
}

/* Reads the next block of the file as mono. */
static ap_status read_mono(ap_audio_reader *r)
{
    int64_t got;
    AP_TRY(ap_source_read(r->source, BLOCK, r->frames, &got));
    average_channels(r, got);
    r->mono_at = 0;
    r->mono_end = got;
    r->frames_read += got;
    r->read_all = got < BLOCK;
    if (r->read_all && converted_length(r, r->frames_read) == 0)
        return ap_error(AP_FAILED, "%s: holds no sound: %lld samples", ap_source_path(r->source),
                        (long long)r->frames_read);
    return ap_ok();
}

bool ap_audio_reader_cancels(const ap_audio_reader *r)
{
    return r->power < CANCELLED * r->power_each;
}

ap_status ap_audio_reader_check(const ap_audio_reader *r)
{
    if (!ap_audio_reader_cancels(r)) return ap_ok();
    return ap_error(
        AP_FAILED,
        "%s: its channels cancel each other (left = -right): their average is silence; use one channel "
        "alone, or invert one of them",
        ap_source_path(r->source));
}

/* Fills `ready` from the rest of `mono`. The converter holds some samples back until the file has ended; its
 * rounding may then give one sample too many or too few, which is corrected here. */
static ap_status convert(ap_audio_reader *r)
{
    SRC_DATA work = {.data_in = r->mono + r->mono_at,
                     .input_frames = r->mono_end - r->mono_at,
                     .data_out = r->ready,
                     .output_frames = r->ready_capacity,
                     .src_ratio = ratio_of(r),
                     .end_of_input = r->read_all};
    int failure = src_process(r->convert, &work);
    if (failure)
        return ap_error(AP_FAILED, "%s: resampling: %s", ap_source_path(r->source), src_strerror(failure));
    r->mono_at += work.input_frames_used;
    r->ready_end = work.output_frames_gen;
    for (int64_t i = 0; i < r->ready_end; i++)
        if (!isfinite(r->ready[i])) /* the filter's overshoot exceeds the range of a float */
            return ap_error(AP_FAILED, "%s: resampling: sample %lld (at %.3f s) exceeds the range of numbers",
                            ap_source_path(r->source), (long long)(r->samples_made + i),
                            (double)(r->samples_made + i) / r->rate);
    r->samples_made += r->ready_end;
    if (!r->read_all) return ap_ok();
    int64_t missing = converted_length(r, r->frames_read) - r->samples_made;
    if (missing <= 0) {
        r->ready_end += missing;
        r->made_all = true;
    } else if (work.output_frames_gen == 0) {
        r->ready_end = missing < r->ready_capacity ? missing : r->ready_capacity;
        r->samples_made += r->ready_end;
        memset(r->ready, 0, (size_t)r->ready_end * sizeof(float));
    }
    return ap_ok();
}

static ap_status refill(ap_audio_reader *r)
{
    AP_TRY(ap_stop_check());
    r->ready_at = r->ready_end = 0;
    if (r->mono_at == r->mono_end && !r->read_all) AP_TRY(read_mono(r));
    if (r->convert) return convert(r);
    r->ready_end = r->mono_end;
    memcpy(r->ready, r->mono, (size_t)r->mono_end * sizeof(float));
    r->mono_at = r->mono_end;
    r->made_all = r->read_all;
    return ap_ok();
}

ap_status ap_audio_reader_read(ap_audio_reader *r, int64_t count, ap_real *samples, int64_t *got)
{
    for (*got = 0; *got < count;) {
        if (r->ready_at == r->ready_end) {
            if (r->made_all) break;
            AP_TRY(refill(r));
        }
        int64_t left = count - *got, there = r->ready_end - r->ready_at,
                portion = left < there ? left : there;
        for (int64_t i = 0; i < portion; i++) samples[*got + i] = (ap_real)r->ready[r->ready_at + i];
        r->ready_at += portion;
        *got += portion;
    }
    return ap_ok();
}
