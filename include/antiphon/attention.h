/** @file attention.h
 * Multi-head self-attention (Vaswani et al., 2017) that never stores the T x T scores: they are formed for a strip
 * of queries at a time, and for a strip of keys again in the backward pass, as in Dao et al., "FlashAttention" (2022).
 */
#ifndef ANTIPHON_ATTENTION_H
#define ANTIPHON_ATTENTION_H

#include "antiphon/api.h"
#include "antiphon/tape.h"

AP_API_BEGIN

/** y [B, T, C] from qkv [B, T, 3C]: queries, keys and values side by side, each cut into `heads` of C / heads;
 * y = concat over heads of dropout(softmax(q k' / sqrt(C / heads))) v. In training mode each weight is dropped
 * with probability `dropout`. `heads` divides C. */
ap_var *ap_attention(ap_tape *tape, ap_var *qkv, int heads, ap_real dropout);

AP_API_END

#endif
