/** @file report.h
 * A run as one page of HTML: curves, compositions to listen to, the evaluation, the configuration. A study as
 * one: its table, charts and compositions.
 *
 * The page needs nothing but itself: pictures and sound are inside, there are no scripts, and a content
 * security policy keeps browsers from fetching anything.
 */
#ifndef ANTIPHON_REPORT_H
#define ANTIPHON_REPORT_H

#include "antiphon/api.h"
#include "antiphon/status.h"

#include <stdint.h>

AP_API_BEGIN

/** Of a composition, so much is to be heard and seen; envelopes and numbers are of the whole. */
#define AP_REPORT_SECONDS 60

/** Writes the page of the run in `folder` to `path` (NULL: report.html in the folder), with the first
 * `samples_most` compositions of the folder's samples/. What the folder does not hold, or what is broken in
 * it, the page says in its place. The folder is changed in nothing else. AP_FAILED: the folder is none, or
 * holds none of config.json, log.jsonl, checkpoints and samples; the page cannot be written.
 *
 * The folder of a study (ap_study_is) gives the study's page; AP_FAILED, too, when ap_study_read fails. */
ap_status ap_report_write(const char *folder, const char *path, int64_t samples_most);

AP_API_END

#endif
