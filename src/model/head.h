/* Several heads that hear the same. */
#ifndef ANTIPHON_MODEL_HEAD_H
#define ANTIPHON_MODEL_HEAD_H

#include "antiphon/agent.h"

/* y[k] = ap_head_apply of heads[k] and x. Their skip connections, which are of the same size, are one
 * product.
 */
void ap_heads_apply(ap_tape *tape, int count, ap_head *const *heads, ap_var *x, ap_var **y);

#endif
