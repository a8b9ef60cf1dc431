#include "train/latent_cache.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAGIC "antiphon latents"
/* The latents begin at a page of their own. */
#define HEAD_BYTES 4096
/* So many windows are written between two flushes. */
#define FLUSH_EVERY 256

typedef struct head {
    char magic[16];
    ap_latent_key key;
    int64_t real; /* bytes of a number */
    int64_t count;
} head;

struct ap_latent_cache {
    char *path;
    int descriptor;
    head head;
    int64_t flushed; /* windows that the file's head counts */
    const char *map; /* NULL: not sealed */
    size_t bytes;    /* of the whole file */
};

static ap_status failure(const ap_latent_cache *c, const char *what)
{
    return ap_error(AP_FAILED, "%s: %s: %s", c->path, what, strerror(errno));
}

static size_t window_bytes(const ap_latent_cache *c)
{
    return 2 * (size_t)c->head.key.numbers * sizeof(ap_real);
}

static ap_status write_all(const ap_latent_cache *c, const void *data, size_t bytes, off_t at)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t wrote = pwrite(c->descriptor, (const char *)data + done, bytes - done, at + (off_t)done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return failure(c, "cannot be written");
        done += (size_t)wrote;
    }
    return ap_ok();
}

/* ---------------------------------------------------------------- opening */

/* Waits for the lock. Not by the system alone, so that a request to stop is heard. */
static ap_status lock(const ap_latent_cache *c, const volatile sig_atomic_t *stop)
{
    const struct timespec pause = {.tv_nsec = 50000000};
    while (flock(c->descriptor, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) return ap_ok(); /* a file system without locks */
        if (stop && *stop) return ap_error(AP_INTERRUPTED, "interrupted");
        nanosleep(&pause, NULL);
    }
    return ap_ok();
}

/* Whether the path still leads to the open file: another process may have replaced it. */
static bool is_current(const ap_latent_cache *c)
{
    struct stat open_file, named;
    return fstat(c->descriptor, &open_file) == 0 && stat(c->path, &named) == 0 &&
           open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

typedef enum content { EMPTY, OURS, OTHER } content;

static content look(ap_latent_cache *c)
{
    head found;
    struct stat about;
    ssize_t got = pread(c->descriptor, &found, sizeof found, 0);
    if (got == 0) return EMPTY;
    if (got != sizeof found || fstat(c->descriptor, &about) != 0) return OTHER;
    int64_t count = found.count;
    found.count = 0;
    bool same = memcmp(&found, &c->head, sizeof found) == 0 && count >= 0 && count <= c->head.key.windows &&
                (uint64_t)about.st_size >= HEAD_BYTES + (uint64_t)count * window_bytes(c);
    if (same) c->head.count = c->flushed = count;
    return same ? OURS : OTHER;
}

/* Opens the file and locks it; *again if it was replaced meanwhile. A stale file is removed: processes that
 * have mapped it keep it. */
static ap_status open_once(ap_latent_cache *c, const volatile sig_atomic_t *stop, bool *again)
{
    *again = true;
    c->descriptor = open(c->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (c->descriptor < 0) return failure(c, "cannot be opened");
    AP_TRY(lock(c, stop));
    if (!is_current(c)) return ap_ok();
    content found = look(c);
    if (found == OTHER) return unlink(c->path) == 0 ? ap_ok() : failure(c, "cannot be replaced");
    *again = false;
    return found == EMPTY ? write_all(c, &c->head, sizeof c->head, 0) : ap_ok();
}

ap_status ap_latent_cache_open(const char *path, const ap_latent_key *key, const volatile sig_atomic_t *stop,
                               ap_latent_cache **cache, int64_t *there)
{
    ap_latent_cache *c = ap_allocate(1, sizeof *c);
    c->path = ap_copy_text(path);
    memcpy(c->head.magic, MAGIC, sizeof c->head.magic);
    c->head.key = *key;
    c->head.real = sizeof(ap_real);
    bool again;
    ap_status status;
    do {
        status = open_once(c, stop, &again);
        if (again && c->descriptor >= 0) close(c->descriptor);
        if (again) c->descriptor = -1;
    } while (again && !ap_failed(&status));
    *there = c->head.count;
    *cache = c;
    if (!ap_failed(&status)) return status;
    ap_latent_cache_free(c);
    *cache = NULL;
    return status;
}

/* ---------------------------------------------------------------- filling */

/* First the latents must be on the disk, then the head that counts them. */
static ap_status flush(ap_latent_cache *c)
{
    if (c->flushed == c->head.count) return ap_ok();
    if (fdatasync(c->descriptor) != 0) return failure(c, "cannot be written");
    AP_TRY(write_all(c, &c->head, sizeof c->head, 0));
    c->flushed = c->head.count;
    return ap_ok();
}

ap_status ap_latent_cache_append(ap_latent_cache *c, const ap_real *z)
{
    size_t bytes = window_bytes(c);
    AP_TRY(write_all(c, z, bytes, HEAD_BYTES + (off_t)((uint64_t)c->head.count * bytes)));
    c->head.count++;
    return c->head.count - c->flushed >= FLUSH_EVERY ? flush(c) : ap_ok();
}

ap_status ap_latent_cache_seal(ap_latent_cache *c)
{
    AP_TRY(flush(c));
    c->bytes = HEAD_BYTES + (size_t)c->head.key.windows * window_bytes(c);
    void *map = mmap(NULL, c->bytes, PROT_READ, MAP_SHARED, c->descriptor, 0);
    if (map == MAP_FAILED) return failure(c, "cannot be mapped");
    c->map = map;
    madvise(map, c->bytes, MADV_RANDOM);
    flock(c->descriptor, LOCK_UN);
    return ap_ok();
}

/* ---------------------------------------------------------------- reading */

ap_status ap_latent_cache_read(const ap_latent_cache *c, int64_t window, int side, ap_real *z)
{
    struct stat about;
    size_t bytes = window_bytes(c) / 2, at = HEAD_BYTES + (2 * (size_t)window + (size_t)side) * bytes;
    if (fstat(c->descriptor, &about) != 0 ||
        (size_t)about.st_size < c->bytes) /* reading on would be SIGBUS */
        return ap_error(AP_FAILED, "%s: it has become shorter since training began", c->path);
    memcpy(z, c->map + at, bytes);
    /* The pages stay in the system's cache, but do not count as the program's memory. */
    size_t page = (size_t)sysconf(_SC_PAGESIZE), from = at / page * page;
    madvise((void *)(c->map + from), at + bytes - from, MADV_DONTNEED);
    return ap_ok();
}

void ap_latent_cache_free(ap_latent_cache *c)
{
    if (!c) return;
    if (c->map) munmap((void *)c->map, c->bytes);
    if (c->descriptor >= 0) {
        ap_status ignored = c->map ? ap_ok() : flush(c);
        (void)ignored;
        close(c->descriptor);
    }
    free(c->path);
    free(c);
}
