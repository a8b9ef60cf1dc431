/* Where artifacts are put: always the tracking server itself, whatever it answers. */
#ifndef ANTIPHON_TRACK_ARTIFACT_URL_H
#define ANTIPHON_TRACK_ARTIFACT_URL_H

#include "antiphon/status.h"

/* Whether `server` is a URL that requests can be sent to: AP_MISUSE and why not. */
ap_status ap_artifact_url_check(const char *server);

/* The URL at which the server of the URL `server` takes artifacts of a run, to be freed, from the run's
 * artifact_uri. NULL where that leads anywhere else: to another scheme, host or port, out of the server's own
 * path, or up by ".."; or where it is no URL. */
char *ap_artifact_url(const char *server, const char *artifact_uri);

#endif
