#include "audio/descriptor_io.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static void note_failure(ap_descriptor_io *io)
{
    if (!io->failed) io->failed = errno;
}

static sf_count_t length(void *user)
{
    ap_descriptor_io *io = user;
    struct stat about;
    if (fstat(io->descriptor, &about) == 0) return about.st_size;
    note_failure(io);
    return 0;
}

static sf_count_t seek(sf_count_t offset, int whence, void *user)
{
    ap_descriptor_io *io = user;
    sf_count_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? io->at : length(user);
    if (from + offset < 0) return -1;
    return io->at = from + offset;
}

static sf_count_t tell(void *user)
{
    return ((ap_descriptor_io *)user)->at;
}

static sf_count_t transfer(ap_descriptor_io *io, void *into, const void *from, sf_count_t count)
{
    sf_count_t done = 0;
    while (done < count) {
        size_t rest = (size_t)(count - done);
        ssize_t some = into ? pread(io->descriptor, (char *)into + done, rest, io->at)
                            : pwrite(io->descriptor, (const char *)from + done, rest, io->at);
        if (some < 0 && errno == EINTR) continue;
        if (some < 0) note_failure(io);
        if (some <= 0) break;
        done += some;
        io->at += some;
    }
    return done;
}

static sf_count_t read_bytes(void *into, sf_count_t count, void *user)
{
    ap_descriptor_io *io = user;
    sf_count_t from = io->at, got = transfer(io, into, NULL, count);
    for (sf_count_t k = 0; k < io->patch_bytes; k++) {
        sf_count_t at = io->patch_at + k - from;
        if (at >= 0 && at < got) ((unsigned char *)into)[at] = io->patch[k];
    }
    return got;
}

static sf_count_t write_bytes(const void *from, sf_count_t count, void *user)
{
    return transfer(user, NULL, from, count);
}

SF_VIRTUAL_IO ap_descriptor_io_calls(void)
{
    return (SF_VIRTUAL_IO){length, seek, read_bytes, write_bytes, tell};
}
