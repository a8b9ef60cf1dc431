/* Printing for people, not for programs. */
#ifndef ANTIPHON_BASE_PRINT_H
#define ANTIPHON_BASE_PRINT_H

#include <stdio.h>

/* Columns that every terminal has. */
#define AP_LINE_WIDTH 80

/* fprintf for text that contains names or values from outside: ap_text_put (text.h) masks what could control
 * a terminal. */
void ap_text_print(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, where a line may come to more than AP_LINE_WIDTH columns: it is broken between words, and goes on
 * two columns further in than it began. A word that is longer, as a path may be, stays whole. */
void ap_text_print_wrapped(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Lines broken in this way, which go on after `indent` spaces. */
void ap_text_put_wrapped(FILE *out, int indent, const char *text);

/* How wide the terminal behind a stream is; AP_LINE_WIDTH where it is none or does not say. */
int ap_terminal_columns(FILE *stream);

#endif
