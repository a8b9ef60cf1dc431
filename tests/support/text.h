/* Texts in files, on the standard error and in one another. */
#ifndef ANTIPHON_TESTS_TEXT_H
#define ANTIPHON_TESTS_TEXT_H

/* The content of a file, to be freed; and a file of that content. */
char *text_read(const char *path);
void text_write(const char *path, const char *text);

/* How often `part` stands in `text`. */
int text_occurrences(const char *text, const char *part);

/* Collects what goes to the standard error, in a file of the test's folder, until text_heard is called, which
 * gives it, to be freed. */
void text_listen(void *const *state);
char *text_heard(void *const *state);

#endif
