#include "antiphon/audio.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <math.h>
#include <samplerate.h>
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Frames that are decoded and resampled at a time: the portions do not depend on how much the caller asks
 * for, so reading in pieces gives the same numbers as reading at once. */
#define BLOCK 8192
/* Above this rate a file is not sound but a broken header. */
#define RATE_MAX 1000000
/* 121 dB below the signal is what it leaves of what lies above the new rate's half; the next better converter
 * is five times as slow and gains the uppermost twelfth of the spectrum. */
#define CONVERTER SRC_SINC_MEDIUM_QUALITY

struct ap_audio_reader {
    char *path;
    int descriptor;
    SNDFILE *file;
    SF_INFO info;
    int rate;           /* what the caller wants */
    SRC_STATE *convert; /* NULL when the file has that rate already */
    float *frames;      /* a block of interleaved frames as they stand in the file */
    float *mono;        /* the same, channels averaged; those from mono_at to mono_end not yet converted */
    float *ready;       /* samples at the wanted rate; those from ready_at to ready_end not yet handed out */
    int64_t mono_at, mono_end;
    int64_t ready_at, ready_end, ready_capacity;
    int64_t frames_read, samples_made;
    bool read_all, made_all; /* the file's last block is in `mono`; the last samples are in `ready` */
};

/* ---------------------------------------------------------------- what a WAV header promises */

static uint64_t little_endian(const unsigned char *bytes, int count)
{
    uint64_t number = 0;
    for (int i = count - 1; i >= 0; i--) number = number << 8 | bytes[i];
    return number;
}

static bool read_at(int descriptor, uint64_t at, void *bytes, size_t count)
{
    return at <= INT64_MAX && pread(descriptor, bytes, count, (off_t)at) == (ssize_t)count;
}

/* Sizes from here on in a RIFF header mean "unknown": what a program that writes to a pipe puts there. */
#define RIFF_UNKNOWN 0x7FFFF000u

/* How many bytes a WAV file should have by its header: up to the end of its data chunk, or of the whole when
 * the data chunk is not reached. 0 for other formats and for headers that leave it open. libsndfile shortens
 * such a file silently. */
static uint64_t wav_promise(int descriptor)
{
    unsigned char head[12], chunk[8], sizes[16];
    uint64_t data_64 = 0;
    if (!read_at(descriptor, 0, head, sizeof head) || memcmp(head + 8, "WAVE", 4) != 0) return 0;
    bool rf64 = memcmp(head, "RF64", 4) == 0 || memcmp(head, "BW64", 4) == 0;
    if (!rf64 && memcmp(head, "RIFF", 4) != 0) return 0;
    for (uint64_t at = sizeof head; read_at(descriptor, at, chunk, sizeof chunk);) {
        uint64_t size = little_endian(chunk + 4, 4);
        at += sizeof chunk;
        if (memcmp(chunk, "data", 4) == 0) {
            if (rf64 && size == UINT32_MAX) return data_64 < INT64_MAX ? at + data_64 : UINT64_MAX;
            return size < RIFF_UNKNOWN ? at + size : 0;
        }
        if (rf64 && memcmp(chunk, "ds64", 4) == 0 && read_at(descriptor, at, sizes, sizeof sizes))
            data_64 = little_endian(sizes + 8, 8); /* behind the size of the whole */
        at += size + size % 2;                     /* chunks begin at even bytes */
    }
    uint64_t whole = little_endian(head + 4, 4);
    return whole < RIFF_UNKNOWN ? whole + 8 : 0;
}

/* ---------------------------------------------------------------- opening */

static ap_status open_regular(const char *path, int *descriptor, int64_t *bytes)
{
    struct stat info;
    *descriptor = ap_file_open(path);
    if (*descriptor < 0 || fstat(*descriptor, &info) != 0)
        return ap_error(AP_FAILED, "%s: cannot be opened: %s", path, strerror(errno));
    *bytes = info.st_size;
    if (S_ISDIR(info.st_mode)) return ap_error(AP_FAILED, "%s: is a directory, not an audio file", path);
    if (!S_ISREG(info.st_mode)) return ap_error(AP_FAILED, "%s: is not a regular file", path);
    if (info.st_size == 0) return ap_error(AP_FAILED, "%s: is empty (0 bytes)", path);
    return ap_ok();
}

