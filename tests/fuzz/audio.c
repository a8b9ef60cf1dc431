/* Recordings: as they are, and resampled. What is read is finite, but where resampling leaves what a float
 * holds. */
#include "fuzz.h"

#include "antiphon/audio.h"

#include <math.h>
#include <stdlib.h>

/* Pieces that are asked for, and the most that a small file may come to by resampling. */
#define PIECE 777
#define SAMPLES_MOST (1 << 22)

static void read_in_pieces(const char *path, int rate, int channels)
{
    ap_audio_reader *reader;
    if (!fuzz_good(ap_audio_reader_open_channels(path, rate, channels, &reader))) return;
    ap_real samples[2][PIECE], *at[2] = {samples[0], samples[1]};
    int64_t got = 0, all = 0;
    ap_audio_reader_length(reader);
    do {
        if (!fuzz_good(ap_audio_reader_read_channels(reader, PIECE, at, &got))) break;
        for (int c = 0; c < channels; c++)
            for (int64_t i = 0; i < got; i++)
                fuzz_check(isfinite(samples[c][i]), "a sample that is not finite");
        all += got;
    } while (got == PIECE && all < SAMPLES_MOST);
    ap_audio_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(data, size);
    read_in_pieces(path, 0, 2);
    read_in_pieces(path, AP_SAMPLE_RATE, 1);
    return 0;
}
