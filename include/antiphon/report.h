/** @file report.h
 * The report of a run as one HTML page: curves, compositions to listen to, the evaluation, the configuration.
 * For a study: its table, charts and compositions.
 *
 * The page is self-contained: it embeds its pictures and sound. Its one script lets players go on at the same
 * place. Its content security policy keeps browsers from running anything else and from fetching anything.
 */
#ifndef ANTIPHON_REPORT_H
#define ANTIPHON_REPORT_H

#include "antiphon/api.h"
#include "antiphon/status.h"

#include <stdint.h>

AP_API_BEGIN

/** How many seconds of a composition can be heard and seen. Envelopes and numbers cover all of it. */
#define AP_REPORT_SECONDS 60

/** Writes the page of the run in `folder` to `path` (NULL: report.html in the folder), with at most
 * `samples_most` compositions from the folder's samples/. Where the folder lacks something, or holds
 * something broken, the page says so. Nothing else in the folder is changed. AP_FAILED if the folder does not
 * exist or holds none of config.json, log.jsonl, checkpoints and samples, or if the page cannot be written.
 *
 * For the folder of a study (ap_study_is) it writes the page of the study; AP_FAILED, too, if ap_study_read
 * fails. */
ap_status ap_report_write(const char *folder, const char *path, int64_t samples_most);

AP_API_END

#endif
