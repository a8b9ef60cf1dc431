/* Runs a command and stands between it and the file system: writes down what it does to a folder, or makes
 * the Nth call on that folder fail. The kernel stops each such call and asks (seccomp's user notification),
 * so that what libraries and stdio do is seen too, sanitizers or not.
 *
 *     watch record LOG FOLDER COMMAND...     the log is what replay reads
 *     watch count FILE FOLDER COMMAND...     how many calls there are, into FILE
 *     watch fail N FILE FOLDER COMMAND...    the Nth fails; FILE says which that is
 *     watch full N FILE FOLDER COMMAND...    the disk is full from the Nth call on that needs room; 0: their
 * number
 *
 * Ends as the command ends; with 77 where the kernel cannot do this. */
#include "crash/calls.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CANNOT 77

typedef enum mode { RECORD, COUNT, FAIL, FULL } mode;

typedef struct watch {
    mode mode;
    long wanted, seen;
    const char *folder;
    FILE *out;
} watch;

static void stop_if(bool failed, const char *what)
{
    if (!failed) return;
    perror(what);
    exit(CANNOT);
}

/* ---------------------------------------------------------------- the command */

/* Sends, or receives, one descriptor. */
static int pass_descriptor(int socket, int descriptor)
{
    char byte = 0, room[CMSG_SPACE(sizeof descriptor)] = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (descriptor >= 0) {
        *head = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof descriptor), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(head), &descriptor, sizeof descriptor);
        return sendmsg(socket, &message, 0) == 1 ? 0 : -1;
    }
    if (recvmsg(socket, &message, 0) != 1 || !(head = CMSG_FIRSTHDR(&message))) return -1;
    memcpy(&descriptor, CMSG_DATA(head), sizeof descriptor);
    return descriptor;
}

static void become(char **command, int socket)
{
    int listener = calls_listen();
    stop_if(listener < 0, "watch: seccomp");
    stop_if(pass_descriptor(socket, listener) < 0, "watch: socket");
    close(listener);
    close(socket);
    execvp(command[0], command);
    perror(command[0]);
    _exit(127);
}

/* ---------------------------------------------------------------- what is written down */

static void record_data(watch *w, const call *c, const char *path)
{
    size_t length;
    char *data = call_data(c, &length);
    if (!data) return;
    fprintf(w->out, "write\t%lld\t%zu\t%s\n", call_offset(c), length, path);
    fwrite(data, 1, length, w->out);
    fputc('\n', w->out);
    free(data);
}

static void record_open(watch *w, const call *c, const char *path)
{
    int flags = call_open_flags(c);
    struct stat there;
    if (!(flags & (O_CREAT | O_TRUNC)) || (flags & O_TMPFILE) == O_TMPFILE) return;
    if (stat(path, &there) == 0 && !S_ISREG(there.st_mode)) return;
    fprintf(w->out, "open\t%d\t%d\t%d\t%s\n", !!(flags & O_CREAT), !!(flags & O_EXCL), !!(flags & O_TRUNC),
            path + strlen(w->folder) + 1);
}

static void record(watch *w, const call *c, const char *path)
{
    const char *name = path + strlen(w->folder) + (path[strlen(w->folder)] == '/');
    char to[CALL_PATH];
    switch (c->about->kind) {
    case CALL_OPEN:
        record_open(w, c, path);
        break;
    case CALL_WRITE:
        record_data(w, c, name);
        break;
    case CALL_TRUNCATE:
        fprintf(w->out, "size\t%lld\t%s\n", (long long)c->arguments[1], name);
        break;
    case CALL_RENAME:
        if (!call_second_path(c, to) || !call_is_below(to, w->folder)) break;
        fprintf(w->out, "rename\t%s\t%s\n", name, to + strlen(w->folder) + 1);
        break;
    case CALL_MAKE_FOLDER:
        fprintf(w->out, "mkdir\t%s\n", name);
        break;
    case CALL_REMOVE:
        fprintf(w->out, "remove\t%s\n", name);
        break;
    case CALL_SYNC:
        fprintf(w->out, "sync\t%s\n", name);
        break;
    case CALL_SYNC_ALL:
        fprintf(w->out, "syncall\n");
        break;
    case CALL_READ:
    case CALL_LOOK:
        break;
    }
}

/* ---------------------------------------------------------------- what is made to fail */

static bool needs_room(const call *c)
{
    switch (c->about->kind) {
    case CALL_WRITE:
    case CALL_MAKE_FOLDER:
        return true;
    case CALL_OPEN:
        return call_open_flags(c) & O_CREAT;
    default:
        return false;
    }
}

/* The error that the call is answered with; 0: it is let through. */
static int judge(watch *w, const call *c, const char *path)
{
    if (w->mode == FULL && !needs_room(c)) return 0;
    /* nobody can do anything about a file that is not removed */
    if (c->about->kind == CALL_REMOVE) return 0;
    w->seen++;
    if (w->wanted == 0 || w->seen < w->wanted || (w->mode == FAIL && w->seen > w->wanted)) return 0;
    if (w->seen == w->wanted) fprintf(w->out, "%s %s\n", c->about->name, path);
    return needs_room(c) ? ENOSPC : EIO;
}

/* ---------------------------------------------------------------- the watch */

static int consider(watch *w, const call *c)
{
    char path[CALL_PATH];
    if (!call_path(c, path) || !call_is_below(path, w->folder)) return 0;
    if (w->mode != RECORD) return judge(w, c, path);
    record(w, c, path);
    fflush(w->out);
    return 0;
}

static void answer_one(watch *w, int listener)
{
    call c;
    if (!calls_receive(listener, &c)) return;
    calls_answer(listener, &c, consider(w, &c));
}

static void watch_all(watch *w, int listener)
{
    struct pollfd events = {.fd = listener, .events = POLLIN};
    for (;;) {
        if (poll(&events, 1, -1) < 0 && errno != EINTR) break;
        if (events.revents & POLLIN)
            answer_one(w, listener);
        else if (events.revents & (POLLHUP | POLLERR))
            break;
    }
}

static int run(watch *w, char **command)
{
    int sockets[2], status;
    stop_if(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0, "watch: socket");
    pid_t child = fork();
    stop_if(child < 0, "watch: fork");
    if (child == 0) become(command, sockets[1]);
    close(sockets[1]);
    int listener = pass_descriptor(sockets[0], -1);
    if (listener >= 0) watch_all(w, listener);
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int count, char **words)
{
    static const char *const modes[] = {"record", "count", "fail", "full"};
    watch w = {.mode = RECORD};
    while (count > 1 && w.mode <= FULL && strcmp(words[1], modes[w.mode]) != 0) w.mode++;
    int at = 2;
    if (w.mode == FAIL || w.mode == FULL) w.wanted = count > at ? atol(words[at++]) : 0;
    if (w.mode > FULL || count < at + 3) {
        fprintf(stderr, "usage: watch record|count|fail N|full N FILE FOLDER COMMAND...\n");
        return 2;
    }
    w.out = fopen(words[at], "we");
    w.folder = realpath(words[at + 1], NULL);
    stop_if(!w.out || !w.folder, words[at]);
    int code = run(&w, words + at + 2);
    if (w.mode != RECORD && w.wanted == 0) fprintf(w.out, "%ld\n", w.seen);
    fclose(w.out);
    return code;
}
