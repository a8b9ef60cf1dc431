/* Interprets tracking URIs (a folder or a server), and checks names from files or servers before they become
 * part of a path. */
#ifndef ANTIPHON_TRACK_PLACE_H
#define ANTIPHON_TRACK_PLACE_H

#include "antiphon/status.h"

#include <stdbool.h>

/* Whether the URI names an http(s) server. */
bool ap_place_is_server(const char *uri);

/* The folder that a path or file: URI names, to be freed. AP_MISUSE if it names none; the message says what
 * to do instead. */
ap_status ap_place_folder(const char *uri, char **folder);

/* The URI without user, password, query and fragment, to be freed: for messages and for mlflow.json. */
char *ap_place_shown(const char *uri);

/* Whether the text can be the id of an experiment or a run by MLflow's rule (letters, digits, '_' and '-',
 * the first a letter or a digit) and is shorter than TRACK_ID. Such an id is one harmless segment of a path.
 */
bool ap_place_is_id(const char *text);

/* Whether the text can be the name of a metric: as MLflow allows, but without '/', and neither "." nor "..".
 */
bool ap_place_is_metric(const char *text);

#endif
