/* Trios: an input, a target, and the piece composed from them. */
#ifndef ANTIPHON_AUDIO_TRIO_H
#define ANTIPHON_AUDIO_TRIO_H

#include "antiphon/audio.h"
#include "base/folder.h"

enum { TRIO_INPUT, TRIO_TARGET, TRIO_OUTPUT, TRIO };

/* Reads the mids of all three at AP_SAMPLE_RATE, up to the end of the shortest: all get the same count.
 * lengths (NULL: not wanted) as in ap_audio_read_shortest. After a failure nothing needs freeing. */
ap_status ap_trio_read(const char *const paths[TRIO], ap_audio trio[TRIO], int64_t lengths[TRIO]);
void ap_trio_free(ap_audio trio[TRIO]);

/* A trio in a folder is three files: NAME_1_input.wav, NAME_2_target.wav, NAME_3_output.wav, or the same in
 * FLAC. */
typedef struct trio_paths {
    char *at[TRIO]; /* owned */
} trio_paths;
/* Where to write one; `kind` is "wav" or "flac". */
trio_paths ap_trio_paths_of(const char *folder, const char *name, const char *kind);
/* Where one is to be read, each file in whichever kind is there, if need be one that is not read: its reader
 * says so. */
trio_paths ap_trio_paths_find(const char *folder, const char *name);
void ap_trio_paths_free(trio_paths *paths);

/* The names of the trios in a folder, sorted: those of all outputs. The same name in both kinds is a failure.
 */
ap_status ap_trio_names_list(const char *folder, ap_names *names);

/* Notes in the folder's pairs.json which pair a trio was composed from. A file that is no JSON object is
 * replaced. */
ap_status ap_trio_note_pair(const char *folder, const char *name, const char *pair);

/* The name of that pair, which the caller frees; NULL if it is not known. */
char *ap_trio_pair(const char *folder, const char *name);

#endif
