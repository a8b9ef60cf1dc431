/* Calls to the file system that a program under watch makes, as the kernel reports them. */
#ifndef TESTS_CRASH_CALLS_H
#define TESTS_CRASH_CALLS_H

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CALL_PATH 8192

typedef enum call_kind {
    CALL_OPEN,
    CALL_READ,
    CALL_WRITE,
    CALL_TRUNCATE,
    CALL_SYNC,
    CALL_SYNC_ALL,
    CALL_RENAME,
    CALL_MAKE_FOLDER,
    CALL_REMOVE,
    CALL_LOOK /* stat, access */
} call_kind;

/* Where its arguments stand; -1: it has none such. */
typedef struct call_about {
    const char *name;
    long number;
    call_kind kind;
    int descriptor, path;
} call_about;

typedef struct call {
    uint64_t id;
    pid_t thread;
    const call_about *about;
    uint64_t arguments[6];
} call;

/* From now on this process and what comes of it are under watch. The descriptor that reports, or -1. */
int calls_listen(void);

/* Waits for the next; false: it is not one any more. */
bool calls_receive(int listener, call *c);

/* Lets it through (0) or answers it with an error. */
void calls_answer(int listener, const call *c, int error);

/* The absolute path that the call is about. */
bool call_path(const call *c, char path[CALL_PATH]);

/* The new name of a rename. */
bool call_second_path(const call *c, char path[CALL_PATH]);

bool call_is_below(const char *path, const char *folder);

/* Its file descriptor, -1 without. */
int call_descriptor(const call *c);

int call_open_flags(const call *c);

/* What a write writes, for the caller to free, and where in the file that is. */
char *call_data(const call *c, size_t *length);
long long call_offset(const call *c);

#endif
