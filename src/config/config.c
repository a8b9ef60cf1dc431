#include "antiphon/config.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/suggest.h"
#include "base/text.h"
#include "config/table.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file of more than a megabyte is not a configuration. */
#define FILE_MOST ((size_t)1 << 20)
#define NEAR_MOST 24

ap_config ap_config_default(void)
{
    ap_config config = {0};
    for (size_t i = 0; i < ap_config_key_count; i++) {
        ap_status status = ap_config_key_set_text(&ap_config_keys[i], &config, ap_config_keys[i].initial);
        if (ap_failed(&status)) ap_fatal("default %s %s", ap_config_keys[i].name, status.message);
    }
    return config;
}

size_t ap_config_count(void)
{
    return ap_config_key_count;
}

const char *ap_config_name(size_t index)
{
    return ap_config_keys[index].name;
}

void ap_config_value(const ap_config *config, size_t index, char text[AP_CONFIG_TEXT])
{
    const config_key *key = &ap_config_keys[index];
    cJSON *value = ap_config_key_get(key, config);
    char *printed =
        cJSON_IsString(value) ? ap_copy_text(value->valuestring) : ap_config_key_print(key, config);
    snprintf(text, AP_CONFIG_TEXT, "%s", printed);
    free(printed);
    cJSON_Delete(value);
}

size_t ap_config_index(const char *name)
{
    const config_key *key = ap_config_key_find(name);
    return key ? (size_t)(key - ap_config_keys) : ap_config_key_count;
}

bool ap_config_known(const char *key)
{
    return ap_config_key_find(key) != NULL;
}

bool ap_config_is_bool(const char *key)
{
    const config_key *found = ap_config_key_find(key);
    return found && found->type == TYPE_BOOL;
}

/* ---------------------------------------------------------------- what the user may have meant */

/* The full or short name closest to `name`. Names with the same part after the dot take precedence. */
static const char *nearest_key(const char *name)
{
    const char **names = ap_allocate(ap_config_key_count + ap_config_alias_count, sizeof *names);
    const char *dot = strchr(name, '.'), *last = dot ? dot + 1 : name, *near = NULL;
    size_t count = 0;
    for (size_t i = 0; i < ap_config_key_count; i++) {
        names[count++] = ap_config_keys[i].name;
        if (!near && strcmp(strchr(ap_config_keys[i].name, '.') + 1, last) == 0)
            near = ap_config_keys[i].name;
    }
    for (size_t i = 0; i < ap_config_alias_count && !dot; i++) names[count++] = ap_config_aliases[i].alias;
    if (!near) near = ap_suggest(name, names, count);
    free(names);
    return near;
}

static ap_status unknown(const char *before, const char *name, const char *what, const char *near)
{
    if (near) return ap_error(AP_MISUSE, "%s%s: no such %s; did you mean %s?", before, name, what, near);
    return ap_error(AP_MISUSE, "%s%s: no such %s", before, name, what);
}

static ap_status unknown_section(const char *before, const char *name)
{
    char **sections = ap_allocate(ap_config_key_count, sizeof *sections);
    size_t count = 0;
    for (size_t i = 0; i < ap_config_key_count; i++)
        if (ap_config_section_begins(i))
            sections[count++] =
                ap_format_text("%.*s", ap_config_section_length(&ap_config_keys[i]), ap_config_keys[i].name);
    ap_status status =
        unknown(before, name, "section", ap_suggest(name, (const char *const *)sections, count));
    for (size_t i = 0; i < count; i++) free(sections[i]);
    free(sections);
    return status;
}

/* ---------------------------------------------------------------- JSON */

static ap_status syntax_error(const char *source, const char *text, const char *at, const char *what)
{
    int line = 1, column = 1, shown = 0;
    for (const char *p = text; p < at; p++) {
        column = *p == '\n' ? 1 : column + 1;
        line += *p == '\n';
    }
    while (shown < NEAR_MOST && isprint((unsigned char)at[shown])) shown++;
    if (shown == 0)
        return ap_error(AP_MISUSE, "%s:%d:%d: %s at the end of the %s", source, line, column, what,
                        *at ? "line" : "text");
    return ap_error(AP_MISUSE, "%s:%d:%d: %s near '%.*s'", source, line, column, what, shown, at);
}

