#include "base/memory.h"

#include "antiphon/status.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *ap_allocate(size_t count, size_t size)
{
    void *block = calloc(count ? count : 1, size ? size : 1);
    if (!block) ap_fatal("out of memory: %zu elements of %zu bytes", count, size);
    return block;
}

void *ap_reallocate(void *block, size_t count, size_t size)
{
    void *grown = reallocarray(block, count ? count : 1, size ? size : 1);
    if (!grown) ap_fatal("out of memory: %zu elements of %zu bytes", count, size);
    return grown;
}

char *ap_copy_text(const char *text)
{
    size_t bytes = strlen(text) + 1;
    return memcpy(ap_allocate(bytes, 1), text, bytes);
}

char *ap_format_text(const char *format, ...)
{
    char *text;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) ap_fatal("out of memory: formatting \"%s\"", format);
    va_end(arguments);
    return text;
}
