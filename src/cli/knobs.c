#include "cli/knobs.h"

#include "antiphon/agent.h"
#include "base/memory.h"
#include "base/suggest.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- presets */

/* What they do is measured by tests/cli/test_knobs.sh. */
typedef struct preset {
    const char *name;
    double rhythm, harmony, dry;
} preset;

#define DRIVING_RHYTHM 0.5
#define DRIVING_DRY 0.2
#define FLOATING_RHYTHM -0.95
#define ROAMING_HARMONY -0.7
static const preset presets[] = {
    {.name = "driving", .rhythm = DRIVING_RHYTHM, .dry = DRIVING_DRY},
    {.name = "floating", .rhythm = FLOATING_RHYTHM},
    {.name = "roaming", .harmony = ROAMING_HARMONY},
};
#define PRESETS (sizeof presets / sizeof *presets)

#define WORDS_OF(value) #value
#define WORDS(value) WORDS_OF(value)
const char knobs_presets_help[] = "knobs by name: driving (rhythm " WORDS(
    DRIVING_RHYTHM) ", dry " WORDS(DRIVING_DRY) ": struck short, with some of the input), floating "
                                                "(rhythm " WORDS(FLOATING_RHYTHM) ": hardly struck), roaming "
                                                                                  "(harmony " WORDS(ROAMING_HARMONY) ": notes from elsewhere); a knob that is given counts instead";

static ap_status read_preset(const char *name, ap_knobs *knobs)
{
    const char *names[PRESETS];
    for (size_t k = 0; k < PRESETS; k++) {
        const preset *p = &presets[k];
        names[k] = p->name;
        if (strcmp(name, p->name) != 0) continue;
        *knobs = (ap_knobs){.seed = knobs->seed, .rhythm = p->rhythm, .harmony = p->harmony, .dry = p->dry};
        return ap_ok();
    }
    const char *nearest = ap_suggest(name, names, PRESETS);
    return nearest ? ap_error(AP_MISUSE, "--preset %s: there is none; did you mean %s?", name, nearest)
                   : ap_error(AP_MISUSE, "--preset %s: there is none; --help lists them", name);
}

static ap_status read_head(const char *name, ap_knobs *knobs)
{
    for (unsigned k = 0; k < AP_HEADS_EACH; k++)
        if (strcmp(name, ap_head_names[k]) == 0) {
            knobs->without = 1u << k;
            return ap_ok();
        }
    return ap_error(AP_MISUSE, "--without %s: is no head; they are rhythm, harmony and timbre", name);
}

/* ---------------------------------------------------------------- the section */

/* The time of `length` characters: seconds, or minutes, a colon and seconds below 60. */
static bool parse_time(const char *text, size_t length, double *seconds)
{
    char *copy = ap_format_text("%.*s", (int)length, text), *colon = strchr(copy, ':');
    double minutes = 0;
    bool good = strspn(copy, "0123456789.:") == length;
    if (colon) *colon = '\0';
    if (colon) good = good && !strchr(copy, '.') && ap_text_to_number(copy, &minutes);
    good = good && ap_text_to_number(colon ? colon + 1 : copy, seconds) && (!colon || *seconds < 60);
    *seconds += 60 * minutes;
    free(copy);
    return good && isfinite(*seconds);
}

ap_status knobs_parse_section(const char *text, double *from, double *to)
{
    const char *dash = strchr(text, '-');
    *to = 0;
    if (!dash || !parse_time(text, (size_t)(dash - text), from) ||
        (dash[1] && !parse_time(dash + 1, strlen(dash + 1), to)))
        return ap_error(AP_MISUSE,
                        "--section %s: is not FROM-TO, in seconds or m:ss, as 0:30-1:15, or 30- to the end",
                        text);
    if (!dash[1]) return ap_ok();
    if (*to <= *from) return ap_error(AP_MISUSE, "--section %s: ends before it begins", text);
    if (*to - *from < AP_COMPOSE_SECONDS_LEAST)
        return ap_error(AP_MISUSE, "--section %s: is too short: at least %g s are needed", text,
                        AP_COMPOSE_SECONDS_LEAST);
    return ap_ok();
}

/* ---------------------------------------------------------------- all of them */

static void read_number(const parsed_options *options, const char *name, double *value)
{
    if (option_given(options, name)) *value = option_number(options, name);
}

ap_status knobs_read(const parsed_options *options, ap_compose_paths *settings)
{
    const char *section = option_text(options, "section"), *name = option_text(options, "preset");
    const char *head = option_text(options, "without");
    ap_knobs *knobs = &settings->knobs;
    if (option_given(options, "seed")) knobs->seed = (uint64_t)option_integer(options, "seed");
    if (name) AP_TRY(read_preset(name, knobs));
    if (head) AP_TRY(read_head(head, knobs));
    read_number(options, "rhythm", &knobs->rhythm);
    read_number(options, "harmony", &knobs->harmony);
    read_number(options, "dry", &knobs->dry);
    if (option_given(options, "sample_rate"))
        settings->format.sample_rate = (int)option_integer(options, "sample_rate");
    if (option_given(options, "channels"))
        settings->format.channels = (int)option_integer(options, "channels");
    return section ? knobs_parse_section(section, &settings->from, &settings->to) : ap_ok();
}

ap_status knobs_check(const parsed_options *options, const ap_config *config)
{
    static const char *const names[] = {"preset",  "rhythm", "harmony",   "dry",
                                        "without", "seed",   "variations"};
    for (size_t k = 0; k < sizeof names / sizeof *names && config->agent.output != AP_OUTPUT_TAKES; k++)
        if (option_given(options, names[k]))
            return ap_error(AP_MISUSE,
                            "--%s: is for models with takes, and agent.output of this one is another",
                            names[k]);
    return ap_ok();
}
