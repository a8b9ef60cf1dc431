/* Functions that all sinks need. */
#include "track/sink.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void free_texts(track_text *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(texts[i].name);
        free(texts[i].value);
    }
    free(texts);
}

void ap_track_run_free(track_run *run)
{
    free_texts(run->params, run->param_count);
    free_texts(run->tags, run->tag_count);
    free(run->experiment);
    free(run->name);
    free(run->user);
}

ap_status ap_track_open_artifact(const char *path, FILE **stream)
{
    struct stat about;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    bool regular = descriptor >= 0 && fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode);
    *stream = regular ? fdopen(descriptor, "rb") : NULL;
    if (*stream) return ap_ok();
    const char *reason = descriptor < 0 ? strerror(errno) : "is not a regular file";
    if (descriptor >= 0) close(descriptor);
    return ap_error(TRACK_NEVER, "%s: %s", path, reason);
}

void ap_track_say(const char *format, ...)
{
    char line[AP_STATUS_MESSAGE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    ap_text_mask_controls(line);
    fprintf(stderr, "%santiphon: %s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "", line);
}
