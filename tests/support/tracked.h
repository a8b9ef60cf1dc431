/* Runs whose record is tested: cmocka's set-up, and the calls of a trainer that each must succeed. */
#ifndef ANTIPHON_TESTS_TRACKED_H
#define ANTIPHON_TESTS_TRACKED_H

#include "antiphon/track.h"

/* An empty folder, and no server named by the environment. */
int tracked_enter(void **state);

/* Begins the record of a run in the test's folder; skips the test where the program has no client. */
ap_track *tracked_begin(void **state, const char *uri, int64_t resumed_step);

/* Logs steps first .. last, with a value a step that no other has. */
void tracked_log(ap_track *track, int first, int last);

void tracked_finish(ap_track *track, ap_outcome outcome);

#endif
