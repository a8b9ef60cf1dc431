/* The table of configuration keys, and conversion of their values from and to JSON. */
#ifndef ANTIPHON_CONFIG_TABLE_H
#define ANTIPHON_CONFIG_TABLE_H

#include "antiphon/config.h"

#include <cjson/cJSON.h>

typedef enum config_type { TYPE_BOOL, TYPE_INT, TYPE_NUMBER, TYPE_TEXT, TYPE_CHOICE, TYPE_LIST } config_type;

/* Which end of a range is itself not allowed: none, the lower, the upper. */
typedef enum range_open { RANGE_CLOSED = 0, RANGE_ABOVE = 1, RANGE_BELOW = 2 } range_open;

typedef struct config_key {
    const char *name; /* "section.key" */
    config_type type;
    size_t offset;              /* of the value in ap_config */
    const char *initial;        /* the default, in the form of an override */
    double least, most;         /* bounds of a number, an integer, or each integer of a list */
    range_open open;            /* for numbers */
    const char *const *choices; /* in the order of the enum, ended by NULL */
    const char *help;           /* one line, with the unit */
    bool term;                  /* whether the key is the weight of a loss term */
} config_key;

extern const config_key ap_config_keys[];
extern const size_t ap_config_key_count;

/* Short names of keys. */
typedef struct config_alias {
    const char *alias, *name;
} config_alias;

extern const config_alias ap_config_aliases[];
extern const size_t ap_config_alias_count;

/* The key with this full or short name, or NULL. */
const config_key *ap_config_key_find(const char *name);

/* Whether this is the name of a removed key, which had no effect at 0. */
bool ap_config_key_removed(const char *name);

/* The current word for a former choice; any other word is returned as it is. */
const char *ap_config_choice_of(const char *word);

/* Whether any loss term has a weight above 0. */
bool ap_config_has_term(const ap_config *config);

/* The length of the section in "section.key". */
int ap_config_section_length(const config_key *key);

/* Whether the key at `index` is the first of its section. The keys of a section are adjacent. */
bool ap_config_section_begins(size_t index);

#define CONFIG_RANGE_TEXT 160
typedef struct range_text {
    char text[CONFIG_RANGE_TEXT];
} range_text;

/* The allowed values in words: "above 0 and at most 3600", "mdct or seanet". */
range_text ap_config_key_range(const config_key *key);

/* Sets the key's value in *config from JSON. The message of a failure is only the reason. */
ap_status ap_config_key_set(const config_key *key, ap_config *config, const cJSON *value);

/* The same from the text of an override. */
ap_status ap_config_key_set_text(const config_key *key, ap_config *config, const char *text);

/* The key's value as JSON, to be deleted by the caller. */
cJSON *ap_config_key_get(const config_key *key, const ap_config *config);

/* The same as JSON text that reads back exactly (cJSON's own printing may lose a number's last bit), to be
 * freed. */
char *ap_config_key_print(const config_key *key, const ap_config *config);

#endif
