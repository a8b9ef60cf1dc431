/* What a long work over many files has done, so that it goes on after it was stopped: a file of lines, each a
 * key and a short text. */
#ifndef ANTIPHON_AUDIO_JOURNAL_H
#define ANTIPHON_AUDIO_JOURNAL_H

#include <stdint.h>

typedef struct ap_journal ap_journal;

/* Reads what an earlier work has written to the file, which need not exist. */
ap_journal *ap_journal_open(const char *path);

/* The text that was last written under the key by an earlier work, or NULL. */
const char *ap_journal_find(const ap_journal *journal, uint64_t key);

/* Appends a line. Threads may call it at the same time. What cannot be written is done again another time.
 * `text` holds no newline. */
void ap_journal_add(ap_journal *journal, uint64_t key, const char *text);

/* NULL is allowed. */
void ap_journal_close(ap_journal *journal);

#endif
