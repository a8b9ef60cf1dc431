#include "model/harmony.h"

#include "antiphon/listen.h"
#include "base/bounds.h"
#include "kernels/array.h"
#include "listen/banks.h"
#include "listen/spectrum.h"

#include <math.h>

/* The harmony of a place is the chroma of the 0.17 s that follow it. */
#define SIZE 4096
#define HOP 1024
/* How much less alike than the best a note may be, as a cosine. */
#define LEEWAY 0.15

ap_harmony ap_harmony_find(ap_arena *arena, int64_t S, const ap_real *x)
{
    const ap_spectrum spectrum = {.size = SIZE, .hop = HOP};
    ap_harmony h = {.frames = ap_spectrum_frames(spectrum, S)};
    h.chroma = ap_chroma_bands(arena, spectrum, S, x);
    for (int64_t f = 0; f < h.frames; f++) {
        ap_real *row = h.chroma + f * AP_CHROMA_CLASSES;
        double length = sqrt(ap_array_dot(AP_CHROMA_CLASSES, row, row));
        for (int c = 0; c < AP_CHROMA_CLASSES; c++)
            row[c] = length > 0 ? (ap_real)((double)row[c] / length) : 0;
    }
    return h;
}

static const ap_real *chroma_at(ap_harmony h, double place)
{
    int64_t frame = llround((place + SIZE / 2) / HOP);
    return h.chroma + ap_most(0, ap_least(frame, h.frames - 1)) * AP_CHROMA_CLASSES;
}

double ap_harmony_note(ap_harmony h, int64_t count, const double *notes, double place, double reach,
                       ap_rng chance)
{
    const ap_real *here = chroma_at(h, place);
    double best = place, most = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
        if (fabs(notes[i] - place) > reach) continue;
        /* a number of the note's own, so that it does not depend on which others there are */
        ap_rng draw = {chance.seed, chance.counter + (uint64_t)llround(notes[i] - place + reach)};
        double fit =
            ap_array_dot(AP_CHROMA_CLASSES, here, chroma_at(h, notes[i])) + LEEWAY * ap_rng_uniform(&draw);
        if (fit > most) {
            most = fit;
            best = notes[i];
        }
    }
    return best;
}
