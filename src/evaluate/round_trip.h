/* Judges a codec by its round trips, compared with silence and with a lapped transform of as many latents.
 */
#ifndef ANTIPHON_EVALUATE_ROUND_TRIP_H
#define ANTIPHON_EVALUATE_ROUND_TRIP_H

#include "antiphon/codec.h"
#include "antiphon/tape.h"
#include "base/json.h"
#include "evaluate/fidelity.h"

#include <stdbool.h>
#include <stdio.h>

typedef struct ap_round_trip ap_round_trip;

/* Starts an evaluation for a codec of `dim` latents every `hop` samples of a channel: of those that several
 * channels share, a channel's part. Owned by the caller. */
ap_round_trip *ap_round_trip_create(int64_t dim, int64_t hop);
void ap_round_trip_free(ap_round_trip *trip); /* NULL is allowed */

/* Adds a round trip: S samples x [channels, S] at `rate`, `count` latents z, the output y [channels, S].
 * Parts of a channel of at most 10 s are measured; those below AP_SOUNDING_DBFS or shorter than
 * ap_fidelity_least are not. Channels that are encoded one by one are round trips of their own. */
void ap_round_trip_add(ap_round_trip *trip, int rate, int channels, int64_t S, const ap_real *x,
                       int64_t count, const ap_real *z, const ap_real *y);

/* The codec's mean; NaN if nothing was measured. */
double ap_round_trip_mean(const ap_round_trip *trip, ap_fidelity_measure measure);

/* Prints a table of the means. False, and nothing printed, if nothing was measured. */
bool ap_round_trip_print(const ap_round_trip *trip, FILE *out);

/* Adds the means to an object as members "codec", "mdct" and "silence". NaN becomes null. */
void ap_round_trip_add_json(const ap_round_trip *trip, cJSON *object);

/* A sentence that says that latents or outputs hardly differ although inputs do, so that the codec ignores
 * its input. NULL if all is well, or if there were no two different inputs of the same length. Borrowed. */
const char *ap_round_trip_deaf(ap_round_trip *trip);

/* Forgets what was added. */
void ap_round_trip_restart(ap_round_trip *trip);

#endif
