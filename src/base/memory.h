/* Memory outside the arenas. Functions never return NULL: they call the fatal handler when memory runs out.
 */
#ifndef ANTIPHON_BASE_MEMORY_H
#define ANTIPHON_BASE_MEMORY_H

#include <stddef.h>

/* `count` elements of `size` bytes, filled with zeros, to be freed by free(). Zero elements give a valid
 * address. */
void *ap_allocate(size_t count, size_t size);

/* Resizes a block (NULL: a new one) to `count` elements of `size` bytes. New bytes are undefined. */
void *ap_reallocate(void *block, size_t count, size_t size);

/* A copy of a string; a string formatted as by printf. Both to be freed by free(). */
char *ap_copy_text(const char *text);
char *ap_format_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
