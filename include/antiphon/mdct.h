/** @file mdct.h
 * Modified discrete cosine transform with a sine window (Princen, Johnson, Bradley, 1987): frames of 2 hop samples,
 * every hop samples, the lowest `dim` of hop coefficients kept, scaled by `gain`.
 *
 * basis[k, n] = sin(pi (n + 1/2) / (2 hop)) sqrt(2 / hop) cos(pi / hop (n + 1/2 + hop/2) (k + 1/2))
 */
#ifndef ANTIPHON_MDCT_H
#define ANTIPHON_MDCT_H

#include "antiphon/api.h"
#include "antiphon/tape.h"

AP_API_BEGIN

typedef struct ap_mdct ap_mdct;

/** A transform, owned by the caller; 1 <= dim <= hop, gain > 0. It must outlive the tapes it is used on. */
ap_mdct *ap_mdct_create(int dim, int hop, ap_real gain);
void ap_mdct_free(ap_mdct *mdct);

/** Frames for S samples: ceil(S / hop) + 1. */
int64_t ap_mdct_frames(const ap_mdct *mdct, int64_t S);

/** z [B, dim, frames] from x [B, 1, S], which is padded with zeros to a multiple of hop and by hop on both sides. */
ap_var *ap_mdct_encode(ap_tape *tape, const ap_mdct *mdct, ap_var *x);

/** y [B, 1, S] from z [B, dim, frames], the overlapped sum, for S <= (frames - 1) hop; with dim = hop it undoes the
 * encoding exactly. */
ap_var *ap_mdct_decode(ap_tape *tape, const ap_mdct *mdct, ap_var *z, int64_t S);

AP_API_END

#endif
