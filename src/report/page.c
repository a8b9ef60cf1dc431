#include "report/page.h"

#include "antiphon/status.h"
#include "base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void ap_page_open(page *p)
{
    p->stream = open_memstream(&p->text, &p->length);
    if (!p->stream) ap_fatal("out of memory: a page");
}

char *ap_page_close(page *p, size_t *length)
{
    if (fclose(p->stream) != 0) ap_fatal("out of memory: a page");
    *length = p->length;
    return p->text;
}

void ap_page_put(page *p, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(p->stream, format, arguments);
    va_end(arguments);
}

/* ---------------------------------------------------------------- text */

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* Bytes of the character of well-formed UTF-8 that `text` begins with; 0 where it begins with none. */
static size_t character_bytes(const char *text)
{
    char character[5] = {0};
    for (size_t n = 0; n < 4 && text[n]; n++) {
        character[n] = text[n];
        if (ap_text_is_utf8(character)) return n + 1;
    }
    return 0;
}

static const char *escape_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    case '\n':
    case '\t':
        return NULL;
    default:
        return (unsigned char)c < ' ' || c == 0x7F ? REPLACEMENT : NULL;
    }
}

void ap_page_text(page *p, const char *text)
{
    while (*text) {
        size_t bytes = character_bytes(text);
        const char *escape = bytes == 0 ? REPLACEMENT : escape_of(*text);
        if (escape)
            fputs(escape, p->stream);
        else
            fwrite(text, 1, bytes, p->stream);
        text += bytes ? bytes : 1;
    }
}

void ap_page_element(page *p, const char *tag, const char *text)
{
    ap_page_put(p, "<%s>", tag);
    ap_page_text(p, text);
    ap_page_put(p, "</%s>\n", tag);
}

/* Numbers below this take an exponent: written out, they would not fit beside a chart. %g writes one from
 * 1e-5 down. */
#define PLAIN_LEAST 1e-3
#define EXPONENT_SHIFT 4

const char *ap_page_number(double value, int digits, char text[PAGE_NUMBER])
{
    if (!isfinite(value)) return strcpy(text, "–");
    /* a number far below those that %g writes with an exponent has one */
    int shift = fabs(value) < PLAIN_LEAST ? EXPONENT_SHIFT : 0;
    snprintf(text, PAGE_NUMBER, "%.*g", digits, value * pow(10, -shift));
    char *exponent = strchr(text, 'e');
    if (!exponent) return text;
    snprintf(exponent + 1, 8, "%d", atoi(exponent + 1) + shift); /* and e-05 becomes e-5 */
    return text;
}

/* ---------------------------------------------------------------- data */

void ap_page_data(page *p, const char *type, const void *bytes, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *from = bytes;
    ap_page_put(p, "data:%s;base64,", type);
    for (size_t at = 0; at < length; at += 3) {
        size_t left = length - at;
        uint32_t three = (uint32_t)from[at] << 16;
        if (left > 1) three |= (uint32_t)from[at + 1] << 8;
        if (left > 2) three |= from[at + 2];
        const char four[4] = {digits[three >> 18], digits[three >> 12 & 63],
                              left > 1 ? digits[three >> 6 & 63] : '=', left > 2 ? digits[three & 63] : '='};
        fwrite(four, 1, sizeof four, p->stream);
    }
}
