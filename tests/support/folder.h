/* A temporary folder for tests that write files. */
#ifndef ANTIPHON_TESTS_FOLDER_H
#define ANTIPHON_TESTS_FOLDER_H

/* Makes an empty folder and removes it with all it holds: cmocka's set-up and tear-down; *state is its path.
 */
int folder_create(void **state);
int folder_remove(void **state);

/* The path of `name` in the folder; valid until the same call has been made eight times more. */
const char *folder_path(void *const *state, const char *name);

/* How many entries the folder has. */
int folder_count(void *const *state);

#endif
