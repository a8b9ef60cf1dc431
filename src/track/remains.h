/* What of a record outlives the program, in the run's folder: mlflow.json, which says how far the delivery
 * has come, and mlflow_unsent.jsonl with what was not delivered by the end. Both are files that anybody may
 * have written. */
#ifndef ANTIPHON_TRACK_REMAINS_H
#define ANTIPHON_TRACK_REMAINS_H

#include "base/folder.h"
#include "base/replace.h"
#include "track/sink.h"

/* mlflow.json */
typedef struct remains {
    char run_id[TRACK_ID], experiment_id[TRACK_ID];
    int64_t sent;   /* bytes of the log that are delivered */
    bool ended;     /* MLflow knows the run's end */
    int64_t end_ms; /* when that was; 0: it has not come */
} remains;

/* Reads what an earlier program has left for `place`; whether there is anything. Ids that are none are not
 * taken, which is said. */
bool ap_remains_read(const char *folder, const char *place, remains *r);

/* Writes it; a failure is said. */
void ap_remains_write(const char *folder, const char *place, const remains *r);

/* The path of mlflow_unsent.jsonl, to be freed. */
char *ap_remains_unsent_path(const char *folder);

/* Adds lines that name artifacts to mlflow_unsent.jsonl. */
ap_status ap_remains_write_artifacts(ap_replacement *unsent, const ap_names *artifacts);

/* The artifacts that mlflow_unsent.jsonl names and that are in the run's folder, links followed: no other
 * file is handed to a server because a file says so. */
ap_names ap_remains_artifacts(const char *folder);

/* Whether anything of the run in `folder` has not been delivered to `place`. */
bool ap_remains_any(const char *folder, const char *place);

#endif
