#include "crash/calls.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* More than any one call of ours writes. */
#define DATA_MOST ((size_t)1 << 30)
#define PARTS_MOST 64

/* The second path of a rename stands behind the first, and behind its folder's descriptor where there is one.
 */
static const call_about calls[] = {
    {"openat", SYS_openat, CALL_OPEN, 0, 1},
    {"read", SYS_read, CALL_READ, 0, -1},
    {"pread", SYS_pread64, CALL_READ, 0, -1},
    {"readv", SYS_readv, CALL_READ, 0, -1},
    {"getdents", SYS_getdents64, CALL_READ, 0, -1},
    {"write", SYS_write, CALL_WRITE, 0, -1},
    {"pwrite", SYS_pwrite64, CALL_WRITE, 0, -1},
    {"writev", SYS_writev, CALL_WRITE, 0, -1},
    {"ftruncate", SYS_ftruncate, CALL_TRUNCATE, 0, -1},
    {"fsync", SYS_fsync, CALL_SYNC, 0, -1},
    {"fdatasync", SYS_fdatasync, CALL_SYNC, 0, -1},
    {"syncfs", SYS_syncfs, CALL_SYNC_ALL, 0, -1},
    {"renameat2", SYS_renameat2, CALL_RENAME, 0, 1},
    {"mkdirat", SYS_mkdirat, CALL_MAKE_FOLDER, 0, 1},
    {"unlinkat", SYS_unlinkat, CALL_REMOVE, 0, 1},
    {"newfstatat", SYS_newfstatat, CALL_LOOK, 0, 1},
    {"faccessat", SYS_faccessat, CALL_LOOK, 0, 1},
#ifdef SYS_faccessat2
    {"faccessat2", SYS_faccessat2, CALL_LOOK, 0, 1},
#endif
#ifdef SYS_renameat
    {"renameat", SYS_renameat, CALL_RENAME, 0, 1},
#endif
#ifdef SYS_open /* the calls of old, which newer architectures do without */
    {"open", SYS_open, CALL_OPEN, -1, 0},
    {"creat", SYS_creat, CALL_OPEN, -1, 0},
    {"rename", SYS_rename, CALL_RENAME, -1, 0},
    {"mkdir", SYS_mkdir, CALL_MAKE_FOLDER, -1, 0},
    {"rmdir", SYS_rmdir, CALL_REMOVE, -1, 0},
    {"unlink", SYS_unlink, CALL_REMOVE, -1, 0},
    {"stat", SYS_stat, CALL_LOOK, -1, 0},
    {"access", SYS_access, CALL_LOOK, -1, 0},
#endif
};
#define CALLS (sizeof calls / sizeof *calls)

/* ---------------------------------------------------------------- the kernel's side */

int calls_listen(void)
{
    struct sock_filter filter[2 * CALLS + 2], *at = filter;
    *at++ =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, nr));
    for (size_t k = 0; k < CALLS; k++) {
        *at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[k].number, 0, 1);
        *at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    }
    *at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {(unsigned short)(at - filter), filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

bool calls_receive(int listener, call *c)
{
    struct seccomp_notif notice = {0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notice) != 0) return false;
    *c = (call){.id = notice.id, .thread = (pid_t)notice.pid};
    memcpy(c->arguments, notice.data.args, sizeof c->arguments);
    for (size_t k = 0; k < CALLS; k++)
        if (calls[k].number == notice.data.nr) c->about = &calls[k];
    return true;
}

void calls_answer(int listener, const call *c, int error)
{
    struct seccomp_notif_resp answer = {.id = c->id, .error = -error};
    if (!error) answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer); /* a call that a signal has ended is gone */
}

/* ---------------------------------------------------------------- the program's memory */

static size_t peek(const call *c, uint64_t address, void *into, size_t bytes)
{
    struct iovec here = {into, bytes}, there = {(void *)(uintptr_t)address, bytes};
    ssize_t got = process_vm_readv(c->thread, &here, 1, &there, 1, 0);
    return got < 0 ? 0 : (size_t)got;
}

/* A text may end right before memory that is not there. */
static bool peek_text(const call *c, uint64_t address, char *into, size_t most)
{
    for (size_t at = 0; at < most; at++) {
        if (peek(c, address + at, into + at, 1) != 1) return false;
        if (into[at] == '\0') return true;
    }
    return false;
}

