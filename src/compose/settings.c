#include "compose/settings.h"

#include "antiphon/agent.h"
#include "antiphon/compose.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/suggest.h"
#include "base/text.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- the list */

typedef enum kind { TEXT, INTEGER, NUMBER } kind;
typedef enum setting_index {
#define INDEX(name, ...) SETTING_##name,
    AP_COMPOSE_SETTINGS(INDEX)
#undef INDEX
        SETTINGS
} setting_index;

static const struct setting {
    const char *name;
    kind kind;
    double least, most;
    bool takes; /* for models with takes alone */
} list[SETTINGS] = {
#define SETTING(name, kind, placeholder, fallback, least, most, takes, help)                                 \
    [SETTING_##name] = {#name, kind, least, most, takes},
    AP_COMPOSE_SETTINGS(SETTING)
#undef SETTING
};

/* SETTINGS if there is none of that name. */
static setting_index find(const char *name)
{
    setting_index k = 0;
    while (k < SETTINGS && strcmp(list[k].name, name) != 0) k++;
    return k;
}

static ap_status unknown(const char *name)
{
    const char *names[SETTINGS];
    for (size_t k = 0; k < SETTINGS; k++) names[k] = list[k].name;
    const char *nearest = ap_suggest(name, names, SETTINGS);
    return nearest ? ap_error(AP_MISUSE, "%s: is no setting; did you mean %s?", name, nearest)
                   : ap_error(AP_MISUSE, "%s: is no setting", name);
}

/* ---------------------------------------------------------------- names as values */

static const struct preset {
    const char *name;
    double rhythm, harmony, dry;
} presets[] = {
    {.name = "driving", .rhythm = AP_DRIVING_RHYTHM, .dry = AP_DRIVING_DRY},
    {.name = "floating", .rhythm = AP_FLOATING_RHYTHM},
    {.name = "roaming", .harmony = AP_ROAMING_HARMONY},
};
#define PRESETS (sizeof presets / sizeof *presets)

static ap_status read_preset(const char *name, ap_knobs *knobs)
{
    const char *names[PRESETS];
    for (size_t k = 0; k < PRESETS; k++) {
        const struct preset *p = &presets[k];
        names[k] = p->name;
        if (strcmp(name, p->name) != 0) continue;
        knobs->rhythm = p->rhythm;
        knobs->harmony = p->harmony;
        knobs->dry = p->dry;
        return ap_ok();
    }
    const char *nearest = ap_suggest(name, names, PRESETS);
    return nearest ? ap_error(AP_MISUSE, "preset %s: there is none; did you mean %s?", name, nearest)
                   : ap_error(AP_MISUSE, "preset %s: there is none; they are driving, floating and roaming",
                              name);
}

static ap_status read_head(const char *name, ap_knobs *knobs)
{
    for (unsigned k = 0; k < AP_HEADS_EACH; k++)
        if (strcmp(name, ap_head_names[k]) == 0) {
            knobs->without = 1u << k;
            return ap_ok();
        }
    return ap_error(AP_MISUSE, "without %s: is no head; they are rhythm, harmony and timbre", name);
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

static ap_status read_section(const char *text, double *from, double *to)
{
    const char *dash = strchr(text, '-');
    *to = 0;
    if (!dash || !parse_time(text, (size_t)(dash - text), from) ||
        (dash[1] && !parse_time(dash + 1, strlen(dash + 1), to)))
        return ap_error(AP_MISUSE,
                        "section %s: is not FROM-TO, in seconds or m:ss, as 0:30-1:15, or 30- to the end",
                        text);
    if (!dash[1]) return ap_ok();
    if (*to <= *from) return ap_error(AP_MISUSE, "section %s: ends before it begins", text);
    if (*to - *from < AP_COMPOSE_SECONDS_LEAST)
        return ap_error(AP_MISUSE, "section %s: is too short: at least %g s are needed", text,
                        AP_COMPOSE_SECONDS_LEAST);
    return ap_ok();
}

/* ---------------------------------------------------------------- all of them */

static ap_status check(const ap_config *config, const ap_compose_setting *given, setting_index k)
{
    if (k == SETTINGS) return unknown(given->name);
    if (list[k].takes && config && config->agent.output != AP_OUTPUT_TAKES)
        return ap_error(AP_MISUSE, "%s: is for models with takes, and agent.output of this one is another",
                        given->name);
    return ap_ok();
}

static ap_status set_text(setting_index k, const char *value, ap_compose_paths *paths)
{
    if (k == SETTING_preset) return read_preset(value, &paths->knobs);
    if (k == SETTING_without) return read_head(value, &paths->knobs);
    return read_section(value, &paths->from, &paths->to);
}

static ap_status set_number(setting_index k, const char *value, ap_compose_paths *paths)
{
    ap_knobs *knobs = &paths->knobs;
    const ap_number_range range = {list[k].kind == INTEGER, list[k].least, list[k].most};
    double number;
    AP_TRY(ap_number_read(list[k].name, value, range, &number));
    if (k == SETTING_sample_rate) paths->format.sample_rate = (int)number;
    if (k == SETTING_channels) paths->format.channels = (int)number;
    if (k == SETTING_seed) knobs->seed = (uint64_t)number;
    if (k == SETTING_rhythm) knobs->rhythm = number;
    if (k == SETTING_harmony) knobs->harmony = number;
    if (k == SETTING_dry) knobs->dry = number;
    return ap_ok();
}

ap_status ap_compose_set(const ap_config *config, size_t count, const ap_compose_setting settings[],
                         ap_compose_paths *paths)
{
    for (int presets_first = 1; presets_first >= 0; presets_first--)
        for (size_t i = 0; i < count; i++) {
            const setting_index k = find(settings[i].name);
            AP_TRY(check(config, &settings[i], k));
            if ((k == SETTING_preset) != presets_first) continue;
            AP_TRY(list[k].kind == TEXT ? set_text(k, settings[i].value, paths)
                                        : set_number(k, settings[i].value, paths));
        }
    return ap_ok();
}
