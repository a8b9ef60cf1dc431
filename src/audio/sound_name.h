/* The kinds of sound file that are written: the end of a name says which. */
#ifndef ANTIPHON_AUDIO_SOUND_NAME_H
#define ANTIPHON_AUDIO_SOUND_NAME_H

#include "antiphon/status.h"

#include <stdbool.h>

/* Whether a file of this name is written as FLAC (.flac); any other is WAV. */
bool ap_sound_name_is_flac(const char *path);

/* Whether an option --NAME may ask for a sound file of this name: it ends in .wav or .flac, and there is no
 * file of another kind that it would replace. AP_MISUSE otherwise. */
ap_status ap_sound_name_check(const char *option, const char *path);

#endif
