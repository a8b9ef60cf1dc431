#include "track/events.h"

#include "base/file.h"
#include "base/folder.h"
#include "base/memory.h"
#include "base/text.h"
#include "track/wire.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* events.out.tfevents.SECONDS.HOST.PROCESS.antiphon: TensorBoard reads a folder's files in the order of their
 * names. */
#define BEGIN "events.out.tfevents."
#define END ".antiphon"
#define HOST_MOST 64
/* The largest recording that is read into memory to be heard. */
#define AUDIO_MOST ((size_t)64 << 20)

/* Fields of the messages that are written, by the names of their .proto files. */
enum {
    EVENT_WALL_TIME = 1,
    EVENT_STEP = 2,
    EVENT_FILE_VERSION = 3,
    EVENT_SUMMARY = 5,
    EVENT_SESSION_LOG = 7
};
enum { SESSION_LOG_STATUS = 1, SESSION_LOG_START = 1 };
enum { SUMMARY_VALUE = 1 };
enum { VALUE_TAG = 1, VALUE_SIMPLE = 2, VALUE_AUDIO = 6, VALUE_TENSOR = 8, VALUE_METADATA = 9 };
enum { AUDIO_ENCODED = 4, AUDIO_CONTENT_TYPE = 5 };
enum { METADATA_PLUGIN = 1, METADATA_CLASS = 4, CLASS_TENSOR = 2, PLUGIN_NAME = 1, PLUGIN_CONTENT = 2 };
enum { TENSOR_TYPE = 1, TENSOR_SHAPE = 2, TENSOR_STRING = 8, TYPE_FLOAT = 1, TYPE_STRING = 7 };
enum { HPARAMS_SESSION_START = 3, HPARAMS_SESSION_END = 4 };
enum {
    START_HPARAMS = 1,
    START_TIME = 5,
    MAP_KEY = 1,
    MAP_VALUE = 2,
    JSON_NUMBER = 2,
    JSON_TEXT = 3,
    JSON_BOOL = 4
};
enum { END_STATUS = 1, END_TIME = 2, STATUS_SUCCESS = 1, STATUS_FAILURE = 2 };

struct events {
    char *path;
    int descriptor;
    int64_t bytes;
};

/* ---------------------------------------------------------------- records */

static uint32_t crc_table[256];
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

static void fill_crc_table(void)
{
    const uint32_t polynomial = 0x82F63B78; /* Castagnoli's, its bits reversed */
    for (uint32_t k = 0; k < 256; k++) {
        uint32_t crc = k;
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ polynomial : crc >> 1;
        crc_table[k] = crc;
    }
}

uint32_t ap_crc32c(const void *bytes, size_t count)
{
    const unsigned char *at = bytes;
    uint32_t crc = ~(uint32_t)0;
    pthread_once(&crc_once, fill_crc_table);
    for (size_t i = 0; i < count; i++) crc = crc >> 8 ^ crc_table[(crc ^ at[i]) & 0xFF];
    return ~crc;
}

static void put_crc(wire *record, const void *bytes, size_t count)
{
    uint32_t crc = ap_crc32c(bytes, count);
    uint32_t masked = htole32((crc >> 15 | crc << 17) + 0xA282EAD8);
    ap_wire_put(record, &masked, sizeof masked);
}

/* Appends an event as a record, in one write, and frees it. */
static ap_status append(events *e, wire *event)
{
    wire record = {0};
    uint64_t length = htole64(event->length);
    ap_wire_put(&record, &length, sizeof length);
    put_crc(&record, &length, sizeof length);
    ap_wire_put(&record, event->at, event->length);
    put_crc(&record, event->at, event->length);
    ap_wire_free(event);
    ssize_t wrote;
    do wrote = write(e->descriptor, record.at, record.length);
    while (wrote < 0 && errno == EINTR);
    int reason = errno;
    bool whole = wrote == (ssize_t)record.length;
    ap_wire_free(&record);
    if (whole) {
        e->bytes += wrote;
        return ap_ok();
    }
    /* what follows an incomplete record is never read */
    if (wrote > 0 && ftruncate(e->descriptor, e->bytes) != 0) reason = errno;
    return ap_error(AP_FAILED, "%s: cannot be written: %s", e->path,
                    wrote < 0 ? strerror(reason) : "the disk is full");
}

static wire event_of(int64_t step, double time)
{
    wire event = {0};
    ap_wire_double(&event, EVENT_WALL_TIME, time);
    ap_wire_integer(&event, EVENT_STEP, step);
    return event;
}

/* ---------------------------------------------------------------- what is told at the start and at the end
 */

