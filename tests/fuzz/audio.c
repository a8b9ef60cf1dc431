/* Recordings: as they are, and resampled. What is read is finite, but where resampling leaves what a float
 * holds. */
#include "fuzz.h"

#include "antiphon/audio.h"

#include <math.h>
#include <stdlib.h>

/* Pieces that are asked for, and the most that a small file may come to by resampling. */
#define PIECE 777
#define SAMPLES_MOST (1 << 22)

static void read_in_pieces(const char *path, int rate)
{
    ap_audio_reader *reader;
    if (!fuzz_good(ap_audio_reader_open(path, rate, &reader))) return;
    ap_real samples[PIECE];
    int64_t got = 0, all = 0;
    ap_audio_reader_length(reader);
    do {
        if (!fuzz_good(ap_audio_reader_read(reader, PIECE, samples, &got))) break;
        for (int64_t i = 0; i < got; i++) fuzz_check(isfinite(samples[i]), "a sample that is not finite");
        all += got;
    } while (got == PIECE && all < SAMPLES_MOST);
    ap_audio_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(data, size);
    read_in_pieces(path, 0);
    read_in_pieces(path, AP_SAMPLE_RATE);
    return 0;
}
