/* A disk in memory: what a log of calls did to a folder, and what a loss of power may leave of it. */
#ifndef TESTS_CRASH_DISK_H
#define TESTS_CRASH_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_MOST 256

/* Files and folders are numbered; 0 is the folder that was watched. */
typedef struct entry {
    char name[NAME_MOST];
    int node;
} entry;

typedef struct node {
    bool folder;
    uint64_t made_by;    /* the changes that its content comes from, mixed */
    unsigned char *data; /* a file's */
    size_t size;
    entry *entries; /* a folder's */
    int count;
} node;

typedef struct disk {
    node *at;
    int count;
} disk;

typedef enum change_kind {
    LINK,   /* a new name for `node` in `folder` */
    MOVE,   /* from `name` in `folder` to `to_name` in `to` */
    UNLINK, /* the name is gone */
    DATA,   /* bytes of a file */
    SIZE,   /* a file's size */
    SYNC,   /* what was done to `node` is on the disk */
    SYNC_ALL
} change_kind;

typedef struct piece {
    size_t at, length;
    const unsigned char *bytes;
} piece;

typedef struct change {
    change_kind kind;
    int node, folder, to;
    char name[NAME_MOST], to_name[NAME_MOST];
    char *path; /* MOVE: where it got to */
    size_t size;
    piece *pieces; /* DATA: writes one behind the other */
    int piece_count;
    int certain; /* it is on the disk once so many changes have been made; INT_MAX: never */
} change;

typedef struct history {
    disk before;
    change *at;
    int count;
    int nodes; /* of the whole history */
} history;

/* What becomes of a change of data that the power loss meets. */
typedef enum tear { WHOLE, FIRST_HALF, SECOND_HALF, ZEROS } tear;

/* The folder as it was before, and the log of what happened to it then. */
history history_read(const char *before, const char *log);

/* The disk with those of the first `p` changes that are `kept`; change `torn` (-1: none) is torn. Without
 * `content` it has names alone. */
disk history_disk(const history *h, int p, const bool *kept, int torn, tear how, bool content);

/* Tells disks apart, by their names and by what their files were made by. */
uint64_t disk_hash(const disk *d);
void disk_write(const disk *d, const char *folder);
void disk_free(disk *d);

#endif
