#include "base/print.h"

#include "antiphon/status.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdlib.h>

void ap_text_print(FILE *out, const char *format, ...)
{
    va_list arguments;
    char *text;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) ap_fatal("out of memory: a line of output");
    va_end(arguments);
    ap_text_put(out, text);
    free(text);
}
