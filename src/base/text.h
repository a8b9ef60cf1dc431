/* Text: well-formed UTF-8, and numbers that read back. */
#ifndef ANTIPHON_BASE_TEXT_H
#define ANTIPHON_BASE_TEXT_H

#include <locale.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Whether every byte belongs to well-formed UTF-8 (The Unicode Standard, table 3-7): what JSON, and Python
 * when it opens a checkpoint, insist on. */
bool ap_text_is_utf8(const char *text);

/* Whether the first `length` bytes of a text end in `end`. */
bool ap_text_ends_in(const char *text, size_t length, const char *end);

/* Puts '?' for each control character, C1 (U+0080 to U+009F) included, for what changes the direction of
 * writing, and for each byte that is not UTF-8: names from a file that is passed on neither break a line nor
 * steer a terminal. */
void ap_text_mask_controls(char *text);

/* Prints text with the same characters masked, but for line ends and tabs. For people to read: what is read
 * back goes another way. */
void ap_text_put(FILE *out, const char *text);

/* Where JSON of `length` bytes has a NUL, as a byte or as the escape \u0000, which cJSON takes for the end of
 * a text; NULL: nowhere. */
const char *ap_text_find_nul(const char *json, size_t length);

/* What to append to a noun of which there are `count`: "s", or nothing for one. */
const char *ap_plural(int64_t count);

/* What stands in files has points in its numbers, wherever the host of the library has set its locale to:
 * between the two calls this thread prints and reads so. */
locale_t ap_text_plain(void);
void ap_text_plain_end(locale_t before);

#define AP_NUMBER_TEXT 32

/* The shortest of the forms with 15 to 17 digits that reads back as the same number. */
void ap_text_of_number(double x, char text[AP_NUMBER_TEXT]);

/* Whether the whole of the text is a number (nan and inf are), and which. */
bool ap_text_to_number(const char *text, double *x);

#endif
