/* The frames of an MPEG audio file, counted by their headers. */
#ifndef ANTIPHON_AUDIO_MPEG_FRAMES_H
#define ANTIPHON_AUDIO_MPEG_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

typedef struct ap_mpeg_frames {
    int64_t whole;    /* frames of sound that are there from beginning to end */
    int64_t promised; /* that the first frame says there are (Xing, Info, VBRI); 0 where it does not say */
    bool cut;         /* the file ends in the midst of a frame */
} ap_mpeg_frames;

/* False where the file is not MPEG audio: it must begin, behind ID3 tags, with a frame after which another
 * one follows or the file ends. */
bool ap_mpeg_frames_count(int descriptor, ap_mpeg_frames *frames);

#endif
