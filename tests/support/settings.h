/* Configurations as tests put them together. */
#ifndef ANTIPHON_TESTS_SETTINGS_H
#define ANTIPHON_TESTS_SETTINGS_H

#include "antiphon/config.h"

#include <stddef.h>

/* Sets one key, and `count` keys to the values beside them, as an option of the command line would; each must
 * be taken. */
void set(ap_config *config, const char *key, const char *value);
void set_all(ap_config *config, size_t count, const char *const settings[][2]);

#endif
