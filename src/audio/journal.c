#include "audio/journal.h"

#include "base/file.h"
#include "base/memory.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A longer file is none of ours. */
#define BYTES_MOST ((size_t)1 << 28)
#define KEY_DIGITS 16

typedef struct entry {
    uint64_t key;
    size_t order; /* place in the file */
    const char *text;
} entry;

struct ap_journal {
    int descriptor;
    char *content;  /* of the earlier work; its newlines are NUL */
    entry *entries; /* one a key, sorted by it */
    size_t count;
    pthread_mutex_t mutex;
};

static int by_key(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    return x->key < y->key ? -1 : x->key > y->key;
}

static int by_key_and_order(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    int order = by_key(x, y);
    return order ? order : x->order < y->order ? -1 : 1;
}

/* Sorts the entries, and of several with the same key keeps the last. */
static void sort(ap_journal *j)
{
    size_t kept = 0;
    if (j->count) qsort(j->entries, j->count, sizeof *j->entries, by_key_and_order);
    for (size_t i = 0; i < j->count; i++)
        if (i + 1 == j->count || j->entries[i].key != j->entries[i + 1].key)
            j->entries[kept++] = j->entries[i];
    j->count = kept;
}

/* A line that was cut, as by a kill, has no newline or does not begin with a key. */
static void parse(ap_journal *j)
{
    char *end;
    for (char *line = j->content; line && (end = strchr(line, '\n')); line = end + 1) {
        char *rest;
        *end = '\0';
        uint64_t key = strtoull(line, &rest, 16);
        if (rest != line + KEY_DIGITS || *rest != ' ') continue;
        j->entries = ap_reallocate(j->entries, j->count + 1, sizeof *j->entries);
        j->entries[j->count] = (entry){key, j->count, rest + 1};
        j->count++;
    }
    sort(j);
}

ap_journal *ap_journal_open(const char *path)
{
    ap_journal *j = ap_allocate(1, sizeof *j);
    size_t length = 0;
    ap_status status = ap_file_read(path, BYTES_MOST, &j->content, &length);
    (void)status; /* there may be none */
    bool cut = length > 0 && j->content[length - 1] != '\n';
    parse(j);
    pthread_mutex_init(&j->mutex, NULL);
    j->descriptor = ap_file_open_own(path, O_WRONLY | O_APPEND);
    if (cut && j->descriptor >= 0 && write(j->descriptor, "\n", 1) != 1) {
        close(j->descriptor);
        j->descriptor = -1;
    }
    return j;
}

const char *ap_journal_find(const ap_journal *j, uint64_t key)
{
    const entry wanted = {.key = key};
    const entry *found = j->count ? bsearch(&wanted, j->entries, j->count, sizeof wanted, by_key) : NULL;
    return found ? found->text : NULL;
}

void ap_journal_add(ap_journal *j, uint64_t key, const char *text)
{
    char *line = ap_format_text("%016" PRIx64 " %s\n", key, text);
    size_t length = strlen(line);
    pthread_mutex_lock(&j->mutex);
    bool written = j->descriptor >= 0 && write(j->descriptor, line, length) == (ssize_t)length;
    pthread_mutex_unlock(&j->mutex);
    (void)written;
    free(line);
}

void ap_journal_close(ap_journal *j)
{
    if (!j) return;
    if (j->descriptor >= 0) close(j->descriptor);
    pthread_mutex_destroy(&j->mutex);
    free(j->content);
    free(j->entries);
    free(j);
}