/* ---------------------------------------------------------------- paths */

static bool read_link(const call *c, const char *what, char path[CALL_PATH])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/%d/%s", (int)c->thread, what);
    ssize_t length = readlink(link, path, CALL_PATH - 1);
    path[length > 0 ? length : 0] = '\0';
    return length > 0;
}

static bool path_of_descriptor(const call *c, int descriptor, char path[CALL_PATH])
{
    char what[32];
    snprintf(what, sizeof what, "fd/%d", descriptor);
    return read_link(c, descriptor == AT_FDCWD ? "cwd" : what, path);
}

/* Without "//", "." and "..", by the letters alone. */
static void tidy(char *path)
{
    char *to = path;
    for (const char *part = path; *part;) {
        while (*part == '/') part++;
        size_t length = strcspn(part, "/");
        if (length == 2 && part[0] == '.' && part[1] == '.') {
            while (to > path && *--to != '/') {
            }
        } else if (length > 0 && !(length == 1 && part[0] == '.')) {
            *to++ = '/';
            memmove(to, part, length);
            to += length;
        }
        part += length;
    }
    *to = '\0';
}

static bool path_at(const call *c, int descriptor, uint64_t address, char path[CALL_PATH])
{
    char text[CALL_PATH / 2], folder[CALL_PATH] = "";
    if (!peek_text(c, address, text, sizeof text)) return false;
    if (text[0] != '/' && !path_of_descriptor(c, descriptor, folder)) return false;
    if (strlen(folder) + strlen(text) + 2 > CALL_PATH) return false;
    strcpy(path, folder);
    if (text[0]) strcat(strcat(path, "/"), text);
    tidy(path);
    return true;
}

int call_descriptor(const call *c)
{
    return c->about->descriptor < 0 ? -1 : (int)c->arguments[c->about->descriptor];
}

bool call_path(const call *c, char path[CALL_PATH])
{
    const call_about *a = c->about;
    if (a->path < 0) return path_of_descriptor(c, call_descriptor(c), path);
    return path_at(c, a->descriptor < 0 ? AT_FDCWD : call_descriptor(c), c->arguments[a->path], path);
}

bool call_second_path(const call *c, char path[CALL_PATH])
{
    bool at = c->about->descriptor >= 0;
    return path_at(c, at ? (int)c->arguments[2] : AT_FDCWD, c->arguments[at ? 3 : 1], path);
}

bool call_is_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* ---------------------------------------------------------------- details */

int call_open_flags(const call *c)
{
    if (strcmp(c->about->name, "creat") == 0) return O_CREAT | O_WRONLY | O_TRUNC;
    return (int)c->arguments[c->about->path + 1];
}

char *call_data(const call *c, size_t *length)
{
    struct iovec parts[PARTS_MOST] = {{(void *)(uintptr_t)c->arguments[1], (size_t)c->arguments[2]}};
    size_t count = 1;
    if (strcmp(c->about->name, "writev") == 0) {
        count = c->arguments[2] < PARTS_MOST ? (size_t)c->arguments[2] : PARTS_MOST;
        if (peek(c, c->arguments[1], parts, count * sizeof *parts) != count * sizeof *parts) return NULL;
    }
    *length = 0;
    for (size_t k = 0; k < count; k++) *length += parts[k].iov_len;
    if (*length > DATA_MOST) return NULL;
    char *data = malloc(*length + 1), *at = data;
    for (size_t k = 0; data && k < count; k++) {
        at += peek(c, (uint64_t)(uintptr_t)parts[k].iov_base, at, parts[k].iov_len);
    }
    return data;
}

long long call_offset(const call *c)
{
    if (strcmp(c->about->name, "pwrite") == 0) return (long long)c->arguments[3];
    char name[64];
    long long position = 0;
    unsigned flags = 0;
    struct stat about;
    snprintf(name, sizeof name, "/proc/%d/fdinfo/%d", (int)c->thread, call_descriptor(c));
    FILE *stream = fopen(name, "r");
    if (!stream || fscanf(stream, "pos: %lld flags: %o", &position, &flags) != 2) position = 0;
    if (stream) fclose(stream);
    if (!(flags & O_APPEND)) return position;
    snprintf(name, sizeof name, "/proc/%d/fd/%d", (int)c->thread, call_descriptor(c));
    return stat(name, &about) == 0 ? (long long)about.st_size : 0;
}
