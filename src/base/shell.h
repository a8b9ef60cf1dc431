/* Words for a shell. */
#ifndef ANTIPHON_BASE_SHELL_H
#define ANTIPHON_BASE_SHELL_H

/* A word as a shell takes it: in quotes where it needs them. The caller frees it. */
char *ap_shell_word(const char *word);

#endif
