/* The cosine of vectors, of which novelty and the chroma term are made. */
#ifndef ANTIPHON_LOSS_COSINE_H
#define ANTIPHON_LOSS_COSINE_H

#include "antiphon/tape.h"

/* The cosine of a and b, of one shape, along `axis`, which the result has no more. Norms count as no less
 * than `least`, and a vector that is shorter gets no gradient: its direction says nothing. */
ap_var *ap_cosine(ap_tape *tape, ap_var *a, ap_var *b, int axis, double least);

#endif
