#include "track/log.h"

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/replace.h"
#include "base/text.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes read at a time; more if a single line is longer. */
#define PORTION ((int64_t)1 << 16)

cJSON *ap_log_parse(const char *line, size_t length)
{
    return length <= LOG_LINE_MOST ? ap_json_parse(line, length) : NULL;
}

/* Whether the line is complete and of a step up to `last`. */
static bool stays(const char *line, size_t length, int64_t last)
{
    cJSON *json = ap_log_parse(line, length);
    const cJSON *step = cJSON_GetObjectItemCaseSensitive(json, LOG_STEP);
    bool kept = cJSON_IsNumber(step) && step->valuedouble <= (double)last;
    cJSON_Delete(json);
    return kept;
}

/* Removes the other lines from the log. A log whose lines all stay is not rewritten, unless it is a symbolic
 * link: that is replaced by a file, so that its target is never written. */
static ap_status trim(const char *path, int64_t resumed_step)
{
    char *text;
    size_t length, kept = 0;
    if (access(path, F_OK) != 0) return ap_file_is_link(path) ? ap_replace_file(path, "", 0) : ap_ok();
    AP_TRY(ap_file_read(path, LOG_MOST, &text, &length));
    for (size_t at = 0; at < length;) {
        const char *end = memchr(text + at, '\n', length - at);
        if (!end) break; /* incomplete: the program or the machine stopped while writing it */
        size_t line = (size_t)(end - text) + 1 - at;
        if (stays(text + at, line, resumed_step)) {
            memmove(text + kept, text + at, line);
            kept += line;
        }
        at += line;
    }
    bool left = kept == length && !ap_file_is_link(path);
    ap_status status = left ? ap_ok() : ap_replace_file(path, text, kept);
    free(text);
    return status;
}

ap_status ap_log_open(const char *path, int64_t resumed_step, int *descriptor, int64_t *bytes)
{
    struct stat about;
    AP_TRY(resumed_step >= 0 ? trim(path, resumed_step) : ap_replace_file(path, "", 0));
    *descriptor = ap_file_open_own(path, O_RDWR | O_APPEND);
    if (*descriptor < 0) return ap_error(AP_FAILED, "%s: cannot be written: %s", path, strerror(errno));
    if (fstat(*descriptor, &about) != 0) {
        ap_status status = ap_error(AP_FAILED, "%s: %s", path, strerror(errno));
        close(*descriptor);
        return status;
    }
    *bytes = about.st_size;
    return ap_ok();
}

/* Reads `wanted` bytes from `from` on; *got is how many there are. */
static ap_status read_bytes(int descriptor, const char *path, int64_t from, char *text, int64_t wanted,
                            int64_t *got)
{
    for (*got = 0; *got < wanted;) {
        ssize_t more = pread(descriptor, text + *got, (size_t)(wanted - *got), from + *got);
        if (more == 0) break;
        if (more > 0)
            *got += more;
        else if (errno != EINTR)
            return ap_error(AP_FAILED, "%s: cannot be read: %s", path, strerror(errno));
    }
    return ap_ok();
}

ap_status ap_log_read_lines(int descriptor, const char *path, int64_t from, int64_t until, char **text,
                            int64_t *length)
{
    *length = 0;
    for (int64_t portion = PORTION;; portion *= 2) {
        int64_t wanted = until - from < portion ? until - from : portion, got;
        *text = ap_allocate((size_t)wanted + 1, 1);
        ap_status status = read_bytes(descriptor, path, from, *text, wanted, &got);
        const char *last = memrchr(*text, '\n', (size_t)got);
        if (last) *length = last + 1 - *text;
        if (!last && got == until - from) *length = got; /* no complete line in all of it */
        if (!ap_failed(&status) && (*length || got < wanted)) return ap_ok();
        free(*text);
        *text = NULL;
        AP_TRY(status);
    }
}

int64_t ap_log_length(int descriptor, int64_t known)
{
    struct stat about;
    char last;
    if (fstat(descriptor, &about) != 0 || about.st_size == known) return known;
    bool torn = about.st_size > 0 && pread(descriptor, &last, 1, about.st_size - 1) == 1 && last != '\n';
    return about.st_size + (torn && write(descriptor, "\n", 1) == 1);
}

ap_status ap_log_append(const char *path, int descriptor, int64_t step, int epoch, double time, int count,
                        const char *const *names, const double *values, int64_t *bytes)
{
    char *line = NULL, number[AP_NUMBER_TEXT];
    size_t length = 0;
    FILE *stream = open_memstream(&line, &length);
    if (!stream) ap_fatal("out of memory: a line of %s", path);
    locale_t before = ap_text_plain();
    fprintf(stream, "{\"" LOG_STEP "\": %" PRId64 ", \"" LOG_EPOCH "\": %d, \"" LOG_TIME "\": %.3f", step,
            epoch, time);
    for (int i = 0; i < count; i++) {
        ap_text_of_number(values[i], number);
        fprintf(stream, ", \"%s\": %s", names[i], isfinite(values[i]) ? number : "null");
    }
    fprintf(stream, "}\n");
    ap_text_plain_end(before);
    if (fclose(stream) != 0) ap_fatal("out of memory: a line of %s", path);
    ssize_t wrote;
    do wrote = write(descriptor, line, length);
    while (wrote < 0 && errno == EINTR);
    int reason = errno;
    free(line);
    if (wrote == (ssize_t)length) {
        *bytes += wrote;
        return ap_ok();
    }
    /* a partial line would spoil the next one */
    if (wrote > 0 && ftruncate(descriptor, *bytes) != 0) *bytes += wrote;
    return ap_error(AP_FAILED, "%s: cannot be written: %s", path,
                    wrote < 0 ? strerror(reason) : "the disk is full");
}

ap_status ap_log_flush(const char *path, int descriptor)
{
    if (fdatasync(descriptor) == 0) return ap_ok();
    return ap_error(AP_FAILED, "%s: cannot be written: %s", path, strerror(errno));
}
