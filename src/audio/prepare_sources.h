/* What pairs are made from: the recordings that belong together, and what each of them has become. */
#ifndef ANTIPHON_AUDIO_PREPARE_SOURCES_H
#define ANTIPHON_AUDIO_PREPARE_SOURCES_H

#include "antiphon/prepare.h"
#include "audio/recordings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the windows of a source have become. */
typedef struct ap_prepare_tally {
    long long training, validation, silent, lowered;
} ap_prepare_tally;

/* The source of a pair: two files, or the two halves of one. */
typedef struct ap_prepare_source {
    char *input, *target;    /* paths; the same for a song */
    ap_audio_survey side[2]; /* of input and target */
    ap_status read[2];       /* whether they can be read */
    int64_t windows;         /* windows in the input */
    int64_t ahead;           /* offset of the target in windows: half a song */
    bool remainder;          /* whether something shorter than a window is left over */
    bool validates;          /* whether all of it is for validation */
    int64_t number;          /* of its first pair; windows that are silent leave their numbers unused */
    int64_t validation_from; /* the first window for validation */
    ap_prepare_tally tally;  /* what its windows have become */
    size_t piece;            /* the place of the first source with the same music on either side */
} ap_prepare_source;

typedef struct ap_prepare_sources {
    ap_prepare_source *at;
    size_t count;
} ap_prepare_sources;

/* Finds the recordings in the folders that the options name, and puts together what belongs together. What
 * is left out is told and counted. */
ap_status ap_prepare_find(const ap_prepare_options *o, ap_prepare_sources *found, ap_prepare_report *report);

/* Keeps the first `count` sources. */
void ap_prepare_sources_keep(ap_prepare_sources *s, size_t count);

void ap_prepare_sources_free(ap_prepare_sources *s);

/* Of a song, each of two windows is once the input. */
int64_t ap_prepare_pairs_a_window(const ap_prepare_source *s);

/* The rate and the channels of the pairs. */
int ap_prepare_rate(const ap_prepare_options *o);
int ap_prepare_channels(const ap_prepare_options *o);

/* Counts and reports something that is left out. */
void ap_prepare_leave_out(const ap_prepare_options *o, ap_prepare_report *report, int64_t *count,
                          const char *path, const char *reason);

/* Tells that one more of `total` is done; several threads may. */
void ap_prepare_tell(const ap_prepare_options *o, const char *what, int64_t *done, int64_t total);

#endif
