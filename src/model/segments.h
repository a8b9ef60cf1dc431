/* EnCodec's segments: a network that does not hear all of a recording at once, and hears each part at the
 * same volume (Défossez et al., "High Fidelity Neural Audio Compression", 2022, section 3.3;
 * EncodecModel.encode and .decode in the package encodec). */
#ifndef ANTIPHON_MODEL_SEGMENTS_H
#define ANTIPHON_MODEL_SEGMENTS_H

#include "model/seanet.h"

/** In samples. The last segments may be shorter, the very last a single sample. */
typedef struct ap_segments {
    int64_t length; /**< 0: all of the audio is one segment */
    int64_t stride; /**< from one segment to the next, at most `length` */
    int64_t hop;    /**< per latent frame */
    bool normalize; /**< whether each is divided by the volume of its mid channel */
} ap_segments;

/** How many segments S samples have, and how many latent frames all of them have. */
int64_t ap_segments_count(const ap_segments *s, int64_t S);
int64_t ap_segments_frames(const ap_segments *s, int64_t S);

/** Latents [B, D, T] of audio [B, C, S]: those of the segments, one after the other. *scale, if they are
 * normalised: what each was divided by, [segments B], segment by segment; otherwise it is left alone. */
ap_var *ap_segments_encode(ap_tape *tape, const ap_segments *s, ap_seanet *seanet, ap_var *audio,
                           ap_var **scale);

/** Audio [B, C, S] from latents [B, D, T] and scales, which may be NULL. */
ap_var *ap_segments_decode(ap_tape *tape, const ap_segments *s, ap_seanet *seanet, ap_var *latents,
                           ap_var *scale, int64_t S);

#endif
