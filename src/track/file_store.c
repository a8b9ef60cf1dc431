/* MLflow's file store: ROOT/EXPERIMENT/meta.yaml, ROOT/EXPERIMENT/RUN/{meta.yaml, metrics/, params/, tags/,
 * artifacts/}. A metric is a file of lines "time value step", a parameter or tag a file with its value. */
#include "track/sink.h"

#include "base/file.h"
#include "base/folder.h"
#include "base/memory.h"
#include "base/replace.h"
#include "base/text.h"
#include "track/place.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* Larger meta files are not MLflow's. */
#define META_MOST ((size_t)1 << 20)
#define META_NAME "meta.yaml"

/* MLflow's RunStatus. */
enum { STATUS_RUNNING = 1, STATUS_FINISHED = 3, STATUS_FAILED = 4, STATUS_KILLED = 5 };
/* MLflow's SourceType.LOCAL. */
enum { SOURCE_LOCAL = 4 };

typedef struct file_store {
    track_sink sink;
    char *root;       /* absolute after open */
    char *run_folder; /* NULL until open */
    bool made;        /* the run was made by this program */
    const track_run *run;
} file_store;

/* ---------------------------------------------------------------- YAML */

/* A double-quoted JSON text is also a YAML text. */
static char *quoted(const char *text)
{
    cJSON *json = cJSON_CreateString(text);
    char *printed = json ? cJSON_PrintUnformatted(json) : NULL;
    if (!printed) ap_fatal("out of memory: quoting a text");
    cJSON_Delete(json);
    return printed;
}

/* The text of a YAML scalar on one line: plain, 'single' or "double" quoted. */
static char *unquoted(const char *scalar, size_t length)
{
    char *text = ap_format_text("%.*s", (int)length, scalar);
    if (text[0] == '"') {
        cJSON *json = cJSON_Parse(text);
        char *inner = cJSON_IsString(json) ? ap_copy_text(json->valuestring) : ap_copy_text("");
        cJSON_Delete(json);
        free(text);
        return inner;
    }
    if (text[0] == '\'') {
        char *to = text;
        for (const char *from = text + 1; *from && !(from[0] == '\'' && from[1] != '\''); from++) {
            from += *from == '\'';
            *to++ = *from;
        }
        *to = '\0';
    }
    return text;
}

/* The value of a top-level key of a meta file, or NULL. */
static char *meta_value(const char *meta, const char *key)
{
    size_t length = strlen(key);
    for (const char *line = meta; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
        if (strncmp(line, key, length) != 0 || line[length] != ':') continue;
        const char *value = line + length + 1, *end = value + strcspn(value, "\r\n");
        while (value < end && *value == ' ') value++;
        while (end > value && end[-1] == ' ') end--;
        return unquoted(value, (size_t)(end - value));
    }
    return NULL;
}

static char *file_uri(const char *path)
{
    char *uri = NULL;
    size_t length;
    FILE *stream = open_memstream(&uri, &length);
    if (!stream) ap_fatal("out of memory: a URI");
    fputs("file://", stream);
    for (const char *p = path; *p; p++)
        fprintf(stream, isalnum((unsigned char)*p) || strchr("/-._~", *p) ? "%c" : "%%%02X",
                (unsigned char)*p);
    if (fclose(stream) != 0) ap_fatal("out of memory: a URI");
    return uri;
}

/* ---------------------------------------------------------------- experiments */

static ap_status write_text(const char *folder, const char *name, const char *text)
{
    char *path = ap_format_text("%s/%s", folder, name);
    ap_status status = ap_replace_file(path, text, strlen(text));
    free(path);
    return status;
}

/* The text of a folder's meta file, for the caller to free; NULL where there is no such file. One that cannot
 * be read is a failure: it is not taken for absent. */
static ap_status read_meta(const char *folder, char **meta)
{
    char *path = ap_format_text("%s/" META_NAME, folder);
    size_t length;
    bool there;
    *meta = NULL;
    ap_status status = ap_file_is_there(path, &there);
    if (!ap_failed(&status) && there) status = ap_file_read(path, META_MOST, meta, &length);
    free(path);
    return status;
}

