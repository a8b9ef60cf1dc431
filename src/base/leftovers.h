/* What lies on the disk only until a command has come to its end: temporary files, unfinished sets. Where
 * memory runs out nobody returns to remove it; then, and when the program exits, it is removed from here. */
#ifndef ANTIPHON_BASE_LEFTOVERS_H
#define ANTIPHON_BASE_LEFTOVERS_H

typedef struct ap_leftover ap_leftover;

/* Notes that `path` is there, and what removes it. */
ap_leftover *ap_leftover_note(const char *path, void (*remove)(const char *path));

/* It is gone, or to stay. NULL is allowed. */
void ap_leftover_forget(ap_leftover *leftover);

/* Removes all that is noted, the last first. For who does not come back: what was returned by
 * ap_leftover_note is freed. */
void ap_leftovers_remove(void);

#endif
