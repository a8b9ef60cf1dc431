/* What remains of a record in the run's folder after the program ends: mlflow.json, the progress of the
 * delivery, and mlflow_unsent.jsonl, what was not delivered. Neither file is trusted: anybody may have
 * written it. */
#ifndef ANTIPHON_TRACK_REMAINS_H
#define ANTIPHON_TRACK_REMAINS_H

#include "base/folder.h"
#include "base/replace.h"
#include "track/sink.h"

/* mlflow.json */
typedef struct remains {
    char run_id[TRACK_ID], experiment_id[TRACK_ID];
    int64_t sent;   /* bytes of the log already delivered */
    bool ended;     /* MLflow knows that the run has ended */
    int64_t end_ms; /* time of the end; 0: not yet */
} remains;

/* Reads what an earlier program has left for `place`; false if there is nothing. Invalid ids are dropped
 * with a warning. */
bool ap_remains_read(const char *folder, const char *place, remains *r);

/* Writes mlflow.json. A failure is only printed. */
void ap_remains_write(const char *folder, const char *place, const remains *r);

/* The path of mlflow_unsent.jsonl, to be freed. */
char *ap_remains_unsent_path(const char *folder);

/* Appends the artifacts to mlflow_unsent.jsonl, one line each. */
ap_status ap_remains_write_artifacts(ap_replacement *unsent, const ap_names *artifacts);

/* The artifacts listed in mlflow_unsent.jsonl that really lie in the run's folder, with links resolved, so
 * that the list cannot make the program upload other files. */
ap_names ap_remains_artifacts(const char *folder);

/* Whether anything of the run in `folder` is still to be delivered to `place`. */
bool ap_remains_any(const char *folder, const char *place);

#endif
