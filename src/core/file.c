#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY_SUFFIX ".tmp"

ap_status ap_file_read(const char *path, size_t limit, char **text, size_t *length)
{
    *text = NULL;
    *length = 0;
    FILE *stream = fopen(path, "rb");
    if (!stream) return ap_error(AP_FAILED, "%s: %s", path, strerror(errno));
    struct stat about = {0};
    ap_status status = ap_ok();
    if (fstat(fileno(stream), &about) != 0)
        status = ap_error(AP_FAILED, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(about.st_mode))
        status = ap_error(AP_FAILED, "%s: not a regular file", path);
    else if ((uintmax_t)about.st_size > limit)
        status = ap_error(AP_FAILED, "%s: %jd bytes, more than the %zu expected at most", path,
                          (intmax_t)about.st_size, limit);
    size_t size = (size_t)about.st_size;
    char *buffer = ap_failed(&status) ? NULL : malloc(size + 1);
    if (!ap_failed(&status) && !buffer) ap_fatal("out of memory: %zu bytes of %s", size, path);
    if (buffer && fread(buffer, 1, size, stream) != size)
        status = ap_error(AP_FAILED, "%s: cannot be read: %s", path,
                          ferror(stream) ? strerror(errno) : "it shrank");
    fclose(stream);
    if (ap_failed(&status)) {
        free(buffer);
        return status;
    }
    buffer[size] = '\0';
    *text = buffer;
    *length = size;
    return status;
}

static char *joined(const char *a, const char *b)
{
    size_t first = strlen(a), second = strlen(b);
    char *text = malloc(first + second + 1);
    if (!text) ap_fatal("out of memory: a path of %zu bytes", first + second);
    memcpy(text, a, first);
    memcpy(text + first, b, second + 1);
    return text;
}

static void empty(ap_atomic_file *file)
{
    free(file->path);
    free(file->temporary);
    *file = (ap_atomic_file){NULL, NULL, NULL};
}

ap_status ap_atomic_open(const char *path, ap_atomic_file *file)
{
    *file = (ap_atomic_file){NULL, joined(path, ""), joined(path, TEMPORARY_SUFFIX)};
    file->stream = fopen(file->temporary, "wb");
    if (file->stream) return ap_ok();
    ap_status status = ap_error(AP_FAILED, "%s: cannot be written: %s", path, strerror(errno));
    empty(file);
    return status;
}

/* A rename is on the disk only when the folder is. Some file systems cannot flush a folder: no reason to
 * fail. */
static void flush_folder(const char *path)
{
    char *folder = joined(path, "");
    char *slash = strrchr(folder, '/');
    if (slash) slash[slash == folder] = '\0';
    int descriptor = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor >= 0) {
        fsync(descriptor);
        close(descriptor);
    }
    free(folder);
}

ap_status ap_atomic_commit(ap_atomic_file *file)
{
    errno = 0;
    bool written = !ferror(file->stream) && fflush(file->stream) == 0 && fsync(fileno(file->stream)) == 0;
    int reason = errno;
    if (fclose(file->stream) != 0 && written) {
        written = false;
        reason = errno;
    }
    if (written && rename(file->temporary, file->path) != 0) {
        written = false;
        reason = errno;
    }
    ap_status status = ap_ok();
    if (written)
        flush_folder(file->path);
    else {
        status = ap_error(AP_FAILED, "%s: cannot be written: %s", file->path,
                          reason ? strerror(reason) : "an earlier write failed");
        unlink(file->temporary);
    }
    empty(file);
    return status;
}

void ap_atomic_abandon(ap_atomic_file *file)
{
    if (!file->stream) return;
    fclose(file->stream);
    unlink(file->temporary);
    empty(file);
}

ap_status ap_file_write(const char *path, const void *data, size_t length)
{
    ap_atomic_file file;
    AP_TRY(ap_atomic_open(path, &file));
    fwrite(data, 1, length, file.stream); /* a failure is remembered by the stream and reported by commit */
    return ap_atomic_commit(&file);
}
