#include "audio/recordings.h"

#include "audio/reader.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Samples read at a time. */
#define PORTION 32768

/* ---------------------------------------------------------------- into memory */

/* Makes room for `room` samples in each channel, moving the channels apart. */
static void grow(ap_audio *audio, int64_t had, int64_t room)
{
    audio->samples = ap_reallocate(audio->samples, (size_t)(room * audio->channels), sizeof *audio->samples);
    for (int c = audio->channels - 1; c > 0; c--)
        memmove(audio->samples + c * room, audio->samples + c * had,
                (size_t)audio->count * sizeof *audio->samples);
}

static void trim(ap_audio *audio, int64_t had)
{
    for (int c = 1; c < audio->channels; c++)
        memmove(audio->samples + c * audio->count, audio->samples + c * had,
                (size_t)audio->count * sizeof *audio->samples);
    audio->samples =
        ap_reallocate(audio->samples, (size_t)(audio->count * audio->channels), sizeof *audio->samples);
}

/* Reads up to `most` samples. Memory grows with what is read, since the length in a header cannot be
 * trusted. at [channels] is scratch. */
static ap_status read_samples(ap_audio_reader *r, int64_t most, ap_real *at[], ap_audio *audio)
{
    int64_t capacity = 0, got, want;
    do {
        if (audio->count == capacity) {
            int64_t had = capacity;
            capacity = capacity ? 2 * capacity : PORTION;
            if (capacity > most) capacity = most;
            grow(audio, had, capacity);
        }
        want = capacity - audio->count;
        for (int c = 0; c < audio->channels; c++) at[c] = audio->samples + c * capacity + audio->count;
        AP_TRY(ap_audio_reader_read_channels(r, want, at, &got));
        audio->count += got;
    } while (got == want && audio->count < most);
    trim(audio, capacity);
    return ap_ok();
}

ap_status ap_audio_read_some(const char *path, int rate, int channels, int64_t most, ap_audio *audio)
{
    ap_audio_reader *reader;
    *audio = (ap_audio){.samples = NULL};
    AP_TRY(ap_audio_reader_open_channels(path, rate, channels, &reader));
    audio->rate = ap_audio_reader_rate(reader);
    audio->channels = ap_audio_reader_channels(reader);
    ap_real **at = ap_allocate((size_t)audio->channels, sizeof *at);
    ap_status status = read_samples(reader, most, at, audio);
    free(at);
    ap_audio_reader_close(reader);
    if (ap_failed(&status)) ap_audio_free(audio);
    return status;
}

ap_status ap_audio_read_start(const char *path, int rate, int64_t most, ap_audio *audio)
{
    return ap_audio_read_some(path, rate, 1, most, audio);
}

ap_status ap_audio_read_channels(const char *path, int rate, int channels, ap_audio *audio)
{
    return ap_audio_read_some(path, rate, channels, INT64_MAX, audio);
}

ap_status ap_audio_read(const char *path, int rate, ap_audio *audio)
{
    return ap_audio_read_channels(path, rate, 1, audio);
}

void ap_audio_free(ap_audio *audio)
{
    if (!audio) return;
    free(audio->samples);
    *audio = (ap_audio){.samples = NULL};
}

/* ---------------------------------------------------------------- what a recording holds */

/* Adds a portion to the survey. */
static void survey_portion(ap_audio_survey *s, int64_t n, const ap_real *x)
{
    double power = 0;
    for (int64_t i = 0; i < n; i++) {
        float sample = (float)x[i];
        uint32_t bits;
        memcpy(&bits, &sample, sizeof bits);
        s->sound = (s->sound ^ bits) * 0x100000001B3; /* FNV-1a over samples */
        s->sound ^= s->sound >> 29;
        power += (double)x[i] * (double)x[i];
    }
    s->count += n;
    if (n) s->loudest = fmax(s->loudest, sqrt(power / (double)n));
}

/* Reads to the end, or past `most` samples. */
static ap_status survey(ap_audio_reader *r, int64_t most, ap_audio_survey *s)
{
    ap_real *samples = ap_allocate(PORTION, sizeof *samples);
    int64_t got;
    ap_status status;
    do {
        status = ap_audio_reader_read(r, PORTION, samples, &got);
        survey_portion(s, got, samples);
    } while (!ap_failed(&status) && got == PORTION && s->count <= most);
    free(samples);
    return status;
}

ap_status ap_audio_survey_file(const char *path, int rate, ap_audio_survey *s)
{
    ap_audio_reader *reader;
    *s = (ap_audio_survey){.count = 0};
    AP_TRY(ap_audio_reader_open_telling(path, 0, 1, &reader, &s->faulty));
    ap_status status = survey(reader, INT64_MAX, s);
    s->faulty = ap_audio_reader_is_faulty(reader);
    s->count = ap_audio_converted(s->count, ap_audio_reader_rate(reader), rate);
    ap_audio_reader_close(reader);
    return status;
}

ap_status ap_audio_measure(const char *path, int rate, int64_t most, int64_t *count)
{
    ap_audio_reader *reader;
    AP_TRY(ap_audio_reader_open(path, 0, &reader));
    int own = ap_audio_reader_rate(reader);
    ap_audio_survey s = {.count = ap_audio_reader_length(reader)};
    ap_status status = ap_ok();
    if (s.count == 0) /* at the file's own rate, so that nothing needs resampling */
        status = survey(reader, most < INT64_MAX ? ap_audio_converted(most, rate, own) + own : most, &s);
    *count = ap_audio_converted(s.count, own, rate);
    ap_audio_reader_close(reader);
    return status;
}

/* ---------------------------------------------------------------- several at once */

ap_status ap_audio_measure_all(int n, const char *const paths[], int rate, int64_t lengths[],
                               int64_t *shortest)
{
    *shortest = INT64_MAX;
    for (int k = 0; k < n; k++) { /* first those whose header tells */
        ap_audio_reader *reader;
        AP_TRY(ap_audio_reader_open(paths[k], rate, &reader));
        lengths[k] = ap_audio_reader_length(reader);
        ap_audio_reader_close(reader);
        if (lengths[k] > 0 && lengths[k] < *shortest) *shortest = lengths[k];
    }
    for (int k = 0; k < n; k++) {
        if (lengths[k] > 0) continue;
        AP_TRY(ap_audio_measure(paths[k], rate, *shortest, &lengths[k]));
        if (lengths[k] > *shortest)
            lengths[k] = 0;
        else
            *shortest = lengths[k];
    }
    return ap_ok();
}

ap_status ap_audio_read_shortest(int n, const char *const paths[], int rate, ap_audio audio[],
                                 int64_t lengths[])
{
    int64_t shortest;
    for (int k = 0; k < n; k++) audio[k] = (ap_audio){.samples = NULL};
    ap_status status = ap_audio_measure_all(n, paths, rate, lengths, &shortest);
    for (int k = 0; k < n && !ap_failed(&status); k++)
        status = ap_audio_read_start(paths[k], rate, shortest, &audio[k]);
    for (int k = 0; k < n && ap_failed(&status); k++) ap_audio_free(&audio[k]);
    return status;
}
