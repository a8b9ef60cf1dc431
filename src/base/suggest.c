#include "base/suggest.h"

#include <ctype.h>
#include <string.h>

/* Longer words are ignored: no option or key is as long, and the rows below stay on the stack. */
#define LONGEST 128

static int plain(char letter)
{
    return letter == '-' ? '_' : tolower((unsigned char)letter);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: the edit distance with transpositions, by dynamic programming over the prefixes
 * of a (rows) and b (columns); three rows are kept because a transposition looks two back. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][LONGEST + 1];
    for (size_t j = 0; j <= b_length; j++) rows[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            int p = plain(a[i - 1]), q = plain(b[j - 1]);
            row[j] = least(above[j - 1] + (p != q), least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && p == plain(b[j - 2]) && q == plain(a[i - 2]))
                row[j] = least(row[j], two_above[j - 2] + (p != q));
        }
    }
    return rows[a_length % 3][b_length];
}

const char *ap_suggest(const char *word, const char *const *candidates, size_t count)
{
    const char *nearest = NULL;
    size_t best = LONGEST, length = strlen(word);
    if (length > LONGEST) return NULL;
    for (size_t k = 0; k < count; k++) {
        size_t other = strlen(candidates[k]), longer = length > other ? length : other;
        if (longer > LONGEST) continue;
        size_t d = distance(word, length, candidates[k], other);
        if (d < best && 3 * d <= longer) {
            best = d;
            nearest = candidates[k];
        }
    }
    return nearest;
}
