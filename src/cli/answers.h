/* Several answers to one input: what their files are called, and how alike they are. */
#ifndef ANTIPHON_CLI_ANSWERS_H
#define ANTIPHON_CLI_ANSWERS_H

#include "antiphon/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One of them. */
typedef struct answer {
    const char *target; /* borrowed */
    uint64_t seed;      /* beyond the first one's */
    bool first;         /* of those to the same target */
    char *out;
} answer;

typedef struct answers {
    answer *at;
    size_t count;
} answers;

/* `variations` answers to each of the `count` targets. A single one is called `out`. Otherwise OUT.wav
 * becomes OUT_TARGET.wav, after the name of the target's file, where there are several targets; and
 * OUT_1.wav, OUT_2.wav where there are several variations. Each has the next seed, so that no two have the
 * same accents. AP_MISUSE if two targets' files have the same name. The caller frees them in any case. */
ap_status answers_plan(const char *out, const char *const targets[], size_t count, size_t variations,
                       answers *planned);

void answers_free(answers *planned);

/* Prints how alike the loudness of their files is: r of their envelopes, over 250 segments up to the end of
 * the shortest. Nothing where there is but one. */
ap_status answers_tell_alike(const answers *written);

#endif
