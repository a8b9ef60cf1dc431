/* The verbs of the command line: one file each, listed here. */
#ifndef ANTIPHON_CLI_VERBS_H
#define ANTIPHON_CLI_VERBS_H

#include "cli/options.h"

/* A row of the list that a verb's help ends with. Without a name it is a heading. */
typedef void verb_put_row(void *context, const char *name, const char *text);

typedef struct verb {
    const char *name;
    const char *summary;   /* what it does, in half a line */
    const char *arguments; /* as shown in the usage after the verb's name: "CONFIG.json [--out DIR]" */
    const char *details;   /* one or more paragraphs for --help, or NULL */
    const verb_option *options;
    size_t least_arguments, most_arguments; /* how many words that are not options the verb takes */

    /* The status becomes the exit code: 0, 1 failure, 2 misuse, 130 interrupted. Its message is printed. */
    ap_status (*run)(const parsed_options *options);

    void (*rows)(verb_put_row *put, void *context); /* what its output says; NULL: no such list */
} verb;

/* In the order of the help. The verb NAME is `const verb verb_NAME` in src/cli/NAME.c. */
/* One per line, to avoid merge conflicts. */
/* clang-format off */
#define VERBS(X)                         \
    X(synth)                             \
    X(prepare)                           \
    X(train)                             \
    X(train_codec)                       \
    X(infer)                             \
    X(live)                              \
    X(codec)                             \
    X(cost)                              \
    X(evaluate)                          \
    X(study)                             \
    X(report)                            \
    X(config)                            \
    X(bench)                             \
    X(info)
/* clang-format on */

#define DECLARE_VERB(name) extern const verb verb_##name;
VERBS(DECLARE_VERB)
#undef DECLARE_VERB

#define COUNT_VERB(name) +1
enum { VERB_COUNT = 0 VERBS(COUNT_VERB) };
#undef COUNT_VERB

/* All verbs in that order, ended by NULL. */
extern const verb *const verbs[VERB_COUNT + 1];

#define PROGRAM_SUMMARY "trains a model that hears two pieces of music and answers with a third"

/* `antiphon help --man`: the manual page, in the man macros of roff. */
void manual_print(FILE *out);

/* `antiphon help --bash`: the completion of the command line for bash. */
void completion_print(FILE *out);

/* The whole program: finds the verb, parses, runs, prints the error message; returns the exit code. */
int verbs_main(int count, char *const *words);

#endif
