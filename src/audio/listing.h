/* The recordings in people's folders. */
#ifndef ANTIPHON_AUDIO_LISTING_H
#define ANTIPHON_AUDIO_LISTING_H

#include "antiphon/status.h"
#include "base/folder.h"

/* Told of each file that is left out: one line, "PATH: REASON". NULL is nobody. */
typedef void ap_left_out(const char *line);

/* The recordings in a folder and in the folders within it, by their paths from there, numbers in names in the
 * order of numbers. Of several files with one name but different extensions the best is taken, and of links
 * to one file the first; the others, and sound of kinds that are not read (m4a, wma ...), are left out and
 * told. Names that begin with a point are passed over, and so is the folder `other` (NULL: none) where it
 * lies within. No recording is a failure. */
ap_status ap_recordings_list(const char *folder, const char *other, ap_left_out *left_out, ap_names *found);

/* The order of names in which numbers stand in the order of numbers: a2 before a10. Below 0, 0 or above, as
 * strcmp. */
int ap_natural_order(const char *a, const char *b);

/* How much of a name stands before its extension. */
size_t ap_stem_length(const char *name);

#endif
