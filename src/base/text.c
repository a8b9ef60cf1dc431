#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Decimal digits that every double survives, and that tell any two apart (DBL_DIG, DBL_DECIMAL_DIG). */
#define DIGITS_LEAST 15
#define DIGITS_ENOUGH 17

bool ap_text_is_utf8(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at) {
        unsigned char lead = *at++;
        if (lead < 0x80) continue;
        if (lead < 0xC2 || lead > 0xF4) return false;
        int rest = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
        /* the second byte rules out what is too long, a surrogate, or beyond U+10FFFF */
        unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
        unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
        for (; rest > 0; rest--, at++, low = 0x80, high = 0xBF)
            if (*at < low || *at > high) return false;
    }
    return true;
}

bool ap_text_ends_in(const char *text, size_t length, const char *end)
{
    size_t tail = strlen(end);
    return length >= tail && memcmp(text + length - tail, end, tail) == 0;
}

void ap_text_mask_controls(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7F) *text = '?';
}

const char *ap_text_find_nul(const char *json, size_t length)
{
    static const char escape[] = "\\u0000";
    for (const char *at = json, *end = json + length; at < end; at++) {
        if (*at == '\0') return at;
        if (*at != '\\') continue;
        if ((size_t)(end - at) >= strlen(escape) && memcmp(at, escape, strlen(escape)) == 0) return at;
        at++; /* what is escaped, be it a backslash */
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
