/* Memory outside the arenas: whoever asks gets it, or the fatal handler is called. */
#ifndef ANTIPHON_BASE_MEMORY_H
#define ANTIPHON_BASE_MEMORY_H

#include <stddef.h>

/* `count` elements of `size` bytes, zero-filled, to be given back by free(). Zero elements give a valid
 * address. */
void *ap_allocate(size_t count, size_t size);

/* The block (NULL: none yet) made `count` elements of `size` bytes long; new bytes are undefined. */
void *ap_reallocate(void *block, size_t count, size_t size);

/* A copy of a string; a string made by printf's rules. Both to be given back by free(). */
char *ap_copy_text(const char *text);
char *ap_format_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
