#include "base/print.h"

#include "antiphon/status.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

static char *format_text(const char *format, va_list arguments)
{
    char *text;
    if (vasprintf(&text, format, arguments) < 0) ap_fatal("out of memory: a line of output");
    return text;
}

void ap_text_print(FILE *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = format_text(format, arguments);
    va_end(arguments);
    ap_text_put(out, text);
    free(text);
}

/* Columns of UTF-8 text: its bytes but for those that continue a character. */
static int columns_of(const char *text, size_t length)
{
    int columns = 0;
    for (size_t i = 0; i < length; i++) columns += ((unsigned char)text[i] & 0xc0) != 0x80;
    return columns;
}

/* One line, without its end. Only a space where it is broken is left out. */
static void wrap_line(FILE *to, int indent, const char *line, size_t length)
{
    size_t spaces = strspn(line, " ");
    size_t begin = spaces < length ? spaces : length;
    int column = (int)begin;
    fwrite(line, 1, begin, to);
    for (size_t at = begin, end; at < length; at = end) {
        size_t gap = at + strspn(line + at, " ");
        if (gap > length) gap = length;
        end = gap + strcspn(line + gap, " ");
        if (end > length) end = length;
        int width = columns_of(line + gap, end - gap);
        if (at > begin && column + (int)(gap - at) + width > AP_LINE_WIDTH) {
            fprintf(to, "\n%*s", indent, "");
            column = indent + width;
        } else {
            fwrite(line + at, 1, gap - at, to);
            column += (int)(gap - at) + width;
        }
        fwrite(line + gap, 1, end - gap, to);
    }
}

void ap_text_put_wrapped(FILE *out, int indent, const char *text)
{
    char *wrapped = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&wrapped, &size);
    if (!to) ap_fatal("out of memory: a line of output");
    while (*text) {
        size_t length = strcspn(text, "\n");
        wrap_line(to, indent, text, length);
        text += length;
        if (*text) fputc(*text++, to);
    }
    fclose(to);
    ap_text_put(out, wrapped);
    free(wrapped);
}

void ap_text_print_wrapped(FILE *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = format_text(format, arguments);
    va_end(arguments);
    ap_text_put_wrapped(out, (int)strspn(text, " ") + 2, text);
    free(text);
}

int ap_terminal_columns(FILE *stream)
{
    struct winsize size;
    bool known = ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : AP_LINE_WIDTH;
}
