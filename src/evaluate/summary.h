/* A summary (evaluate.h) as JSON: {"mean": ..., "low": ..., "high": ..., "count": ...}. */
#ifndef ANTIPHON_EVALUATE_SUMMARY_H
#define ANTIPHON_EVALUATE_SUMMARY_H

#include "antiphon/evaluate.h"
#include "base/json.h"

/* Adds the members of a summary to an object. */
void ap_json_add_summary(cJSON *object, ap_summary summary);

/* Reads them back. Missing or malformed numbers become NaN, or a count of 0. */
ap_summary ap_json_get_summary(const cJSON *object);

/* Adds a member "bootstrap", which describes how the intervals are made. */
void ap_json_add_bootstrap(cJSON *object);

#endif
