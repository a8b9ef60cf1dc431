/* Where artifacts go: always to the tracking server itself, whatever it answers. */
#ifndef ANTIPHON_TRACK_ARTIFACT_URL_H
#define ANTIPHON_TRACK_ARTIFACT_URL_H

#include "antiphon/status.h"

/* Checks that requests can be sent to the URL `server`; AP_MISUSE says why not. */
ap_status ap_artifact_url_check(const char *server);

/* The URL for uploading a run's artifacts to the server `server`, from the run's artifact_uri; to be freed.
 * NULL if artifact_uri is not a URL, or leads elsewhere: to another scheme, host or port, outside the
 * server's own path, or up by "..". */
char *ap_artifact_url(const char *server, const char *artifact_uri);

#endif
