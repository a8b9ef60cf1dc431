/* The options of a verb: a single table, used to parse the command line and to print the help. */
#ifndef ANTIPHON_CLI_OPTIONS_H
#define ANTIPHON_CLI_OPTIONS_H

#include "antiphon/status.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum option_kind {
    OPTION_FLAG,  /* --name */
    OPTION_TEXT,  /* --name VALUE or --name=VALUE, as for the next three; an empty value is refused, since it
                     often comes from an unset shell variable */
    OPTION_TEXTS, /* the same, of which all values count if it is repeated */
    OPTION_INTEGER,  /* a whole number */
    OPTION_NUMBER,   /* a finite number */
    OPTION_OVERRIDES /* --section.key=VALUE or --section.key VALUE, for any name with a dot: collected in
                        order, unchecked; name and placeholder of the entry are used by the help only */
} option_kind;

/* On the command line, a path whose placeholder ends in DIR loses slashes at its end; '-' and '_' in names
 * are equal. An option that takes one value is given once. A flag may be repeated, and so may an override:
 * the last counts, as it does over the file, so that a script may add to what it is given. */
typedef struct verb_option {
    const char *name;        /* without the dashes; NULL ends a table */
    const char *placeholder; /* the value in the help: "DIR"; NULL for a flag */
    const char *help;
    option_kind kind;
    const char *fallback; /* the default value; NULL: none */
    double least, most;   /* bounds of integers and numbers; used if least < most */
    bool required;
    const char *alias_of; /* another option of the table, which gets the value; or, if it contains a dot, the
                             key that is overridden */
} verb_option;

/* A value of an OPTION_TEXTS. */
typedef struct repeated_value {
    const verb_option *option;
    const char *value;
} repeated_value;

typedef struct verb_override {
    char *key; /* "section.key" */
    const char *value;
} verb_override;

/* A parsed command line. Texts are borrowed from argv and the table. */
typedef struct parsed_options {
    const verb_option *table;
    const char **
        values; /* one per entry of the table: the value given, or the default; "" for a flag that is given */
    bool *given; /* one per entry: whether it was on the command line */
    const char **arguments;
    size_t argument_count;
    verb_override *overrides;
    size_t override_count;
    repeated_value *repeated; /* in order */
    size_t repeated_count;
    bool help; /* --help or -h was given; nothing else is checked then */
} parsed_options;

/* Parses `count` words (without program and verb). A failure is always AP_MISUSE and names the option and
 * its nearest match. Numbers are checked here, so that the getters below cannot fail. */
ap_status options_parse(const verb_option *table, int count, char *const *words, parsed_options *options);

/* Whether every required option is given; AP_MISUSE names the first that is missing. Call it after the check
 * for superfluous words, since one of these may be the missing value. */
ap_status options_complete(const parsed_options *options);

void options_free(parsed_options *options);

/* The value of an option. An option that is not in the table or of another kind is fatal, and so is a number
 * that was not given and has no default. */
bool option_flag(const parsed_options *options, const char *name);
const char *option_text(const parsed_options *options, const char *name); /* NULL: not given, no fallback */
/* Value k of an OPTION_TEXTS, from 0; NULL: not as many are given. */
const char *option_text_at(const parsed_options *options, const char *name, size_t k);
int64_t option_integer(const parsed_options *options, const char *name);
double option_number(const parsed_options *options, const char *name);

/* Whether the option was on the command line. */
bool option_given(const parsed_options *options, const char *name);

/* Its value as it stands there, of an option of any kind; NULL: not given. */
const char *option_word(const parsed_options *options, const char *name);

/* The option --help, which every verb has. */
extern const verb_option option_help;

/* The meaning of an option, with its default or the option it is an alias of. The caller frees it. */
char *option_describe(const verb_option *option);

/* What separates an option from its value: " " or "="; "" if it takes no value. */
const char *option_joint(const verb_option *option);

/* Prints the table for --help. */
void options_print(const verb_option *table, FILE *out);

#endif
