/* Finds the recordings in a folder. */
#ifndef ANTIPHON_AUDIO_LISTING_H
#define ANTIPHON_AUDIO_LISTING_H

#include "antiphon/status.h"
#include "base/folder.h"

/* Called with one line, "PATH: REASON", for each file that is left out. NULL: not wanted. */
typedef void ap_left_out(void *context, const char *line);

/* The recordings in a folder and all folders inside it, as paths relative to it, with numbers in names
 * sorted as numbers. Of files with the same name but different extensions the best is taken, of links to the
 * same file the first. The others, empty files, and sound files that cannot be read (m4a, wma ...), are left
 * out and reported. Names that begin with a dot are ignored, as is the folder `other` (NULL: none) if it lies
 * inside. No recording is a failure. */
ap_status ap_recordings_list(const char *folder, const char *other, ap_left_out *left_out, void *context,
                             ap_names *found);

/* Compares names as strcmp does, but numbers in them as numbers: a2 before a10. */
int ap_natural_order(const char *a, const char *b);

/* The length of a name without its extension. */
size_t ap_stem_length(const char *name);

#endif
