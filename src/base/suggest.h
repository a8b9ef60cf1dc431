/* "Did you mean ...?": for a word the user typed that names nothing. */
#ifndef ANTIPHON_BASE_SUGGEST_H
#define ANTIPHON_BASE_SUGGEST_H

#include <stddef.h>

/* The candidate nearest to `word`, or NULL when none is near: borrowed from `candidates`, the first of
 * equals. Distance: how many letters must be inserted, removed, changed or swapped with their neighbour;
 * letter case and the difference between '-' and '_' do not count. Near: at most a third of the longer word.
 */
const char *ap_suggest(const char *word, const char *const *candidates, size_t count);

#endif