static ap_status check_header(const ap_audio_reader *r, int64_t bytes)
{
    uint64_t promise = wav_promise(r->descriptor);
    if (promise > (uint64_t)bytes)
        return ap_error(AP_FAILED, "%s: truncated: its header promises %llu bytes, there are %lld", r->path,
                        (unsigned long long)promise, (long long)bytes);
    if (!r->file)
        return ap_error(AP_FAILED, "%s: not an audio file that can be read: %s", r->path, sf_strerror(NULL));
    if (r->info.frames == 0) return ap_error(AP_FAILED, "%s: holds no sound: its length is 0", r->path);
    /* an OGG file says how long it is in its last page */
    if (r->info.frames == SF_COUNT_MAX && (r->info.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_OGG)
        return ap_error(AP_FAILED, "%s: truncated or damaged: its last page is missing", r->path);
    if (r->info.channels < 1 || r->info.samplerate < 1 || r->info.samplerate > RATE_MAX)
        return ap_error(AP_FAILED, "%s: its header is broken: %d channels at %d samples a second", r->path,
                        r->info.channels, r->info.samplerate);
    return ap_ok();
}

static double ratio_of(const ap_audio_reader *r)
{
    return (double)r->rate / r->info.samplerate;
}

static ap_status prepare_buffers(ap_audio_reader *r)
{
    if (r->rate != r->info.samplerate) {
        int failure = 0;
        if (!src_is_valid_ratio(ratio_of(r)))
            return ap_error(AP_FAILED, "%s: cannot be brought from %d to %d samples a second", r->path,
                            r->info.samplerate, r->rate);
        r->convert = src_new(CONVERTER, 1, &failure);
        if (!r->convert) ap_fatal("resampling: %s", src_strerror(failure));
    }
    r->frames = ap_allocate((size_t)BLOCK * (size_t)r->info.channels, sizeof(float));
    r->mono = ap_allocate(BLOCK, sizeof(float));
    r->ready_capacity = (int64_t)ceil(BLOCK * ratio_of(r));
    r->ready = ap_allocate((size_t)r->ready_capacity, sizeof(float));
    return ap_ok();
}

static ap_status open_all(ap_audio_reader *r, int rate)
{
    int64_t bytes = 0;
    AP_TRY(open_regular(r->path, &r->descriptor, &bytes));
    r->file =
        sf_open_fd(dup(r->descriptor), SFM_READ, &r->info, true); /* a failure closes what it was given */
    AP_TRY(check_header(r, bytes));
    r->rate = rate ? rate : r->info.samplerate;
    return prepare_buffers(r);
}

ap_status ap_audio_reader_open(const char *path, int rate, ap_audio_reader **reader)
{
    if (rate < 0) ap_fatal("ap_audio_reader_open: a rate of %d samples a second", rate);
    ap_audio_reader *r = ap_allocate(1, sizeof *r);
    r->path = ap_copy_text(path);
    r->descriptor = -1;
    ap_status status = open_all(r, rate);
    if (ap_failed(&status)) {
        ap_audio_reader_close(r);
        r = NULL;
    }
    *reader = r;
    return status;
}

void ap_audio_reader_close(ap_audio_reader *r)
{
    if (!r) return;
    if (r->file) sf_close(r->file);
    if (r->descriptor >= 0) close(r->descriptor);
    if (r->convert) src_delete(r->convert);
    free(r->path);
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

static int64_t converted_length(const ap_audio_reader *r, int64_t frames)
{
    return r->convert ? (int64_t)((__int128)frames * r->rate / r->info.samplerate) : frames;
}

int64_t ap_audio_reader_length(const ap_audio_reader *r)
{
    return r->info.frames == SF_COUNT_MAX ? 0 : converted_length(r, r->info.frames);
}

/* The length is known beforehand, and exactly, but for streams that do not say it and for MPEG, where it is
 * guessed. */
static bool length_known(const ap_audio_reader *r)
{
    return r->info.frames != SF_COUNT_MAX && (r->info.format & SF_FORMAT_TYPEMASK) != SF_FORMAT_MPEG;
}

/* Reads the next block of the file as mono. */
static ap_status read_mono(ap_audio_reader *r)
{
    int channels = r->info.channels;
    int64_t got = sf_readf_float(r->file, r->frames, BLOCK);
    for (int64_t i = 0; i < got; i++) {
        double sum = 0;
        for (int c = 0; c < channels; c++) sum += (double)r->frames[i * channels + c];
        if (!isfinite(sum))
            return ap_error(AP_FAILED, "%s: sample %lld (at %.3f s) is not a finite number", r->path,
                            (long long)(r->frames_read + i),
                            (double)(r->frames_read + i) / r->info.samplerate);
        r->mono[i] = (float)(sum / channels);
    }
    r->mono_at = 0;
    r->mono_end = got;
    r->frames_read += got;
    r->read_all = got < BLOCK;
    if (r->read_all && length_known(r) && r->frames_read < r->info.frames)
        return ap_error(AP_FAILED,
                        "%s: truncated or damaged: its header promises %lld samples, %lld can be read",
                        r->path, (long long)r->info.frames, (long long)r->frames_read);
    if (r->read_all && converted_length(r, r->frames_read) == 0)
        return ap_error(AP_FAILED, "%s: holds no sound: %lld samples", r->path, (long long)r->frames_read);
    return ap_ok();
}

/* Fills `ready` from what is left of `mono`. The converter holds some samples back until it learns that the
 * file has ended; its rounding may then leave a sample too many or too few, which is put right here. */
static ap_status convert(ap_audio_reader *r)
{
    SRC_DATA work = {.data_in = r->mono + r->mono_at,
                     .input_frames = r->mono_end - r->mono_at,
                     .data_out = r->ready,
                     .output_frames = r->ready_capacity,
                     .src_ratio = ratio_of(r),
                     .end_of_input = r->read_all};
    int failure = src_process(r->convert, &work);
    if (failure) return ap_error(AP_FAILED, "%s: resampling: %s", r->path, src_strerror(failure));
    r->mono_at += work.input_frames_used;
    r->ready_end = work.output_frames_gen;
    for (int64_t i = 0; i < r->ready_end; i++)
        if (!isfinite(r->ready[i])) /* the filter overshoots what a float holds */
            return ap_error(AP_FAILED, "%s: resampling: sample %lld (at %.3f s) is beyond any number",
                            r->path, (long long)(r->samples_made + i),
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

/* ---------------------------------------------------------------- a whole file */

/* Grows with what is read: the length in a header is no reason to ask for memory. */
static ap_status read_all(ap_audio_reader *r, ap_audio *audio)
{
    int64_t capacity = 0, got;
    do {
        if (audio->count == capacity) {
            capacity = capacity ? 2 * capacity : 4 * BLOCK;
            audio->samples = ap_reallocate(audio->samples, (size_t)capacity, sizeof *audio->samples);
        }
        AP_TRY(ap_audio_reader_read(r, capacity - audio->count, audio->samples + audio->count, &got));
        audio->count += got;
    } while (audio->count == capacity);
    audio->samples = ap_reallocate(audio->samples, (size_t)audio->count, sizeof *audio->samples);
    return ap_ok();
}

ap_status ap_audio_read(const char *path, int rate, ap_audio *audio)
{
    ap_audio_reader *reader;
    *audio = (ap_audio){.samples = NULL};
    AP_TRY(ap_audio_reader_open(path, rate, &reader));
    audio->rate = reader->rate;
    ap_status status = read_all(reader, audio);
    ap_audio_reader_close(reader);
    if (ap_failed(&status)) ap_audio_free(audio);
    return status;
}

void ap_audio_free(ap_audio *audio)
{
    if (!audio) return;
    free(audio->samples);
    *audio = (ap_audio){.samples = NULL};
}
