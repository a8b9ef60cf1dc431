/* Making pair sets: the folders of one, and what says how it was made. (Listing them: antiphon/pairs.h.) */
#ifndef ANTIPHON_AUDIO_PAIR_SET_H
#define ANTIPHON_AUDIO_PAIR_SET_H

#include "antiphon/audio.h"

#include <stdbool.h>

/* The file in a set that says how it was made: one line. */
#define PAIR_SET_NOTE "made_by.txt"

/* Makes the folders of a set in `folder` and writes the note. A folder that holds something already is
 * refused; but where the same note always makes the same files (repeatable), the folder may be one with this
 * note. */
ap_status pair_set_begin(const char *folder, const char *note, bool repeatable);

/* Writes one side of pair `number` of a split. */
ap_status pair_set_write(const char *folder, bool validation, int64_t number, bool target,
                         const ap_audio *audio);

#endif
