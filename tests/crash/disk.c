#include "crash/disk.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_MOST 8192
/* What a disk writes at once. */
#define BLOCK 512

static void *checked(void *block)
{
    if (block) return block;
    fprintf(stderr, "replay: out of memory\n");
    exit(1);
}

static void *grown(void *block, int count, size_t size)
{
    return checked(realloc(block, (size_t)(count + 1) * size));
}

static FILE *opened(const char *path, const char *how)
{
    FILE *stream = fopen(path, how);
    if (stream) return stream;
    perror(path);
    exit(1);
}

/* ---------------------------------------------------------------- a disk */

static int add_node(disk *d, bool folder)
{
    d->at = grown(d->at, d->count, sizeof *d->at);
    d->at[d->count] = (node){.folder = folder};
    return d->count++;
}

static int find(const disk *d, int folder, const char *name)
{
    for (int k = 0; k < d->at[folder].count; k++)
        if (strcmp(d->at[folder].entries[k].name, name) == 0) return d->at[folder].entries[k].node;
    return -1;
}

static void unlink_name(disk *d, int folder, const char *name, int which)
{
    node *n = &d->at[folder];
    for (int k = 0; k < n->count; k++)
        if (strcmp(n->entries[k].name, name) == 0 && n->entries[k].node == which) {
            n->entries[k] = n->entries[--n->count];
            return;
        }
}

static void link_name(disk *d, int folder, const char *name, int which)
{
    unlink_name(d, folder, name, find(d, folder, name));
    node *n = &d->at[folder];
    n->entries = grown(n->entries, n->count, sizeof *n->entries);
    n->entries[n->count].node = which;
    snprintf(n->entries[n->count++].name, NAME_MOST, "%s", name);
}

static void resize(node *n, size_t size)
{
    if (size > n->size) {
        n->data = checked(realloc(n->data, size));
        memset(n->data + n->size, 0, size - n->size);
    }
    n->size = size;
}

/* Walks to the folder that a path ends in; -1 where one is missing. name: the last part. */
static int walk(const disk *d, const char *path, char name[NAME_MOST])
{
    int folder = 0;
    for (const char *slash; (slash = strchr(path, '/')); path = slash + 1) {
        snprintf(name, NAME_MOST, "%.*s", (int)(slash - path), path);
        folder = find(d, folder, name);
        if (folder < 0 || !d->at[folder].folder) return -1;
    }
    snprintf(name, NAME_MOST, "%s", path);
    return folder;
}

static int node_of(const disk *d, const char *path)
{
    char name[NAME_MOST];
    if (!*path) return 0;
    int folder = walk(d, path, name);
    return folder < 0 ? -1 : find(d, folder, name);
}

static void take(disk *d, int into, const char *folder)
{
    char path[PATH_MOST];
    DIR *list = opendir(folder);
    for (struct dirent *e; list && (e = readdir(list));) {
        struct stat about;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (stat(path, &about) != 0) continue;
        int new = add_node(d, S_ISDIR(about.st_mode));
        link_name(d, into, e->d_name, new);
        if (d->at[new].folder) {
            take(d, new, path);
            continue;
        }
        FILE *stream = opened(path, "rb");
        resize(&d->at[new], (size_t)about.st_size);
        if (fread(d->at[new].data, 1, d->at[new].size, stream) != d->at[new].size) perror(path);
        fclose(stream);
    }
    if (list) closedir(list);
}

static disk copy(const disk *d, int nodes, bool content)
{
    disk new = {checked(calloc((size_t)nodes, sizeof(node))), nodes};
    for (int k = 0; k < d->count; k++) {
        const node *from = &d->at[k];
        node *to = &new.at[k];
        *to = (node){.folder = from->folder, .size = content ? from->size : 0, .count = from->count};
        if (to->size) to->data = memcpy(checked(malloc(from->size)), from->data, from->size);
        size_t bytes = (size_t)from->count * sizeof(entry);
        if (bytes) to->entries = memcpy(checked(malloc(bytes)), from->entries, bytes);
    }
    return new;
}

void disk_free(disk *d)
{
    for (int k = 0; k < d->count; k++) {
        free(d->at[k].data);
        free(d->at[k].entries);
    }
    free(d->at);
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t length)
{
    for (size_t k = 0; k < length; k++) hash = (hash ^ ((const unsigned char *)bytes)[k]) * 0x100000001b3u;
    return hash;
}

/* Whether the program itself never reads it, and only removes it. */
static bool is_temporary(const char *name)
{
    size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, ".tmp") == 0;
}

static uint64_t hash_of(const disk *d, int which, bool temporary)
{
    const node *n = &d->at[which];
    uint64_t sum = 0xcbf29ce484222325u;
    if (!n->folder) return temporary ? sum : mix(sum + (uint64_t)which, &n->made_by, sizeof n->made_by);
    for (int k = 0; k < n->count; k++) { /* in any order */
        uint64_t of_name = mix(0x84222325u, n->entries[k].name, strlen(n->entries[k].name));
        uint64_t inner = hash_of(d, n->entries[k].node, is_temporary(n->entries[k].name));
        sum += mix(of_name, &inner, sizeof inner);
    }
    return sum;
}