static bool given_before(const cJSON *object, const cJSON *child)
{
    for (const cJSON *other = object->child; other != child; other = other->next)
        if (strcmp(other->string, child->string) == 0) return true;
    return false;
}

static bool is_section(const char *name)
{
    for (size_t i = 0; i < ap_config_key_count; i++) {
        size_t length = (size_t)ap_config_section_length(&ap_config_keys[i]);
        if (strlen(name) == length && strncmp(ap_config_keys[i].name, name, length) == 0) return true;
    }
    return false;
}

/* A removed key is accepted at 0, where it had no effect. */
static ap_status check_removed(const char *before, const char *name, const cJSON *value)
{
    if (cJSON_IsNumber(value) && value->valuedouble == 0) return ap_ok();
    return ap_error(AP_MISUSE, "%s%s: this key was removed; only 0 is still accepted", before, name);
}

static ap_status set_section(const char *before, const cJSON *section, ap_config *config)
{
    if (!is_section(section->string)) return unknown_section(before, section->string);
    if (!cJSON_IsObject(section))
        return ap_error(AP_MISUSE, "%s%s: must be a section, {\"key\": value, ...}", before, section->string);
    const cJSON *value;
    cJSON_ArrayForEach(value, section)
    {
        char *name = ap_format_text("%s.%s", section->string, value->string);
        const config_key *key = ap_config_key_find(name);
        ap_status status = ap_ok();
        if (!key && ap_config_key_removed(name))
            status = check_removed(before, name, value);
        else if (!key)
            status = unknown(before, name, "key", nearest_key(name));
        else if (given_before(section, value))
            status = ap_error(AP_MISUSE, "%s%s: given twice", before, name);
        else {
            ap_status reason = ap_config_key_set(key, config, value);
            if (ap_failed(&reason)) status = ap_error(reason.code, "%s%s %s", before, name, reason.message);
        }
        free(name);
        if (ap_failed(&status)) return status;
    }
    return ap_ok();
}

static ap_status set_all(const char *source, const cJSON *root, ap_config *config)
{
    if (!cJSON_IsObject(root))
        return ap_error(AP_MISUSE, "%s: must be an object of sections, {\"section\": {\"key\": value}}",
                        source);
    char *before = ap_format_text("%s: ", source);
    ap_status status = ap_ok();
    const cJSON *section;
    cJSON_ArrayForEach(section, root)
    {
        if (given_before(root, section))
            status = ap_error(AP_MISUSE, "%s%s: given twice", before, section->string);
        else if (strcmp(section->string, "$schema") != 0)
            status = set_section(before, section, config);
        if (ap_failed(&status)) break;
    }
    free(before);
    return status;
}

ap_status ap_config_parse(const char *source, const char *text, size_t length, ap_config *config)
{
    const char *nul = ap_text_find_nul(text, length), *end = NULL;
    if (nul) return syntax_error(source, text, nul, "a NUL byte");
    cJSON *root = cJSON_ParseWithLengthOpts(text, length + 1, &end, true);
    if (!root) return syntax_error(source, text, end ? end : text, "not valid JSON");
    ap_config changed = *config;
    ap_status status = set_all(source, root, &changed);
    cJSON_Delete(root);
    if (!ap_failed(&status)) *config = changed;
    return status;
}

ap_status ap_config_load(const char *path, ap_config *config)
{
    char *text;
    size_t length;
    AP_TRY(ap_file_read(path, FILE_MOST, &text, &length));
    ap_status status = ap_config_parse(path, text, length, config);
    free(text);
    return status;
}

ap_status ap_config_override(ap_config *config, const char *name, const char *value)
{
    const config_key *key = ap_config_key_find(name);
    if (!key) return unknown("", name, "key", nearest_key(name));
    if (!value && key->type != TYPE_BOOL)
        return ap_error(AP_MISUSE, "%s: needs a value, %s", name, ap_config_key_range(key).text);
    ap_status reason = ap_config_key_set_text(key, config, value ? value : "true");
    return ap_failed(&reason) ? ap_error(reason.code, "%s %s", name, reason.message) : reason;
}
