/* antiphon config: the resolved configuration, a single value of it, or the list of all keys. */
#include "cli/settings.h"
#include "cli/verbs.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Prints a value literally for scripts, but without control sequences on a terminal. */
static void print(const char *text)
{
    if (isatty(STDOUT_FILENO))
        ap_text_put(stdout, text);
    else
        fputs(text, stdout);
}

static void print_owned(char *text)
{
    print(text);
    if (!*text || text[strlen(text) - 1] != '\n') putchar('\n');
    free(text);
}

static ap_status print_value(const ap_config *config, const char *key)
{
    for (size_t i = 0; i < ap_config_count(); i++) {
        if (strcmp(ap_config_name(i), key) != 0) continue;
        char text[AP_CONFIG_TEXT];
        ap_config_value(config, i, text);
        print(text);
        putchar('\n');
        return ap_ok();
    }
    return ap_error(AP_MISUSE, "no key %s: antiphon config --markdown lists them", key);
}

static ap_status run(const parsed_options *options)
{
    if (option_flag(options, "schema") || option_flag(options, "markdown")) {
        print_owned(option_flag(options, "schema") ? ap_config_schema() : ap_config_markdown());
        return ap_ok();
    }
    ap_config config = ap_config_default();
    if (options->argument_count) AP_TRY(settings_load(options->arguments[0], false, &config));
    AP_TRY(settings_override(options, &config));
    if (options->argument_count > 1) return print_value(&config, options->arguments[1]);
    print_owned(ap_config_to_json(&config));
    return ap_ok();
}

static const verb_option table[] = {
    {.name = "schema", .kind = OPTION_FLAG, .help = "print the JSON Schema of a configuration, for editors"},
    {.name = "markdown", .kind = OPTION_FLAG, .help = "print every key with type, default and meaning"},
    {.name = "section.key",
     .placeholder = "VALUE",
     .kind = OPTION_OVERRIDES,
     .help = "any key of the configuration; given again, the last counts"},
    {.name = NULL},
};

const verb verb_config = {
    .name = "config",
    .summary = "print a resolved configuration, or one value of it",
    .arguments = "[CONFIG.json [SECTION.KEY]] [--section.key=VALUE ...]",
    .details = "Checks the configuration and prints it with all defaults filled in.",
    .options = table,
    .least_arguments = 0,
    .most_arguments = 2,
    .run = run,
};
