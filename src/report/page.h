/* A page of HTML in the making. What is written is well-formed XML too, so that any parser can check it. */
#ifndef ANTIPHON_REPORT_PAGE_H
#define ANTIPHON_REPORT_PAGE_H

#include <stddef.h>
#include <stdio.h>

typedef struct page {
    FILE *stream; /* grows `text` */
    char *text;
    size_t length;
} page;

void ap_page_open(page *p);

/* Ends the page and hands over its text, which the caller frees. */
char *ap_page_close(page *p, size_t *length);

/* Markup, as it is: nothing that comes from outside may be among the arguments of %s. */
void ap_page_put(page *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Text for an element or a quoted attribute: &, <, > and quotes are escaped; bytes that are not UTF-8, and
 * control characters that XML does not allow, become U+FFFD. */
void ap_page_text(page *p, const char *text);

/* <tag>text</tag>, the text escaped. */
void ap_page_element(page *p, const char *tag, const char *text);

/* "data:type;base64,...", for a quoted attribute. */
void ap_page_data(page *p, const char *type, const void *bytes, size_t length);

#define PAGE_NUMBER 32

/* A number with this many digits (at most 17) for people: 0.1235, 12.35, 1.2e-5; a dash if it is not finite.
 */
const char *ap_page_number(double value, int digits, char text[PAGE_NUMBER]);

#endif
