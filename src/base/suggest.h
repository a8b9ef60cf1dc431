/* "Did you mean ...?": suggests a name for a word that the user has mistyped. */
#ifndef ANTIPHON_BASE_SUGGEST_H
#define ANTIPHON_BASE_SUGGEST_H

#include <stddef.h>

/* The candidate closest to `word` (the first of equals), borrowed from `candidates`; NULL if none is close.
 * The distance counts letters to insert, remove, change or swap with their neighbour; letter case and '-' or
 * '_' make no difference. Close means at most a third of the longer word. */
const char *ap_suggest(const char *word, const char *const *candidates, size_t count);

#endif
