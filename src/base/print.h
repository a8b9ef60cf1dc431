/* Printing for people. */
#ifndef ANTIPHON_BASE_PRINT_H
#define ANTIPHON_BASE_PRINT_H

#include <stdio.h>

/* fprintf for text that has names or values from elsewhere in it: ap_text_put (text.h) masks what would steer a
 * terminal. */
void ap_text_print(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