uint64_t disk_hash(const disk *d)
{
    return hash_of(d, 0, false);
}

static void write_node(const disk *d, int which, const char *path)
{
    const node *n = &d->at[which];
    if (n->folder) {
        mkdir(path, 0777);
        for (int k = 0; k < n->count; k++) {
            char inner[PATH_MOST];
            snprintf(inner, sizeof inner, "%s/%s", path, n->entries[k].name);
            write_node(d, n->entries[k].node, inner);
        }
        return;
    }
    FILE *stream = opened(path, "wb");
    if (fwrite(n->data, 1, n->size, stream) != n->size || fclose(stream) != 0) {
        perror(path);
        exit(1);
    }
}

void disk_write(const disk *d, const char *folder)
{
    write_node(d, 0, folder);
}

/* ---------------------------------------------------------------- changes */

static bool holds(size_t at, size_t half, tear how)
{
    return how == WHOLE || (how == FIRST_HALF ? at < half : at >= half);
}

static void apply_data(node *n, const change *c, tear how)
{
    size_t end = 0;
    for (int k = 0; k < c->piece_count; k++) {
        size_t of_piece = c->pieces[k].at + c->pieces[k].length;
        if (of_piece > end) end = of_piece;
    }
    size_t half = (c->pieces[0].at + end) / 2 / BLOCK * BLOCK;
    for (int k = 0; k < c->piece_count; k++) {
        const piece *p = &c->pieces[k];
        if (how == FIRST_HALF && p->at >= half) continue;
        size_t stop = p->at + p->length;
        if (how == FIRST_HALF && stop > half) stop = half;
        if (stop > n->size) resize(n, stop);
        for (size_t i = p->at; i < stop && how != ZEROS; i++)
            if (holds(i, half, how)) n->data[i] = p->bytes[i - p->at];
    }
}

static void apply(disk *d, const change *c, tear how)
{
    switch (c->kind) {
    case LINK:
        link_name(d, c->folder, c->name, c->node);
        break;
    case UNLINK:
        unlink_name(d, c->folder, c->name, c->node);
        break;
    case MOVE:
        unlink_name(d, c->folder, c->name, c->node);
        link_name(d, c->to, c->to_name, c->node);
        break;
    case DATA:
        apply_data(&d->at[c->node], c, how);
        break;
    case SIZE:
        resize(&d->at[c->node], c->size);
        break;
    case SYNC:
    case SYNC_ALL:
        break;
    }
}

/* Goes backwards, with the moment of each node's next flush at hand. */
static void find_certain(history *h)
{
    int *next = checked(malloc((size_t)(h->nodes + 1) * sizeof *next));
    for (int k = 0; k < h->nodes; k++) next[k] = INT_MAX;
    for (int i = h->count - 1; i >= 0; i--) {
        change *c = &h->at[i];
        bool data = c->kind == DATA || c->kind == SIZE;
        c->certain = data || c->kind == LINK || c->kind == UNLINK || c->kind == MOVE
                         ? next[data ? c->node : c->folder]
                         : 0;
        if (c->kind == MOVE && next[c->to] > c->certain) c->certain = next[c->to];
        if (c->kind == SYNC) next[c->node] = i + 1;
        for (int k = 0; c->kind == SYNC_ALL && k < h->nodes; k++) next[k] = i + 1;
    }
    free(next);
}

disk history_disk(const history *h, int p, const bool *kept, int torn, tear how, bool content)
{
    disk d = copy(&h->before, h->nodes, content);
    for (int k = 0; k < h->count; k++)
        if (h->at[k].kind == LINK) d.at[h->at[k].node].folder = h->at[k].size != 0;
    for (int k = 0; k < p; k++) {
        const change *c = &h->at[k];
        bool data = c->kind == DATA || c->kind == SIZE;
        uint64_t *by = &d.at[c->node].made_by, part = (uint64_t)k * 4 + (k == torn ? how : WHOLE);
        if (kept[k] && data) *by = mix(*by, &part, sizeof part);
        if (kept[k] && (content || !data)) apply(&d, c, k == torn ? how : WHOLE);
    }
    return d;
}

/* ---------------------------------------------------------------- the log */

static change *add(history *h, change_kind kind)
{
    h->at = grown(h->at, h->count, sizeof *h->at);
    h->at[h->count] = (change){.kind = kind};
    return &h->at[h->count++];
}

/* A new file or folder; d is the disk as the program saw it. */
static void make(history *h, disk *d, const char *path, bool folder)
{
    char name[NAME_MOST];
    int into = walk(d, path, name);
    if (into < 0 || !*path || find(d, into, name) >= 0) return;
    change *c = add(h, LINK);
    c->node = add_node(d, folder);
    c->folder = into;
    c->size = folder;
    strcpy(c->name, name);
    apply(d, c, WHOLE);
}

