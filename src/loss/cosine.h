/* The cosine of vectors, for novelty and the chroma term, and means over the batch. */
#ifndef ANTIPHON_LOSS_COSINE_H
#define ANTIPHON_LOSS_COSINE_H

#include "antiphon/tape.h"

/* The cosine of a and b, of the same shape, over `axis`, which the result does not have. Norms are at least
 * `least`; a shorter vector gets no gradient, because its direction says nothing. */
ap_var *ap_cosine(ap_tape *tape, ap_var *a, ap_var *b, int axis, double least);

/* The mean over the whole batch, a scalar, from x, the mean over the rows on this tape (ap_tape_rows). */
ap_var *ap_mean_of_all(ap_tape *tape, ap_var *x);

#endif
