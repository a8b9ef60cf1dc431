/* A verb's options: one table, from which the command line is parsed and the help is printed. */
#ifndef ANTIPHON_CLI_OPTIONS_H
#define ANTIPHON_CLI_OPTIONS_H

#include "antiphon/status.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum option_kind {
    OPTION_FLAG, /* --name */
    OPTION_TEXT, /* --name VALUE or --name=VALUE, as the following two; never empty: an unset variable of the
                    shell is not a name */
    OPTION_INTEGER,  /* a whole number */
    OPTION_NUMBER,   /* a finite number */
    OPTION_OVERRIDES /* --section.key=VALUE or --section.key VALUE for any name with a dot: collected in their
                        order, unchecked; the entry's name and placeholder serve the help alone */
} option_kind;

/* In names on the command line '-' and '_' are the same letter. Of an option given twice the last counts. */
typedef struct verb_option {
    const char *name;        /* without the dashes; NULL ends a table */
    const char *placeholder; /* of the value in the help: "DIR"; NULL for a flag */
    const char *help;
    option_kind kind;
    const char *fallback; /* the value when it is not given; NULL: none */
    double least, most;   /* bounds of integers and numbers, when least < most */
    bool required;
    const char *alias_of; /* another option of the table, which gets the value; or, with a dot in it, a key
                             that is overridden */
} verb_option;

typedef struct verb_override {
    char *key; /* "section.key" */
    const char *value;
} verb_override;

/* What was on the command line. Texts are borrowed from argv and the table. */
typedef struct parsed_options {
    const verb_option *table;
    const char *
        *values; /* one an entry of the table: its value, or its fallback; "" for a flag that is given */
    bool *given; /* one an entry: whether it stood on the command line */
    const char **arguments;
    size_t argument_count;
    verb_override *overrides;
    size_t override_count;
    bool help; /* --help or -h was among them: nothing else was checked */
} parsed_options;

/* Parses `count` words (without program and verb). A failure, always AP_MISUSE, names the option and the
 * nearest that exists. Numbers are checked here, so that the getters below cannot fail. */
ap_status options_parse(const verb_option *table, int count, char *const *words, parsed_options *options);

/* Whether every required option is there; AP_MISUSE names the first that is not. To be asked after what is
 * too much, which may well be the value of the missing one. */
ap_status options_complete(const parsed_options *options);

void options_free(parsed_options *options);

/* The value of an option of the table. Asking for one that is not there, or for another kind, is ap_fatal; so
 * is asking for a number that has no fallback and was not given. */
bool option_flag(const parsed_options *options, const char *name);
const char *option_text(const parsed_options *options, const char *name); /* NULL: not given, no fallback */
int64_t option_integer(const parsed_options *options, const char *name);
double option_number(const parsed_options *options, const char *name);

/* Whether it stood on the command line. */
bool option_given(const parsed_options *options, const char *name);

/* The option that every verb has beside those of its table. */
extern const verb_option option_help;

/* What an option means, with its default or what it stands for; the caller frees it. */
char *option_describe(const verb_option *option);

/* What stands between an option and its value: " " or "="; "" where there is no value. */
const char *option_joint(const verb_option *option);

/* Prints the table for --help. */
void options_print(const verb_option *table, FILE *out);

#endif
