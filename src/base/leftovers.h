/* Temporary files and unfinished sets, which exist only while a command runs. They are removed at exit, also
 * when memory runs out and no function returns to clean up. */
#ifndef ANTIPHON_BASE_LEFTOVERS_H
#define ANTIPHON_BASE_LEFTOVERS_H

typedef struct ap_leftover ap_leftover;

/* Registers `path` and the function that removes it. */
ap_leftover *ap_leftover_note(const char *path, void (*remove)(const char *path));

/* Gives it another path of the same length, without allocating: one that mkdtemp has filled in. */
void ap_leftover_rename(ap_leftover *leftover, const char *path);

/* Unregisters it, because it is gone or is to stay. NULL is allowed. */
void ap_leftover_forget(ap_leftover *leftover);

/* Removes everything registered, the latest first. For a program that is about to end. Other threads may
 * go on until it has: what they hold stays valid, and to unregister it does nothing. */
void ap_leftovers_remove(void);

#endif