static ap_status is_experiment(const char *root, const char *id, const char *name, bool *same)
{
    char *folder = ap_format_text("%s/%s", root, id), *meta;
    ap_status status = read_meta(folder, &meta);
    char *found = meta ? meta_value(meta, "name") : NULL;
    *same = found && strcmp(found, name) == 0;
    free(found);
    free(meta);
    free(folder);
    return status;
}

/* Finds the id of the experiment with that name; empty if there is none. (Deleted experiments are in
 * .trash.) After a failure the id is as it was: it is kept for the next program. */
static ap_status find_experiment(const char *root, track_run *run)
{
    char id[TRACK_ID] = "";
    ap_names entries;
    ap_status unread = ap_ok();
    AP_TRY(ap_folder_list(root, &entries));
    for (size_t i = 0; i < entries.count && !id[0]; i++) {
        bool same;
        if (!ap_place_is_id(entries.at[i])) continue;
        ap_status status = is_experiment(root, entries.at[i], run->experiment, &same);
        if (ap_failed(&status)) unread = status;
        if (same) strcpy(id, entries.at[i]);
    }
    ap_names_free(&entries);
    if (!id[0]) AP_TRY(unread);
    strcpy(run->experiment_id, id);
    return ap_ok();
}

static uint64_t random_bits(void)
{
    uint64_t bits;
    if (getrandom(&bits, sizeof bits, 0) != sizeof bits) ap_fatal("the system gives no random numbers");
    return bits;
}

static ap_status create_experiment(const char *root, track_run *run)
{
    /* as in MLflow: 18 digits, the first not 0 */
    const uint64_t first = 100000000000000000u;
    snprintf(run->experiment_id, TRACK_ID, "%" PRIu64, first + random_bits() % (9 * first));
    char *folder = ap_format_text("%s/%s", root, run->experiment_id), *uri = file_uri(folder);
    char *place = quoted(uri), *name = quoted(run->experiment);
    char *meta = ap_format_text("artifact_location: %s\ncreation_time: %" PRId64 "\nexperiment_id: '%s'\n"
                                "last_update_time: %" PRId64 "\nlifecycle_stage: active\nname: %s\n",
                                place, run->start_ms, run->experiment_id, run->start_ms, name);
    ap_status status = ap_make_folder(folder);
    if (!ap_failed(&status)) status = write_text(folder, META_NAME, meta);
    free(meta);
    free(name);
    free(place);
    free(uri);
    free(folder);
    return status;
}

/* ---------------------------------------------------------------- the run */

static ap_status write_meta(const file_store *store, int run_status, int64_t end_ms)
{
    const track_run *run = store->run;
    char *artifacts = ap_format_text("%s/artifacts", store->run_folder), *uri = file_uri(artifacts);
    char *place = quoted(uri), *name = quoted(run->name), *user = quoted(run->user), *end;
    end = end_ms < 0 ? ap_copy_text("null") : ap_format_text("%" PRId64, end_ms);
    char *meta = ap_format_text(
        "artifact_uri: %s\ndeleted_time: null\nend_time: %s\nentry_point_name: ''\nexperiment_id: '%s'\n"
        "lifecycle_stage: active\nrun_id: %s\nrun_name: %s\nrun_uuid: %s\nsource_name: ''\nsource_type: %d\n"
        "source_version: ''\nstart_time: %" PRId64 "\nstatus: %d\ntags: []\nuser_id: %s\n",
        place, end, run->experiment_id, run->id, name, run->id, SOURCE_LOCAL, run->start_ms, run_status,
        user);
    ap_status status = write_text(store->run_folder, META_NAME, meta);
    free(meta);
    free(end);
    free(user);
    free(name);
    free(place);
    free(uri);
    free(artifacts);
    return status;
}

/* Parameters and tags are many and small, so they are not flushed one by one. */
static ap_status write_plain(const char *folder, const track_text *text)
{
    char *path = ap_format_text("%s/%s", folder, text->name);
    int descriptor = ap_file_open_own(path, O_WRONLY | O_TRUNC);
    FILE *stream = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    bool failed = !stream || fputs(text->value, stream) < 0;
    if (stream) failed = fclose(stream) != 0 || failed;
    ap_status status = failed ? ap_error(AP_FAILED, "%s: %s", path, strerror(errno)) : ap_ok();
    free(path);
    return status;
}

