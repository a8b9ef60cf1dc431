/* What libsndfile does not say of an OGG file. */
#ifndef ANTIPHON_AUDIO_OGG_H
#define ANTIPHON_AUDIO_OGG_H

#include <stdbool.h>

/* Whether streams stand one behind the other in the file, as where OGG files were put together: libsndfile
 * reads the first alone. False for a file that is no OGG. */
bool ap_ogg_is_chained(int descriptor);

#endif
