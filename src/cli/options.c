#include "cli/options.h"

#include "base/memory.h"
#include "base/number.h"
#include "base/print.h"
#include "base/suggest.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

const verb_option option_help = {.name = "help", .kind = OPTION_FLAG, .help = "print this help and exit"};

static size_t table_count(const verb_option *table)
{
    size_t count = 0;
    while (table[count].name) count++;
    return count;
}

/* ---------------------------------------------------------------- names */

static bool same_name(const char *name, const char *word, size_t length)
{
    if (strlen(name) != length) return false;
    for (size_t i = 0; i < length; i++)
        if (name[i] != word[i] && !(strchr("-_", name[i]) && strchr("-_", word[i]))) return false;
    return true;
}

static const verb_option *find(const verb_option *table, const char *word, size_t length)
{
    for (const verb_option *o = table; o->name; o++)
        if (o->kind != OPTION_OVERRIDES && same_name(o->name, word, length)) return o;
    return NULL;
}

static bool takes_overrides(const verb_option *table)
{
    for (const verb_option *o = table; o->name; o++)
        if (o->kind == OPTION_OVERRIDES) return true;
    return false;
}

static ap_status unknown(const verb_option *table, const char *name)
{
    size_t count = table_count(table), known = 0;
    const char **names = ap_allocate(count + 1, sizeof *names);
    for (size_t k = 0; k < count; k++)
        if (table[k].kind != OPTION_OVERRIDES) names[known++] = table[k].name;
    names[known++] = option_help.name;
    const char *nearest = ap_suggest(name, names, known);
    ap_status status = nearest ? ap_error(AP_MISUSE, "unknown option --%s; did you mean --%s?", name, nearest)
                               : ap_error(AP_MISUSE, "unknown option --%s; --help lists all options", name);
    free(names);
    return status;
}

/* ---------------------------------------------------------------- values */

static ap_status check_value(const verb_option *o, const char *text)
{
    if ((o->kind == OPTION_TEXT || o->kind == OPTION_TEXTS) && !*text)
        return ap_error(AP_MISUSE, "--%s needs a %s, not an empty text", o->name, o->placeholder);
    if (o->kind != OPTION_INTEGER && o->kind != OPTION_NUMBER) return ap_ok();
    char *name = ap_format_text("--%s", o->name);
    ap_status status =
        ap_number_read(name, text, (ap_number_range){o->kind == OPTION_INTEGER, o->least, o->most}, NULL);
    free(name);
    return status;
}

static ap_status given_twice(const char *name, const char *first, const char *second)
{
    return ap_error(AP_MISUSE, "--%s is given twice, as \"%s\" and as \"%s\": which is meant?", name, first,
                    second);
}

static void add_override(parsed_options *options, const char *key, size_t length, const char *value)
{
    size_t count = options->override_count++;
    options->overrides = ap_reallocate(options->overrides, count + 1, sizeof *options->overrides);
    options->overrides[count] = (verb_override){ap_format_text("%.*s", (int)length, key), value};
}

static ap_status set_value(parsed_options *options, const verb_option *o, const char *value)
{
    AP_TRY(check_value(o, value));
    if (o->alias_of && strchr(o->alias_of, '.')) {
        add_override(options, o->alias_of, strlen(o->alias_of), value);
        return ap_ok();
    }
    if (o->alias_of) {
        const verb_option *meant = find(options->table, o->alias_of, strlen(o->alias_of));
        if (!meant || meant->alias_of)
            ap_fatal("--%s is an alias of --%s, which does not exist", o->name, o->alias_of);
        return set_value(options, meant, value);
    }
    const size_t index = (size_t)(o - options->table);
    if (o->kind == OPTION_TEXTS) {
        size_t count = options->repeated_count++;
        options->repeated = ap_reallocate(options->repeated, count + 1, sizeof *options->repeated);
        options->repeated[count] = (repeated_value){o, value};
    } else if (options->given[index] && o->kind != OPTION_FLAG) {
        return given_twice(o->name, options->values[index], value);
    }
    options->values[index] = value;
    options->given[index] = true;
    return ap_ok();
}

/* ---------------------------------------------------------------- the command line */

/* The path of a folder loses the slash that completion has put at its end, so that what is told of the files
 * in it reads well. */
static void strip_slashes(const verb_option *o, char *value)
{
    size_t length = strlen(value);
    if (o->kind != OPTION_TEXT || !ap_text_ends_in(o->placeholder, strlen(o->placeholder), "DIR")) return;
    while (length > 1 && value[length - 1] == '/') value[--length] = '\0';
}

/* Parses one option. Its value may be the next word; *next is moved past the words used. */
static ap_status parse_option(parsed_options *options, int count, char *const *words, int *next)
{
    char *name = words[(*next)++] + strlen("--"), *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    const verb_option *o = find(options->table, name, length);
    bool override = !o && memchr(name, '.', length) && takes_overrides(options->table);
    if (!o && !override) {
        char *written = ap_format_text("%.*s", (int)length, name);
        ap_status status = unknown(options->table, written);
        free(written);
        return status;
    }
    if (o && o->kind == OPTION_FLAG) {
        if (equals) return ap_error(AP_MISUSE, "--%s takes no value", o->name);
        return set_value(options, o, o->alias_of && strchr(o->alias_of, '.') ? "true" : "");
    }
    char *value = equals ? equals + 1 : *next < count ? words[(*next)++] : NULL;
    if (!value) return ap_error(AP_MISUSE, "--%.*s needs a value", (int)length, name);
    if (o) {
        strip_slashes(o, value);
        return set_value(options, o, value);
    }
    add_override(options, name, length, value);
    return ap_ok();
}