static ap_status write_texts(const file_store *store, const char *kind, size_t count, const track_text *texts)
{
    char *folder = ap_format_text("%s/%s", store->run_folder, kind);
    ap_status status = ap_make_folder(folder);
    for (size_t i = 0; i < count && !ap_failed(&status); i++) status = write_plain(folder, &texts[i]);
    free(folder);
    return status;
}

/* A continued run gets the log again from its beginning, because a resumed run may have dropped lines. */
static void remove_metrics(const file_store *store)
{
    char *folder = ap_format_text("%s/metrics", store->run_folder);
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *open_folder = descriptor < 0 ? NULL : fdopendir(descriptor);
    const struct dirent *entry;
    while (open_folder && (entry = readdir(open_folder)))
        if (entry->d_name[0] != '.') unlinkat(dirfd(open_folder), entry->d_name, 0);
    if (open_folder) closedir(open_folder);
    free(folder);
}

static ap_status make_folders(const file_store *store)
{
    static const char *const names[] = {"metrics", "artifacts"};
    ap_status status = ap_ok();
    for (size_t i = 0; i < sizeof names / sizeof *names && !ap_failed(&status); i++) {
        char *folder = ap_format_text("%s/%s", store->run_folder, names[i]);
        status = ap_make_folder(folder);
        free(folder);
    }
    return status;
}

static ap_status make_absolute(file_store *store)
{
    AP_TRY(ap_make_folder(store->root));
    char *absolute = realpath(store->root, NULL);
    if (!absolute) return ap_error(AP_FAILED, "%s: %s", store->root, strerror(errno));
    free(store->root);
    store->root = absolute;
    return ap_ok();
}

/* Keeps the start time of a continued run. */
static ap_status keep_start(const file_store *store, track_run *run)
{
    char *meta;
    AP_TRY(read_meta(store->run_folder, &meta));
    char *start = meta ? meta_value(meta, "start_time") : NULL;
    if (start && strtoll(start, NULL, 10) > 0) run->start_ms = strtoll(start, NULL, 10);
    free(start);
    free(meta);
    return ap_ok();
}

/* Whether the run exists: its meta file has its id and does not mark it as deleted. */
static ap_status is_there(const file_store *store, bool *there)
{
    char *meta;
    *there = false;
    AP_TRY(read_meta(store->run_folder, &meta));
    if (!meta) return ap_ok();
    char *id = meta_value(meta, "run_id"), *stage = meta_value(meta, "lifecycle_stage");
    *there = id && strcmp(id, store->run->id) == 0 && !(stage && strcmp(stage, "deleted") == 0);
    free(id);
    free(stage);
    free(meta);
    return ap_ok();
}

/* Fails if the run no longer exists. */
static ap_status check_there(file_store *store)
{
    bool there;
    AP_TRY(is_there(store, &there));
    if (there) return ap_ok();
    store->sink.lost = true;
    store->made = false;
    return ap_error(AP_FAILED, "%s: no longer exists", store->run_folder);
}

static void name_folder(file_store *store)
{
    free(store->run_folder);
    store->run_folder = ap_format_text("%s/%s/%s", store->root, store->run->experiment_id, store->run->id);
}

static ap_status store_open(track_sink *sink, track_run *run, bool *fresh)
{
    file_store *store = (file_store *)sink;
    AP_TRY(make_absolute(store));
    AP_TRY(find_experiment(store->root, run));
    if (!run->experiment_id[0]) AP_TRY(create_experiment(store->root, run));
    store->run = run;
    name_folder(store);
    bool there = store->made;
    if (run->id[0] && !there) AP_TRY(is_there(store, &there));
    if (!run->id[0] || !there) {
        snprintf(run->id, TRACK_ID, "%016" PRIx64 "%016" PRIx64, random_bits(), random_bits());
        store->made = true;
        name_folder(store);
    }
    AP_TRY(keep_start(store, run));
    remove_metrics(store);
    *fresh = true;
    AP_TRY(make_folders(store));
    AP_TRY(write_texts(store, "params", run->param_count, run->params));
    AP_TRY(write_texts(store, "tags", run->tag_count, run->tags));
    return write_meta(store, STATUS_RUNNING, -1);
}

