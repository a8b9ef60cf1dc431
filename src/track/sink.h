/* The destinations of a record, behind one interface: a folder (file_store.c) or a tracking server
 * (server.c). */
#ifndef ANTIPHON_TRACK_SINK_H
#define ANTIPHON_TRACK_SINK_H

#include "antiphon/track.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct track_metric {
    char *name;
    double value; /* NaN: no value */
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
    char id[TRACK_ID]; /* empty until the run exists */
} track_run;

/* Frees its texts. */
void ap_track_run_free(track_run *run);

/* A file is refused for good, in contrast to a refusal for now (AP_FAILED). */
#define TRACK_NEVER AP_MISUSE
/* No answer came, in contrast to a refusal (AP_FAILED). */
#define TRACK_SILENT AP_INTERRUPTED

/* How many more seconds a sink may wait for an answer if no byte has moved since the time `moved`
 * (ap_clock_seconds). If none are left, it gives up with TRACK_SILENT. The answer changes over time, so the
 * sink asks repeatedly. */
typedef struct track_patience {
    double (*left)(void *context, double moved);
    void *context;
} track_patience;

typedef struct track_sink track_sink;
struct track_sink {
    track_patience patience; /* set before the sink is used */
    bool lost;               /* set by a call that fails because the run no longer exists */
    /* Creates the run with its experiment, parameters and tags. If run->id names an existing run, continues
     * it and records the parameters that have changed; if that run no longer exists, creates a new one with
     * a new id. *fresh: it has no metrics yet and needs the log from its beginning. */
    ap_status (*open)(track_sink *sink, track_run *run, bool *fresh);
    ap_status (*log)(track_sink *sink, size_t count, const track_metric *metrics);
    ap_status (*artifact)(track_sink *sink, const char *path);
    ap_status (*close)(track_sink *sink, ap_outcome outcome, int64_t end_ms);
    void (*free)(track_sink *sink);
};

/* An MLflow file store in `folder`, which is created on demand. */
track_sink *ap_file_store_create(const char *folder);

/* The tracking server at `uri`; AP_MISUSE when the library was built without libcurl. */
ap_status ap_server_create(const char *uri, track_sink **sink);

/* Called once before the first thread. */
void ap_server_prepare(void);

/* Prints a line on the standard error, on a line of its own even over a progress line. */
void ap_track_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Opens a file to be delivered, to be closed by fclose. TRACK_NEVER if it does not exist or is not a regular
 * file; a symbolic link is refused, because it might lead anywhere. */
ap_status ap_track_open_artifact(const char *path, FILE **stream);

#endif