static void put_metadata(wire *value, const char *plugin, wire *content)
{
    wire metadata = {0}, data = {0};
    ap_wire_text(&data, PLUGIN_NAME, plugin);
    if (content) ap_wire_message(&data, PLUGIN_CONTENT, content);
    ap_wire_message(&metadata, METADATA_PLUGIN, &data);
    if (!content) ap_wire_integer(&metadata, METADATA_CLASS, CLASS_TENSOR);
    ap_wire_message(value, VALUE_METADATA, &metadata);
}

/* Appends a summary of one value. */
static ap_status append_value(events *e, double time, int64_t step, wire *value)
{
    wire event = event_of(step, time), summary = {0};
    ap_wire_message(&summary, SUMMARY_VALUE, value);
    ap_wire_message(&event, EVENT_SUMMARY, &summary);
    return append(e, &event);
}

/* A cell of a table in Markdown: a '|' would end it. */
static void put_cell(FILE *stream, const char *text)
{
    for (; *text; text++) {
        if (*text == '|') fputc('\\', stream);
        fputc(*text, stream);
    }
}

/* The parameters as a table, which TensorBoard shows among its texts. */
static ap_status append_text(events *e, double time, const track_text *params, size_t count)
{
    wire value = {0}, tensor = {0};
    char *table = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&table, &length);
    if (!stream) ap_fatal("out of memory: the parameters of a run");
    fprintf(stream, "| key | value |\n|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        fprintf(stream, "| %s | ", params[i].name);
        put_cell(stream, params[i].value);
        fprintf(stream, " |\n");
    }
    if (fclose(stream) != 0) ap_fatal("out of memory: the parameters of a run");
    ap_wire_text(&value, VALUE_TAG, "config");
    ap_wire_integer(&tensor, TENSOR_TYPE, TYPE_STRING);
    ap_wire_bytes(&tensor, TENSOR_SHAPE, "", 0); /* a scalar */
    ap_wire_bytes(&tensor, TENSOR_STRING, table, length);
    free(table);
    ap_wire_message(&value, VALUE_TENSOR, &tensor);
    put_metadata(&value, "text", NULL);
    return append_value(e, time, 0, &value);
}

/* A google.protobuf.Value of what a parameter's text reads as. */
static wire json_value(const char *text)
{
    wire value = {0};
    double number;
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        ap_wire_integer(&value, JSON_BOOL, text[0] == 't');
    else if (ap_text_to_number(text, &number))
        ap_wire_double(&value, JSON_NUMBER, number);
    else
        ap_wire_text(&value, JSON_TEXT, text);
    return value;
}

/* A message of the hyperparameters' plugin, which carries all it says in the metadata. */
static ap_status append_session(events *e, double time, const char *tag, int field, wire *session)
{
    wire value = {0}, content = {0}, tensor = {0};
    ap_wire_text(&value, VALUE_TAG, tag);
    ap_wire_integer(&tensor, TENSOR_TYPE, TYPE_FLOAT);
    ap_wire_bytes(&tensor, TENSOR_SHAPE, "", 0);
    ap_wire_message(&value, VALUE_TENSOR, &tensor);
    ap_wire_message(&content, field, session);
    put_metadata(&value, "hparams", &content);
    return append_value(e, time, 0, &value);
}

static ap_status append_hyperparameters(events *e, double time, const track_text *params, size_t count)
{
    wire session = {0};
    for (size_t i = 0; i < count; i++) {
        wire entry = {0}, value = json_value(params[i].value);
        ap_wire_text(&entry, MAP_KEY, params[i].name);
        ap_wire_message(&entry, MAP_VALUE, &value);
        ap_wire_message(&session, START_HPARAMS, &entry);
    }
    ap_wire_double(&session, START_TIME, time);
    return append_session(e, time, "_hparams_/session_start_info", HPARAMS_SESSION_START, &session);
}

static ap_status append_head(events *e, double time, int64_t resumed_step, const track_text *params,
                             size_t count)
{
    wire version = {0}, start = event_of(resumed_step + 1, time), session = {0};
    ap_wire_double(&version, EVENT_WALL_TIME, time);
    ap_wire_text(&version, EVENT_FILE_VERSION, "brain.Event:2");
    ap_wire_integer(&session, SESSION_LOG_STATUS, SESSION_LOG_START);
    ap_wire_message(&start, EVENT_SESSION_LOG, &session);
    ap_status status = append(e, &version);
    if (ap_failed(&status))
        ap_wire_free(&start);
    else
        status = append(e, &start);
    if (!ap_failed(&status)) status = append_text(e, time, params, count);
    if (!ap_failed(&status)) status = append_hyperparameters(e, time, params, count);
    return status;
}