static void add_size(history *h, disk *d, const char *path, size_t size)
{
    int n = node_of(d, path);
    if (n < 0 || d->at[n].folder || d->at[n].size == size) return;
    change *c = add(h, SIZE);
    c->node = n;
    c->size = size;
    apply(d, c, WHOLE);
}

static void add_open(history *h, disk *d, const char *rest)
{
    int create, exclusive, shorten, at;
    if (sscanf(rest, "%d\t%d\t%d\t%n", &create, &exclusive, &shorten, &at) != 3) return;
    const char *path = rest + at;
    bool there = node_of(d, path) >= 0;
    if (there && create && exclusive) return;
    if (!there && create) make(h, d, path, false);
    if (there && shorten) add_size(h, d, path, 0);
}

static void add_removal(history *h, disk *d, const char *path)
{
    char name[NAME_MOST];
    int from = walk(d, path, name), n = from < 0 ? -1 : find(d, from, name);
    if (n < 0 || (d->at[n].folder && d->at[n].count > 0)) return;
    change *c = add(h, UNLINK);
    c->node = n;
    c->folder = from;
    strcpy(c->name, name);
    apply(d, c, WHOLE);
}

static void add_move(history *h, disk *d, const char *from, const char *to)
{
    char name[NAME_MOST], to_name[NAME_MOST];
    int folder = walk(d, from, name), to_folder = walk(d, to, to_name);
    int n = folder < 0 || to_folder < 0 ? -1 : find(d, folder, name);
    if (n < 0) return;
    change *c = add(h, MOVE);
    *c = (change){.kind = MOVE, .node = n, .folder = folder, .to = to_folder, .path = checked(strdup(to))};
    strcpy(c->name, name);
    strcpy(c->to_name, to_name);
    apply(d, c, WHOLE);
}

/* Writes to one file without anything between them are one change. */
static void add_data(history *h, disk *d, const char *path, piece p)
{
    int n = node_of(d, path);
    if (n < 0 || d->at[n].folder || p.length == 0) return;
    change *c = h->count ? &h->at[h->count - 1] : NULL;
    if (!c || c->kind != DATA || c->node != n) {
        c = add(h, DATA);
        c->node = n;
    }
    c->pieces = grown(c->pieces, c->piece_count, sizeof *c->pieces);
    c->pieces[c->piece_count++] = p;
    apply_data(&d->at[n], &(change){.pieces = &p, .piece_count = 1}, WHOLE);
}

static void add_sync(history *h, const disk *d, const char *path)
{
    int n = node_of(d, path);
    if (n >= 0) add(h, SYNC)->node = n;
}

/* `data` bytes that stand in the log behind the line. */
static const unsigned char *data_behind(FILE *log, size_t length)
{
    unsigned char *bytes = checked(malloc(length + 1));
    if (fread(bytes, 1, length, log) != length || getc(log) != '\n') {
        fprintf(stderr, "replay: the log is cut off\n");
        exit(1);
    }
    return bytes;
}

static void add_line(history *h, disk *d, char *line, FILE *log)
{
    char *rest = strchr(line, '\t');
    if (rest) *rest++ = '\0';
    size_t at, length;
    int path;
    if (strcmp(line, "open") == 0)
        add_open(h, d, rest);
    else if (strcmp(line, "mkdir") == 0)
        make(h, d, rest, true);
    else if (strcmp(line, "remove") == 0)
        add_removal(h, d, rest);
    else if (strcmp(line, "sync") == 0)
        add_sync(h, d, rest);
    else if (strcmp(line, "syncall") == 0)
        add(h, SYNC_ALL);
    else if (strcmp(line, "size") == 0 && sscanf(rest, "%zu\t%n", &length, &path) == 1)
        add_size(h, d, rest + path, length);
    else if (strcmp(line, "write") == 0 && sscanf(rest, "%zu\t%zu\t%n", &at, &length, &path) == 2)
        add_data(h, d, rest + path, (piece){at, length, data_behind(log, length)});
    else if (strcmp(line, "rename") == 0) {
        char *to = strchr(rest, '\t');
        *to++ = '\0';
        add_move(h, d, rest, to);
    }
}

history history_read(const char *before, const char *path)
{
    history h = {.count = 0};
    add_node(&h.before, true);
    take(&h.before, 0, before);
    disk now = copy(&h.before, h.before.count, true);
    FILE *log = opened(path, "rb");
    char *line = NULL;
    size_t room = 0;
    for (ssize_t length; (length = getline(&line, &room, log)) > 0;) {
        line[length - 1] = '\0';
        add_line(&h, &now, line, log);
    }
    fclose(log);
    free(line);
    h.nodes = now.count;
    disk_free(&now);
    find_certain(&h);
    return h;
}
