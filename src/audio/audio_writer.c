#include "antiphon/audio.h"

#include "audio/descriptor_io.h"
#include "audio/recordings.h"
#include "audio/sixteen_bits.h"
#include "audio/sound_name.h"
#include "base/memory.h"
#include "base/replace.h"

#include <sndfile.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Samples converted at a time. */
#define BLOCK 4096
/* Sizes in a WAV header have 32 bits; the header is far shorter than a block. */
#define SAMPLES_MAX ((int64_t)(UINT32_MAX / sizeof(int16_t)) - BLOCK)
#define CHANNELS_MAX 1024

struct ap_audio_writer {
    ap_replacement place;
    ap_descriptor_io io;
    SNDFILE *file;
    int channels;
    int64_t written; /* in each channel */
    int64_t most;    /* samples that fit, of all channels */
};

ap_status ap_audio_writer_open(const char *path, int rate, int channels, ap_audio_writer **writer)
{
    const bool flac = ap_sound_name_is_flac(path);
    SF_INFO info = {.samplerate = rate,
                    .channels = channels,
                    .format = (flac ? SF_FORMAT_FLAC : SF_FORMAT_WAV) | SF_FORMAT_PCM_16};
    if (channels > CHANNELS_MAX || !sf_format_check(&info))
        ap_fatal("ap_audio_writer_open: %d channels at a rate of %d samples a second", channels, rate);
    *writer = NULL;
    ap_audio_writer *w = ap_allocate(1, sizeof *w);
    w->channels = channels;
    w->most = flac ? INT64_MAX : SAMPLES_MAX;
    ap_status status = ap_replace_begin(path, &w->place);
    if (!ap_failed(&status)) {
        SF_VIRTUAL_IO calls = ap_descriptor_io_calls();
        w->io.descriptor = w->place.descriptor;
        w->file = sf_open_virtual(&calls, SFM_WRITE, &info, &w->io);
        if (!w->file) status = ap_error(AP_FAILED, "%s: cannot be written: %s", path, sf_strerror(NULL));
    }
    if (ap_failed(&status))
        ap_audio_writer_abandon(w);
    else
        *writer = w;
    return status;
}

/* The reason comes from the system, or else from libsndfile. */
static ap_status failure_of(const ap_audio_writer *w, int failure)
{
    return ap_error(AP_FAILED, "%s: cannot be written: %s", w->place.path,
                    w->io.failed ? strerror(w->io.failed) : sf_error_number(failure));
}

ap_status ap_audio_writer_write(ap_audio_writer *w, int64_t count, const ap_real *const samples[])
{
    int16_t block[BLOCK];
    const int64_t most = BLOCK / w->channels;
    for (int64_t at = 0, bad; at < count; at += most) {
        int64_t portion = count - at < most ? count - at : most;
        for (int c = 0; c < w->channels; c++)
            if (!ap_to_16_bits(portion, samples[c] + at, w->channels, block + c, &bad))
                return ap_error(AP_FAILED, "%s: not written: sample %lld is not a number", w->place.path,
                                (long long)(w->written + bad));
        if ((w->written + portion) * w->channels > w->most)
            return ap_error(AP_FAILED, "%s: a WAV file cannot exceed 4 GiB", w->place.path);
        if (sf_writef_short(w->file, block, portion) != portion) return failure_of(w, sf_error(w->file));
        w->written += portion;
    }
    return ap_ok();
}

ap_status ap_audio_writer_commit(ap_audio_writer *w)
{
    int failure = sf_close(w->file); /* completes the header */
    w->file = NULL;
    if (failure || w->io.failed) {
        ap_status status = failure_of(w, failure);
        ap_audio_writer_abandon(w);
        return status;
    }
    ap_status status = ap_replace_commit(&w->place);
    free(w);
    return status;
}

void ap_audio_writer_abandon(ap_audio_writer *w)
{
    if (!w) return;
    if (w->file) sf_close(w->file);
    ap_replace_abandon(&w->place);
    free(w);
}

ap_status ap_audio_write(const char *path, const ap_audio *audio)
{
    const int channels = ap_audio_channels(audio);
    ap_audio_writer *writer;
    AP_TRY(ap_audio_writer_open(path, audio->rate, channels, &writer));
    const ap_real **at = ap_allocate((size_t)channels, sizeof *at);
    for (int c = 0; c < channels; c++) at[c] = audio->samples + c * audio->count;
    ap_status status = ap_audio_writer_write(writer, audio->count, at);
    free(at);
    if (!ap_failed(&status)) return ap_audio_writer_commit(writer);
    ap_audio_writer_abandon(writer);
    return status;
}
