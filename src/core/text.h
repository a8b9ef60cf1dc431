/* Questions about strings. */
#ifndef ANTIPHON_CORE_TEXT_H
#define ANTIPHON_CORE_TEXT_H

#include <stdbool.h>

/* Whether every byte belongs to well-formed UTF-8 (The Unicode Standard, table 3-7): what JSON, and Python
 * when it opens a checkpoint, insist on. */
bool ap_text_is_utf8(const char *text);

#endif
