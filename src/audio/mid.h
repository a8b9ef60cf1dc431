/* The mid of a recording: the average of its channels, as one signal that is never silent where the channels
 * are not.
 *
 * Where channels cancel each other, as left = -right do, their average is silence. There the mid is the
 * average of the channels with their signs turned: every channel gets the sign of its correlation with the
 * first channel that is not soft. So left = -right gives left. This is decided for each block of frames, and
 * fades in or out over a block, so that nothing clicks. */
#ifndef ANTIPHON_AUDIO_MID_H
#define ANTIPHON_AUDIO_MID_H

#include <stdint.h>

typedef struct ap_mid ap_mid;

/* For recordings with this many channels. */
ap_mid *ap_mid_create(int channels);

/* The mid [count] of the next `count` interleaved frames, which are a block. */
void ap_mid_block(ap_mid *mid, int64_t count, const float *frames, float *samples);

/* The number of frames so far in whose blocks the channels cancelled each other. */
int64_t ap_mid_cancelled(const ap_mid *mid);

/* NULL is allowed. */
void ap_mid_free(ap_mid *mid);

#endif
