#include "antiphon/track.h"

#include "core/memory.h"
#include "track/courier.h"
#include "track/log.h"

#include <ctype.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct ap_track {
    char *log_path;
    int log;
    int64_t bytes;
    ap_status status; /* the first failure to write the log */
    courier *courier; /* NULL: no MLflow */
};

const char *ap_track_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void ap_track_say(const char *format, ...)
{
    char line[AP_STATUS_MESSAGE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%santiphon: %s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "", line);
}

static double seconds_since_1970(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---------------------------------------------------------------- the URI */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* The path of "file:///a%20b", "file:/a", "file:a". NULL when it names another machine. */
static char *path_of_file_uri(const char *uri)
{
    const char *from = uri + strlen("file:");
    if (begins(from, "//")) {
        from += strlen("//");
        if (begins(from, "localhost/")) from += strlen("localhost");
        if (*from != '/') return NULL;
    }
    char *path = ap_copy_text(from), *to = path;
    for (; *from; from++) {
        char digits[3] = {0};
        if (*from == '%' && isxdigit((unsigned char)from[1]) && isxdigit((unsigned char)from[2])) {
            memcpy(digits, from + 1, 2);
            *to++ = (char)strtol(digits, NULL, 16);
            from += 2;
        } else
            *to++ = *from;
    }
    *to = '\0';
    return path;
}

/* Whether it begins like "scheme:", which no sensible folder does. */
static bool has_scheme(const char *uri)
{
    size_t length = strspn(uri, "abcdefghijklmnopqrstuvwxyz0123456789+.-");
    return length > 0 && uri[length] == ':';
}

static ap_status sink_for(const char *uri, track_sink **sink)
{
    if (begins(uri, "http://") || begins(uri, "https://")) return ap_server_create(uri, sink);
    char *folder = begins(uri, "file:") ? path_of_file_uri(uri) : has_scheme(uri) ? NULL : ap_copy_text(uri);
    if (!folder || !*folder) {
        free(folder);
        return ap_error(AP_MISUSE, "must be a folder, a file: URI or an http(s) server");
    }
    *sink = ap_file_store_create(folder);
    free(folder);
    if (!getenv("MLFLOW_ALLOW_FILE_STORE"))
        ap_track_say("note: MLflow from 3.13 on opens a folder only with MLFLOW_ALLOW_FILE_STORE=true");
    return ap_ok();
}

/* The URI without user and password, for messages and for mlflow.json. */
static char *shown(const char *uri)
{
    const char *scheme = strstr(uri, "://"), *host = scheme ? scheme + 3 : uri;
    size_t authority = strcspn(host, "/?#");
    const char *at = scheme ? memrchr(host, '@', authority) : NULL;
    return at ? ap_format_text("%.*s%s", (int)(host - uri), uri, at + 1) : ap_copy_text(uri);
}

/* ---------------------------------------------------------------- the run's description */

static void add_text(track_text **texts, size_t *count, const char *name, const char *value)
{
    *texts = ap_reallocate(*texts, *count + 1, sizeof **texts);
    (*texts)[(*count)++] = (track_text){ap_copy_text(name), ap_copy_text(value)};
}

/* Everything but where the record goes, which may hold a password and says nothing about the run. */
static void add_params(track_run *run, const ap_config *config)
{
    char value[AP_CONFIG_TEXT];
    for (size_t i = 0; i < ap_config_count(); i++) {
        if (begins(ap_config_name(i), "track.")) continue;
        ap_config_value(config, i, value);
        add_text(&run->params, &run->param_count, ap_config_name(i), value);
    }
}

static track_run describe(const char *folder, const ap_config *config)
{
    const struct passwd *who = getpwuid(geteuid());
    char *absolute = realpath(folder, NULL);
    const char *name = config->track.run_name;
    if (!name[0]) name = ap_track_file_name(absolute ? absolute : folder);
    track_run run = {.experiment = ap_copy_text(config->track.experiment),
                     .name = ap_copy_text(name),
                     .user = ap_copy_text(who ? who->pw_name : "unknown"),
                     .start_ms = (int64_t)(seconds_since_1970() * 1000)};
    add_params(&run, config);
    add_text(&run.tags, &run.tag_count, "mlflow.runName", run.name);
    add_text(&run.tags, &run.tag_count, "mlflow.user", run.user);
    add_text(&run.tags, &run.tag_count, "mlflow.source.name", "antiphon");
    add_text(&run.tags, &run.tag_count, "mlflow.source.type", "LOCAL");
    add_text(&run.tags, &run.tag_count, "antiphon.version", AP_VERSION);
    if (absolute) add_text(&run.tags, &run.tag_count, "antiphon.folder", absolute);
    free(absolute);
    return run;
}

/* ---------------------------------------------------------------- the record */

static ap_status start_courier(ap_track *track, const char *folder, const ap_config *config, bool resumed)
{
    const char *uri = config->track.uri, *key = "track.uri";
    if (!uri[0]) {
        uri = getenv("MLFLOW_TRACKING_URI");
        key = "MLFLOW_TRACKING_URI";
    }
    if (!uri || !uri[0]) return ap_ok();
    track_sink *sink;
    ap_server_prepare();
    char *place = shown(uri);
    ap_status status = sink_for(uri, &sink);
    if (ap_failed(&status))
        status = ap_error(status.code, "%s = \"%s\": %s", key, place, status.message);
    else
        track->courier = ap_courier_start(folder, track->log_path, place, sink, describe(folder, config),
                                          track->bytes, resumed);
    free(place);
    return status;
}

static void track_free(ap_track *track)
{
    if (track->log >= 0) close(track->log);
    free(track->log_path);
    free(track);
}

ap_status ap_track_create(const char *folder, const ap_config *config, int64_t resumed_step, ap_track **track)
{
    ap_track *t = ap_allocate(1, sizeof *t);
    *track = NULL;
    t->log = -1;
    t->log_path = ap_format_text("%s/" LOG_NAME, folder);
    ap_status status = ap_log_open(t->log_path, resumed_step, &t->log, &t->bytes);
    if (!ap_failed(&status)) status = start_courier(t, folder, config, resumed_step >= 0);
    if (ap_failed(&status))
        track_free(t);
    else
        *track = t;
    return status;
}

void ap_track_metrics(ap_track *track, int64_t step, int epoch, int count, const char *const *names,
                      const double *values)
{
    ap_status status = ap_log_append(track->log_path, track->log, step, epoch, seconds_since_1970(), count,
                                     names, values, &track->bytes);
    if (ap_failed(&status) && !ap_failed(&track->status)) {
        track->status = status;
        ap_track_say("warning: %s", status.message);
    }
    if (track->courier) ap_courier_wake(track->courier, track->bytes);
}

void ap_track_artifact(ap_track *track, const char *path)
{
    if (track->courier) ap_courier_artifact(track->courier, path);
}

ap_status ap_track_finish(ap_track *track, ap_outcome outcome)
{
    if (!track) return ap_ok();
    if (track->courier) ap_courier_finish(track->courier, outcome);
    ap_status status = track->status;
    track_free(track);
    return status;
}
