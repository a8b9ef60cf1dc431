/* The harmony of a recording, moment by moment, and which of its notes fit it elsewhere. */
#ifndef ANTIPHON_MODEL_HARMONY_H
#define ANTIPHON_MODEL_HARMONY_H

#include "antiphon/arena.h"
#include "antiphon/real.h"
#include "antiphon/rng.h"

typedef struct ap_harmony {
    int64_t frames;
    ap_real *chroma; /* [frames, AP_CHROMA_CLASSES], each frame of unit length, or zeros */
} ap_harmony;

/* Of x [S] at 24 kHz, on the arena. */
ap_harmony ap_harmony_find(ap_arena *arena, int64_t S, const ap_real *x);

/* Which of the `count` ascending notes, all of them places in samples, sounds well where `place` is: of those
 * within `reach` whose chroma is nearly as near as any to that of the place, the one that chance takes. The
 * place itself where there is none. */
double ap_harmony_note(ap_harmony harmony, int64_t count, const double *notes, double place, double reach,
                       ap_rng chance);

#endif
