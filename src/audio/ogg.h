/* Finds out what libsndfile does not tell about OGG files. */
#ifndef ANTIPHON_AUDIO_OGG_H
#define ANTIPHON_AUDIO_OGG_H

#include <stdbool.h>

/* Whether the file has several streams in succession, as concatenated OGG files do. libsndfile reads only
 * the first. False if the file is not OGG. */
bool ap_ogg_is_chained(int descriptor);

#endif
