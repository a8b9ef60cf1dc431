#include "base/leftovers.h"

#include "base/memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct ap_leftover {
    char *path;
    void (*remove)(const char *path);
    ap_leftover *older, *newer;
    bool gone; /* removed while another thread may still hold it */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static ap_leftover *newest, *newest_gone;

/* To be called with the mutex locked. */
static void unlink_from_list(ap_leftover *l)
{
    if (l->newer)
        l->newer->older = l->older;
    else
        newest = l->older;
    if (l->older) l->older->newer = l->newer;
}

static void release(ap_leftover *l)
{
    free(l->path);
    free(l);
}

ap_leftover *ap_leftover_note(const char *path, void (*remove)(const char *path))
{
    static bool at_exit;
    ap_leftover *l = ap_allocate(1, sizeof *l);
    *l = (ap_leftover){.path = ap_copy_text(path), .remove = remove};
    pthread_mutex_lock(&mutex); /* no allocation while it is locked */
    l->older = newest;
    if (newest) newest->newer = l;
    newest = l;
    bool first = !at_exit;
    at_exit = true;
    pthread_mutex_unlock(&mutex);
    if (first) atexit(ap_leftovers_remove);
    return l;
}

void ap_leftover_rename(ap_leftover *l, const char *path)
{
    pthread_mutex_lock(&mutex);
    memcpy(l->path, path, strlen(l->path));
    pthread_mutex_unlock(&mutex);
}

void ap_leftover_forget(ap_leftover *l)
{
    if (!l) return;
    pthread_mutex_lock(&mutex);
    bool gone = l->gone;
    if (!gone) unlink_from_list(l);
    pthread_mutex_unlock(&mutex);
    if (!gone) release(l);
}

void ap_leftovers_remove(void)
{
    for (;;) {
        pthread_mutex_lock(&mutex);
        ap_leftover *l = newest;
        if (l) {
            unlink_from_list(l);
            l->gone = true;
            l->older = newest_gone;
            newest_gone = l;
        }
        pthread_mutex_unlock(&mutex);
        if (!l) return;
        l->remove(l->path);
    }
}
