/* A codec judged by its round trips, beside silence and a lapped transform of as many latents. */
#ifndef ANTIPHON_EVALUATE_ROUND_TRIP_H
#define ANTIPHON_EVALUATE_ROUND_TRIP_H

#include "antiphon/codec.h"
#include "antiphon/tape.h"
#include "base/json.h"
#include "evaluate/fidelity.h"

#include <stdbool.h>
#include <stdio.h>

typedef struct ap_round_trip ap_round_trip;

/* For a codec of `dim` latents every `hop` samples. */
ap_round_trip *ap_round_trip_create(int64_t dim, int64_t hop);
void ap_round_trip_free(ap_round_trip *trip); /* NULL is allowed */

/* Adds the way of S samples x by `count` latents z to the output y [S]. Measures are taken of parts of at
 * most 10 s; what is below AP_SOUNDING_DBFS, or shorter than AP_FIDELITY_SAMPLES_LEAST, is not measured. */
void ap_round_trip_add(ap_round_trip *trip, int64_t S, const ap_real *x, int64_t count, const ap_real *z,
                       const ap_real *y);

/* The codec's mean; NaN where nothing was measured. */
double ap_round_trip_mean(const ap_round_trip *trip, ap_fidelity_measure measure);

/* A table of the means over what was measured; false, and nothing printed, where nothing sounded. */
bool ap_round_trip_print(const ap_round_trip *trip, FILE *out);

/* The same as members "codec", "mdct" and "silence" of an object; what is not a number is null. */
void ap_round_trip_add_json(const ap_round_trip *trip, cJSON *object);

/* What shows that the codec does not hear: a sentence about latents, or outputs, that hardly differ where
 * inputs do; NULL where all is well, or where there were no two inputs of one length that differ. The trip's.
 */
const char *ap_round_trip_deaf(ap_round_trip *trip);

/* Forgets what was added. */
void ap_round_trip_restart(ap_round_trip *trip);

#endif