/* ---------------------------------------------------------------- files */

static bool is_ours(const char *name)
{
    return strncmp(name, BEGIN, strlen(BEGIN)) == 0 && ap_text_ends_in(name, strlen(name), END);
}

/* Looks at the folder's earlier files: removes them if the run is new; *seconds becomes later than theirs. */
static ap_status look_at_others(const char *folder, bool fresh, int64_t *seconds)
{
    ap_names names;
    ap_status status = ap_folder_list(folder, &names);
    for (size_t i = 0; i < names.count && !ap_failed(&status); i++) {
        if (!is_ours(names.at[i])) continue;
        char *path = ap_format_text("%s/%s", folder, names.at[i]);
        int64_t theirs = strtoll(names.at[i] + strlen(BEGIN), NULL, 10);
        if (fresh && unlink(path) != 0) status = ap_error(AP_FAILED, "%s: %s", path, strerror(errno));
        if (!fresh && *seconds <= theirs && theirs < INT64_MAX) *seconds = theirs + 1;
        free(path);
    }
    ap_names_free(&names);
    return status;
}

static void events_free(events *e)
{
    if (e->descriptor >= 0) close(e->descriptor);
    free(e->path);
    free(e);
}

ap_status ap_events_create(const char *folder, int64_t resumed_step, double time, const track_text *params,
                           size_t count, events **e)
{
    int64_t seconds = (int64_t)time;
    char host[HOST_MOST + 1] = "";
    *e = NULL;
    AP_TRY(look_at_others(folder, resumed_step < 0, &seconds));
    if (gethostname(host, HOST_MOST) != 0 || !host[0] || strchr(host, '/')) strcpy(host, "localhost");
    events *made = ap_allocate(1, sizeof *made);
    made->path =
        ap_format_text("%s/" BEGIN "%010" PRId64 ".%s.%ld" END, folder, seconds, host, (long)getpid());
    made->descriptor = ap_file_open_own(made->path, O_WRONLY | O_APPEND | O_TRUNC);
    ap_status status = made->descriptor >= 0
                           ? append_head(made, time, resumed_step, params, count)
                           : ap_error(AP_FAILED, "%s: cannot be written: %s", made->path, strerror(errno));
    if (ap_failed(&status))
        events_free(made);
    else
        *e = made;
    return status;
}

/* ---------------------------------------------------------------- values */

ap_status ap_events_scalars(events *e, int64_t step, double time, int count, const char *const *names,
                            const double *values)
{
    wire event = event_of(step, time), summary = {0};
    for (int i = 0; i < count; i++) {
        wire value = {0};
        ap_wire_text(&value, VALUE_TAG, names[i]);
        ap_wire_float(&value, VALUE_SIMPLE, isfinite(values[i]) ? (float)values[i] : NAN);
        ap_wire_message(&summary, SUMMARY_VALUE, &value);
    }
    ap_wire_message(&event, EVENT_SUMMARY, &summary);
    return append(e, &event);
}

ap_status ap_events_audio(events *e, int64_t step, double time, const char *name, const char *path)
{
    wire value = {0}, audio = {0};
    char *bytes;
    size_t length;
    AP_TRY(ap_file_read(path, AUDIO_MOST, &bytes, &length));
    ap_wire_text(&value, VALUE_TAG, name);
    ap_wire_bytes(&audio, AUDIO_ENCODED, bytes, length);
    ap_wire_text(&audio, AUDIO_CONTENT_TYPE, "audio/wav");
    ap_wire_message(&value, VALUE_AUDIO, &audio);
    free(bytes);
    return append_value(e, time, step, &value);
}

ap_status ap_events_flush(events *e)
{
    if (fdatasync(e->descriptor) == 0) return ap_ok();
    return ap_error(AP_FAILED, "%s: cannot be written: %s", e->path, strerror(errno));
}

ap_status ap_events_finish(events *e, double time, ap_outcome outcome)
{
    wire session = {0};
    if (!e) return ap_ok();
    ap_status status = ap_ok();
    if (outcome != AP_OUTCOME_INTERRUPTED) { /* otherwise it is to go on */
        ap_wire_integer(&session, END_STATUS, outcome == AP_OUTCOME_FAILED ? STATUS_FAILURE : STATUS_SUCCESS);
        ap_wire_double(&session, END_TIME, time);
        status = append_session(e, time, "_hparams_/session_end_info", HPARAMS_SESSION_END, &session);
    }
    if (!ap_failed(&status)) status = ap_events_flush(e);
    events_free(e);
    return status;
}