static bool asks_for_help(int count, char *const *words)
{
    for (int k = 0; k < count && strcmp(words[k], "--") != 0; k++)
        if (strcmp(words[k], "--help") == 0 || strcmp(words[k], "-h") == 0) return true;
    return false;
}

static ap_status parse_all(parsed_options *options, int count, char *const *words)
{
    bool only_arguments = false;
    for (int next = 0; next < count;) {
        const char *word = words[next];
        if (!only_arguments && strcmp(word, "--") == 0) {
            only_arguments = true;
            next++;
        } else if (!only_arguments && strncmp(word, "--", 2) == 0) {
            AP_TRY(parse_option(options, count, words, &next));
        } else if (!only_arguments && word[0] == '-' && word[1]) {
            return ap_error(AP_MISUSE, "unknown option %s; names begin with two dashes", word);
        } else {
            options->arguments[options->argument_count++] = word;
            next++;
        }
    }
    return ap_ok();
}

ap_status options_parse(const verb_option *table, int count, char *const *words, parsed_options *options)
{
    size_t entries = table_count(table);
    *options = (parsed_options){.table = table, .help = asks_for_help(count, words)};
    options->values = ap_allocate(entries, sizeof *options->values);
    options->given = ap_allocate(entries, sizeof *options->given);
    options->arguments = ap_allocate((size_t)count, sizeof *options->arguments);
    for (size_t k = 0; k < entries; k++) options->values[k] = table[k].fallback;
    ap_status status = options->help ? ap_ok() : parse_all(options, count, words);
    if (ap_failed(&status)) options_free(options);
    return status;
}

ap_status options_complete(const parsed_options *options)
{
    for (const verb_option *o = options->table; o->name; o++)
        if (o->required && !options->values[o - options->table])
            return ap_error(AP_MISUSE, "--%s %s is missing", o->name, o->placeholder);
    return ap_ok();
}

void options_free(parsed_options *options)
{
    for (size_t k = 0; k < options->override_count; k++) free(options->overrides[k].key);
    free(options->overrides);
    free(options->repeated);
    free(options->values);
    free(options->given);
    free(options->arguments);
    *options = (parsed_options){.table = NULL};
}

/* ---------------------------------------------------------------- asking */

static size_t index_of(const parsed_options *options, const char *name)
{
    const verb_option *o = find(options->table, name, strlen(name));
    if (!o) ap_fatal("the verb has no option --%s", name);
    return (size_t)(o - options->table);
}

static const char *value_of(const parsed_options *options, const char *name, option_kind kind)
{
    size_t index = index_of(options, name);
    if (options->table[index].kind != kind) ap_fatal("option --%s is of another kind", name);
    return options->values[index];
}

bool option_given(const parsed_options *options, const char *name)
{
    return options->given[index_of(options, name)];
}

const char *option_word(const parsed_options *options, const char *name)
{
    const size_t index = index_of(options, name);
    return options->given[index] ? options->values[index] : NULL;
}

bool option_flag(const parsed_options *options, const char *name)
{
    return value_of(options, name, OPTION_FLAG) != NULL;
}

const char *option_text(const parsed_options *options, const char *name)
{
    return value_of(options, name, OPTION_TEXT);
}

const char *option_text_at(const parsed_options *options, const char *name, size_t k)
{
    value_of(options, name, OPTION_TEXTS);
    const verb_option *o = options->table + index_of(options, name);
    for (size_t i = 0; i < options->repeated_count; i++)
        if (options->repeated[i].option == o && k-- == 0) return options->repeated[i].value;
    return NULL;
}

int64_t option_integer(const parsed_options *options, const char *name)
{
    const char *text = value_of(options, name, OPTION_INTEGER);
    if (!text) ap_fatal("option --%s has no value", name);
    return strtoll(text, NULL, 10);
}

double option_number(const parsed_options *options, const char *name)
{
    const char *text = value_of(options, name, OPTION_NUMBER);
    if (!text) ap_fatal("option --%s has no value", name);
    return strtod(text, NULL);
}

/* ---------------------------------------------------------------- help */

#define HELP_COLUMN 28
#define HELP_WIDTH AP_LINE_WIDTH

/* Prints the text in the help column, breaking lines between words. `column` is the current column. */
static void print_wrapped(FILE *out, int column, const char *text)
{
    if (column >= HELP_COLUMN) {
        fputc('\n', out);
        column = 0;
    }
    while (*text) {
        int length = (int)strcspn(text, " ");
        if (column > HELP_COLUMN && column + 1 + length > HELP_WIDTH) {
            fputc('\n', out);
            column = 0;
        }
        if (column < HELP_COLUMN)
            column += fprintf(out, "%*s", HELP_COLUMN - column, "");
        else
            column += fprintf(out, " ");
        column += fprintf(out, "%.*s", length, text);
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

char *option_describe(const verb_option *o)
{
    return o->fallback   ? ap_format_text("%s (default %s)", o->help, o->fallback)
           : o->alias_of ? ap_format_text("%s (the same as --%s)", o->help, o->alias_of)
           : o->required ? ap_format_text("%s (required)", o->help)
                         : ap_copy_text(o->help);
}

const char *option_joint(const verb_option *o)
{
    return !o->placeholder ? "" : o->kind == OPTION_OVERRIDES ? "=" : " ";
}

static void print_option(FILE *out, const verb_option *o)
{
    int column = fprintf(out, "  --%s%s%s", o->name, option_joint(o), o->placeholder ? o->placeholder : "");
    char *text = option_describe(o);
    print_wrapped(out, column, text);
    free(text);
}

void options_print(const verb_option *table, FILE *out)
{
    for (const verb_option *o = table; o->name; o++) print_option(out, o);
    print_option(out, &option_help);
}
