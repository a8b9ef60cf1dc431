#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* Decimal digits that every double preserves, and that tell any two apart (DBL_DIG, DBL_DECIMAL_DIG). */
#define DIGITS_LEAST 15
#define DIGITS_ENOUGH 17

/* Decodes the character at `text` into *character and returns its length in bytes; 0 if the bytes are not
 * valid UTF-8. */
static size_t decode(const char *text, uint32_t *character)
{
    const unsigned char *at = (const unsigned char *)text;
    unsigned char lead = at[0];
    *character = lead;
    if (lead < 0x80) return 1;
    if (lead < 0xC2 || lead > 0xF4) return 0;
    size_t bytes = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    /* the second byte excludes overlong forms, surrogates and characters beyond U+10FFFF */
    unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    *character &= 0x7Fu >> bytes;
    for (size_t k = 1; k < bytes; k++, low = 0x80, high = 0xBF) {
        if (at[k] < low || at[k] > high) return 0;
        *character = *character << 6 | (at[k] & 0x3Fu);
    }
    return bytes;
}

bool ap_text_is_utf8(const char *text)
{
    uint32_t character;
    for (size_t bytes; *text; text += bytes)
        if ((bytes = decode(text, &character)) == 0) return false;
    return true;
}

/* Whether the character may control a terminal or change the order or line of what follows: C0, DEL and C1,
 * direction marks and overrides, line and paragraph separators. */
static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x061C || c == 0x200E || c == 0x200F ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

/* Moves *text past the next character and returns how many of its bytes are to be shown; 0 if it is to be
 * masked. */
static size_t next_shown(const char **text, const char *allowed)
{
    uint32_t character;
    size_t bytes = decode(*text, &character);
    bool kept =
        bytes > 0 && (!is_control(character) || (character < 0x80 && strchr(allowed, (int)character)));
    *text += bytes ? bytes : 1;
    return kept ? bytes : 0;
}

const char *ap_text_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool ap_text_ends_in(const char *text, size_t length, const char *end)
{
    size_t tail = strlen(end);
    return length >= tail && memcmp(text + length - tail, end, tail) == 0;
}

void ap_text_mask_controls(char *text)
{
    char *to = text;
    for (const char *from = text; *from;) {
        size_t bytes = next_shown(&from, "");
        if (bytes)
            memmove(to, from - bytes, bytes);
        else
            *to = '?';
        to += bytes ? bytes : 1;
    }
    *to = '\0';
}

void ap_text_put(FILE *out, const char *text)
{
    while (*text) {
        size_t bytes = next_shown(&text, "\n\t");
        if (bytes)
            fwrite(text - bytes, 1, bytes, out);
        else
            fputc('?', out);
    }
}

const char *ap_text_find_nul(const char *json, size_t length)
{
    static const char escape[] = "\\u0000";
    for (const char *at = json, *end = json + length; at < end; at++) {
        if (*at == '\0') return at;
        if (*at != '\\') continue;
        if ((size_t)(end - at) >= strlen(escape) && memcmp(at, escape, strlen(escape)) == 0) return at;
        at++; /* skips the escaped character, which may be a backslash */
    }
    return NULL;
}

const char *ap_plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

locale_t ap_text_plain(void)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return plain ? uselocale(plain) : (locale_t)0;
}

void ap_text_plain_end(locale_t before)
{
    if (before) freelocale(uselocale(before));
}

void ap_text_of_number(double x, char text[AP_NUMBER_TEXT])
{
    locale_t before = ap_text_plain();
    for (int digits = DIGITS_LEAST; digits <= DIGITS_ENOUGH; digits++) {
        snprintf(text, AP_NUMBER_TEXT, "%.*g", digits, x);
        if (strtod(text, NULL) == x) break;
    }
    ap_text_plain_end(before);
}

bool ap_text_to_number(const char *text, double *x)
{
    char *end;
    locale_t before = ap_text_plain();
    *x = strtod(text, &end);
    ap_text_plain_end(before);
    return end > text && *end == '\0';
}
