/* Where MLflow keeps runs: behind one interface a folder (file_store.c) or a tracking server (server.c). */
#ifndef ANTIPHON_TRACK_SINK_H
#define ANTIPHON_TRACK_SINK_H

#include "antiphon/track.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct track_metric {
    char *name;
    double value; /* NaN where there is none */
    int64_t time_ms, step;
} track_metric;

/* A parameter or a tag. */
typedef struct track_text {
    char *name, *value;
} track_text;

#define TRACK_ID 80

typedef struct track_run {
    char *experiment, *name, *user;
    int64_t start_ms;
    track_text *params, *tags;
    size_t param_count, tag_count;
    char experiment_id[TRACK_ID];
    char id[TRACK_ID]; /* empty until the run is there */
} track_run;

/* What happens to a file that is never accepted, as against one that is refused for now (AP_FAILED). */
#define TRACK_NEVER AP_MISUSE
/* No answer came, as against one that says no (AP_FAILED). */
#define TRACK_SILENT AP_INTERRUPTED

/* How long a sink may go on waiting for an answer when no byte has moved since the moment `moved`
 * (ap_clock_seconds): seconds from now; none left: it gives up with TRACK_SILENT. The answer changes while it
 * waits, so it asks again and again. */
typedef struct track_patience {
    double (*left)(void *context, double moved);
    void *context;
} track_patience;

typedef struct track_sink track_sink;
struct track_sink {
    track_patience patience; /* set before anything is asked of the sink */
    bool lost;               /* set by a call that fails because the run is no longer there: deleted, say */
    /* Makes the run, with experiment, parameters and tags; or, when run->id names one that is there, goes on
     * with it, and records the parameters that are other than they were; where that one is no longer there, a
     * new one gets a new id. *fresh: it holds no metrics yet, and is to be given the log from its beginning.
     */
    ap_status (*open)(track_sink *sink, track_run *run, bool *fresh);
    ap_status (*log)(track_sink *sink, size_t count, const track_metric *metrics);
    ap_status (*artifact)(track_sink *sink, const char *path);
    ap_status (*close)(track_sink *sink, ap_outcome outcome, int64_t end_ms);
    void (*free)(track_sink *sink);
};

/* An MLflow file store in `folder`, which is made when it is needed. */
track_sink *ap_file_store_create(const char *folder);

/* The tracking server at `uri`; AP_MISUSE when the library was built without libcurl. */
ap_status ap_server_create(const char *uri, track_sink **sink);

/* Called once before the first thread. */
void ap_server_prepare(void);

/* Says something on the standard error, on a line of its own even where a progress line stands. */
void ap_track_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Opens a file that is to be handed over, for fclose. TRACK_NEVER: it is not there, or is no regular file; a
 * symbolic link is none, as it might lead to anything. */
ap_status ap_track_open_artifact(const char *path, FILE **stream);

/* The last part of a path. */
const char *ap_track_file_name(const char *path);

#endif
