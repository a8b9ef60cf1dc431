/* Sound files that neither libsndfile nor libmpg123 reads, such as m4a: what they are, and how to convert
 * them. */
#ifndef ANTIPHON_AUDIO_FOREIGN_H
#define ANTIPHON_AUDIO_FOREIGN_H

#include <stdbool.h>

/* Whether a file of this name is such a file, by its extension. */
bool ap_foreign_name(const char *name);

/* The path of such a file that is there: `path` with another extension; NULL if there is none. The caller
 * frees it. */
char *ap_foreign_find(const char *path);

/* What a file holds, by its first bytes: "an MP4 file (AAC or ALAC)"; NULL if they tell nothing. */
const char *ap_foreign_kind(int descriptor);

/* The command that makes a WAV file of it: "ffmpeg -i a.m4a a.wav". The caller frees it. */
char *ap_foreign_conversion(const char *path);

#endif
