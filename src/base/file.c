#include "base/file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int ap_file_open(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

int ap_file_open_own(const char *path, int flags)
{
    struct stat about;
    int descriptor = open(path, (flags & ~O_TRUNC) | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    if (descriptor < 0) return -1;
    bool failed = fstat(descriptor, &about) != 0;
    if (!failed && !S_ISREG(about.st_mode)) {
        errno = EINVAL;
        failed = true;
    }
    failed = failed || ((flags & O_TRUNC) && ftruncate(descriptor, 0) != 0);
    if (!failed) return descriptor;
    int reason = errno;
    close(descriptor);
    errno = reason;
    return -1;
}

ap_status ap_file_is_there(const char *path, bool *there)
{
    *there = access(path, F_OK) == 0;
    if (*there || errno == ENOENT || errno == ENOTDIR) return ap_ok();
    return ap_error(AP_FAILED, "%s: %s", path, strerror(errno));
}

bool ap_file_is_fault(int reason)
{
    return reason == EIO || reason == ENOMEM || reason == EMFILE || reason == ENFILE;
}

bool ap_file_is_link(const char *path)
{
    struct stat about;
    return lstat(path, &about) == 0 && S_ISLNK(about.st_mode);
}

static ap_status read_stream(const char *path, FILE *stream, size_t limit, char **text, size_t *length)
{
    struct stat about;
    if (fstat(fileno(stream), &about) != 0) return ap_error(AP_FAILED, "%s: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode)) return ap_error(AP_FAILED, "%s: not a regular file", path);
    if ((uintmax_t)about.st_size > limit)
        return ap_error(AP_FAILED, "%s: %jd bytes, more than the limit of %zu", path, (intmax_t)about.st_size,
                        limit);
    size_t size = (size_t)about.st_size;
    char *buffer = ap_allocate(size + 1, 1);
    if (fread(buffer, 1, size, stream) != size) {
        free(buffer);
        return ap_error(AP_FAILED, "%s: cannot be read: %s", path,
                        ferror(stream) ? strerror(errno) : "it shrank while being read");
    }
    *text = buffer;
    *length = size;
    return ap_ok();
}

ap_status ap_file_read(const char *path, size_t limit, char **text, size_t *length)
{
    *text = NULL;
    *length = 0;
    int descriptor = ap_file_open(path);
    if (descriptor < 0) return ap_error(AP_FAILED, "%s: %s", path, strerror(errno));
    FILE *stream = fdopen(descriptor, "rb");
    if (!stream) ap_fatal("out of memory: reading %s", path);
    ap_status status = read_stream(path, stream, limit, text, length);
    fclose(stream);
    return status;
}
