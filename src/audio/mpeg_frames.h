/* Counts the frames of an MPEG audio file by their headers. */
#ifndef ANTIPHON_AUDIO_MPEG_FRAMES_H
#define ANTIPHON_AUDIO_MPEG_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

typedef struct ap_mpeg_frames {
    int64_t whole;    /* complete frames of sound */
    int64_t promised; /* number announced by the first frame (Xing, Info, VBRI); 0: none */
    bool cut;         /* the file ends within a frame */
} ap_mpeg_frames;

/* False if the file is not MPEG audio: after ID3 tags it must begin with a frame that another one, or the
 * end of the file, follows. */
bool ap_mpeg_frames_count(int descriptor, ap_mpeg_frames *frames);

#endif
