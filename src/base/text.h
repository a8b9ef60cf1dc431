/* Text: well-formed UTF-8, and numbers that read back. */
#ifndef ANTIPHON_BASE_TEXT_H
#define ANTIPHON_BASE_TEXT_H

#include <locale.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Whether the text is well-formed UTF-8 (The Unicode Standard, table 3-7), which JSON requires, and Python
 * when it opens a checkpoint. */
bool ap_text_is_utf8(const char *text);

/* Whether the first `length` bytes of a text end in `end`. */
bool ap_text_ends_in(const char *text, size_t length, const char *end);

/* The last part of a path, within it: what follows its last slash. */
const char *ap_text_file_name(const char *path);

/* Replaces with '?' each control character (C1, U+0080 to U+009F, included), each character that changes the
 * writing direction, and each byte that is not UTF-8, so that names from files can neither break a line nor
 * control a terminal. */
void ap_text_mask_controls(char *text);

/* Prints text with the same characters masked, except newlines and tabs. For people only: the text may not
 * read back. */
void ap_text_put(FILE *out, const char *text);

/* The position of a NUL in JSON of `length` bytes, as a byte or as the escape \u0000, where cJSON would end
 * a text; NULL if there is none. */
const char *ap_text_find_nul(const char *json, size_t length);

/* The plural ending of a noun for `count` of them: "" for one, otherwise "s". */
const char *ap_plural(int64_t count);

/* Numbers in files have decimal points, whatever locale the host program has set. Between these two calls,
 * this thread prints and reads numbers that way. */
locale_t ap_text_plain(void);
void ap_text_plain_end(locale_t before);

#define AP_NUMBER_TEXT 32

/* The shortest form, of 15 to 17 digits, that reads back as the same number. */
void ap_text_of_number(double x, char text[AP_NUMBER_TEXT]);

/* Whether the whole text is a number (nan and inf included); *x receives it. */
bool ap_text_to_number(const char *text, double *x);

#endif
