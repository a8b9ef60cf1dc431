#include "track/remains.h"

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "track/log.h"
#include "track/place.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATE_NAME "mlflow.json"
#define STATE_MOST ((size_t)1 << 16)
#define UNSENT_NAME "mlflow_unsent.jsonl"
#define ARTIFACT "artifact"

/* ---------------------------------------------------------------- mlflow.json */

static const char *text_of(const cJSON *state, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(state, name));
    return text ? text : "";
}

/* A count, or 0 if the value is not one. */
static int64_t integer_of(const cJSON *state, const char *name)
{
    const double most = 9007199254740992.0; /* up to here a double holds every integer */
    double value = ap_json_get_number(state, name);
    return value > 0 && value < most ? (int64_t)value : 0;
}

static void add_integer(cJSON *state, const char *name, int64_t value)
{
    char text[TRACK_ID];
    snprintf(text, sizeof text, "%" PRId64, value);
    ap_json_add(state, name, cJSON_CreateRaw(text));
}

/* Copies an id if it is valid. */
static void copy_id(const char *path, const cJSON *state, const char *name, char to[TRACK_ID])
{
    const char *id = text_of(state, name);
    to[0] = '\0';
    if (ap_place_is_id(id))
        strcpy(to, id);
    else
        ap_track_say("warning: %s: \"%s\": \"%.*s\" is not an MLflow id: a new run is made", path, name,
                     TRACK_ID, id);
}

bool ap_remains_read(const char *folder, const char *place, remains *r)
{
    *r = (remains){.run_id = ""};
    char *path = ap_format_text("%s/" STATE_NAME, folder), *text;
    size_t length;
    ap_status status = ap_file_read(path, STATE_MOST, &text, &length);
    cJSON *state = ap_failed(&status) ? NULL : ap_json_parse(text, length);
    bool there = state && strcmp(text_of(state, "uri"), place) == 0;
    if (there) {
        copy_id(path, state, "run_id", r->run_id);
        copy_id(path, state, "experiment_id", r->experiment_id);
        r->sent = integer_of(state, "sent");
        r->ended = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(state, "ended"));
        r->end_ms = integer_of(state, "end_time");
    }
    cJSON_Delete(state);
    free(text);
    free(path);
    return there;
}

void ap_remains_write(const char *folder, const char *place, const remains *r)
{
    char *path = ap_format_text("%s/" STATE_NAME, folder);
    cJSON *state = ap_json_made(cJSON_CreateObject());
    ap_json_add_text(state, "uri", place);
    ap_json_add_text(state, "experiment_id", r->experiment_id);
    ap_json_add_text(state, "run_id", r->run_id);
    add_integer(state, "sent", r->sent);
    ap_json_add(state, "ended", cJSON_CreateBool(r->ended));
    if (r->end_ms) add_integer(state, "end_time", r->end_ms);
    ap_status status = ap_json_write(path, state);
    if (ap_failed(&status)) ap_track_say("warning: %s", status.message);
    free(path);
}

/* ---------------------------------------------------------------- mlflow_unsent.jsonl */

char *ap_remains_unsent_path(const char *folder)
{
    return ap_format_text("%s/" UNSENT_NAME, folder);
}

ap_status ap_remains_write_artifacts(ap_replacement *unsent, const ap_names *artifacts)
{
    for (size_t i = 0; i < artifacts->count; i++) {
        cJSON *line = ap_json_made(cJSON_CreateObject());
        ap_json_add_text(line, ARTIFACT, artifacts->at[i]);
        char *text = cJSON_PrintUnformatted(line);
        if (!text) ap_fatal("out of memory: a line of " UNSENT_NAME);
        ap_status status = ap_replace_write(unsent, text, strlen(text));
        if (!ap_failed(&status)) status = ap_replace_write(unsent, "\n", 1);
        cJSON_free(text);
        cJSON_Delete(line);
        AP_TRY(status);
    }
    return ap_ok();
}

ap_names ap_remains_artifacts(const char *folder)
{
    static const char begin[] = "{\"" ARTIFACT "\":";
    ap_names found = {.at = NULL};
    char *path = ap_remains_unsent_path(folder), *text, *place = NULL;
    size_t length;
    ap_status status = ap_file_read(path, LOG_MOST, &text, &length);
    free(path);
    if (ap_failed(&status)) return found;
    for (char *line = strtok_r(text, "\n", &place); line; line = strtok_r(NULL, "\n", &place)) {
        if (strncmp(line, begin, strlen(begin)) != 0) continue; /* a line of the log */
        cJSON *json = ap_log_parse(line, strlen(line));
        const char *artifact = text_of(json, ARTIFACT);
        if (access(artifact, R_OK) == 0 && ap_folder_holds(folder, artifact)) ap_names_add(&found, artifact);
        cJSON_Delete(json);
    }
    free(text);
    return found;
}

bool ap_remains_any(const char *folder, const char *place)
{
    remains r;
    char *path = ap_remains_unsent_path(folder);
    bool unsent = access(path, F_OK) == 0;
    free(path);
    return unsent || (ap_remains_read(folder, place, &r) && !r.ended);
}