/* Appends all values of one metric, the first of which is at `first`. */
static ap_status append_metric(const file_store *store, size_t count, const track_metric *metrics,
                               size_t first)
{
    const char *name = metrics[first].name;
    char *path = ap_format_text("%s/metrics/%s", store->run_folder, name), number[AP_NUMBER_TEXT];
    int descriptor = ap_file_open_own(path, O_WRONLY | O_APPEND);
    FILE *stream = descriptor < 0 ? NULL : fdopen(descriptor, "a");
    for (size_t i = first; stream && i < count; i++) {
        if (strcmp(metrics[i].name, name) != 0) continue;
        ap_text_of_number(metrics[i].value, number);
        fprintf(stream, "%" PRId64 " %s %" PRId64 "\n", metrics[i].time_ms,
                isnan(metrics[i].value) ? "nan" : number, metrics[i].step);
    }
    bool failed = !stream || ferror(stream);
    if (stream) failed = fclose(stream) != 0 || failed;
    ap_status status = failed ? ap_error(AP_FAILED, "%s: %s", path, strerror(errno)) : ap_ok();
    free(path);
    return status;
}

static bool named_before(const track_metric *metrics, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(metrics[k].name, metrics[i].name) == 0) return true;
    return false;
}

static ap_status store_log(track_sink *sink, size_t count, const track_metric *metrics)
{
    file_store *store = (file_store *)sink;
    for (size_t i = 0; i < count; i++) {
        if (named_before(metrics, i)) continue;
        ap_status status = append_metric(store, count, metrics, i);
        if (!ap_failed(&status)) continue;
        AP_TRY(check_there(store));
        return status;
    }
    return ap_ok();
}

static ap_status copy_stream(FILE *from, const char *path, ap_replacement *to)
{
    char part[1 << 16];
    size_t got;
    while ((got = fread(part, 1, sizeof part, from)) > 0) AP_TRY(ap_replace_write(to, part, got));
    return ferror(from) ? ap_error(AP_FAILED, "%s: cannot be read: %s", path, strerror(errno)) : ap_ok();
}

static ap_status store_artifact(track_sink *sink, const char *path)
{
    FILE *from;
    AP_TRY(ap_track_open_artifact(path, &from));
    char *copy = ap_format_text("%s/artifacts/%s", ((file_store *)sink)->run_folder, ap_text_file_name(path));
    ap_replacement to;
    ap_status status = ap_replace_begin(copy, &to);
    if (!ap_failed(&status)) {
        status = copy_stream(from, path, &to);
        if (ap_failed(&status))
            ap_replace_abandon(&to);
        else
            status = ap_replace_commit(&to);
    }
    free(copy);
    fclose(from);
    return status;
}

/* Flushes everything that was written without flushing. */
static ap_status flush_all(const file_store *store)
{
    int folder = open(store->run_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool failed = folder < 0 || syncfs(folder) != 0;
    ap_status status = failed ? ap_error(AP_FAILED, "%s: %s", store->run_folder, strerror(errno)) : ap_ok();
    if (folder >= 0) close(folder);
    return status;
}

/* A run marked as ended must be complete, so everything is flushed first. */
static ap_status store_close(track_sink *sink, ap_outcome outcome, int64_t end_ms)
{
    static const int statuses[] = {[AP_OUTCOME_FINISHED] = STATUS_FINISHED,
                                   [AP_OUTCOME_FAILED] = STATUS_FAILED,
                                   [AP_OUTCOME_INTERRUPTED] = STATUS_KILLED};
    file_store *store = (file_store *)sink;
    AP_TRY(check_there(store));
    AP_TRY(flush_all(store));
    return write_meta(store, statuses[outcome], end_ms);
}

static void store_free(track_sink *sink)
{
    file_store *store = (file_store *)sink;
    free(store->root);
    free(store->run_folder);
    free(store);
}

track_sink *ap_file_store_create(const char *folder)
{
    file_store *store = ap_allocate(1, sizeof *store);
    store->sink = (track_sink){.open = store_open,
                               .log = store_log,
                               .artifact = store_artifact,
                               .close = store_close,
                               .free = store_free};
    store->root = ap_copy_text(folder);
    return &store->sink;
}
