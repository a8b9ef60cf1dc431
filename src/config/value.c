/* Converts the value of a key from JSON or text into the struct, and back. */
#include "config/table.h"

#include "base/memory.h"
#include "base/suggest.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The most characters of a value that a message quotes. */
#define QUOTED_MOST 60

static void *member(const config_key *key, ap_config *config)
{
    return (char *)config + key->offset;
}

static int choice_count(const config_key *key)
{
    int count = 0;
    while (key->choices[count]) count++;
    return count;
}

static void append(char *text, size_t room, const char *more)
{
    size_t used = strlen(text);
    snprintf(text + used, room - used, "%s", more);
}

range_text ap_config_key_range(const config_key *key)
{
    range_text range = {""};
    char *text = range.text;
    if (key->type == TYPE_BOOL) snprintf(text, sizeof range.text, "true or false");
    if (key->type == TYPE_TEXT) snprintf(text, sizeof range.text, "at most %d bytes", AP_CONFIG_TEXT - 1);
    if (key->type == TYPE_INT) snprintf(text, sizeof range.text, "%.0f to %.0f", key->least, key->most);
    if (key->type == TYPE_LIST)
        snprintf(text, sizeof range.text, "1 to %d integers, each %.0f to %.0f", AP_CONFIG_LIST, key->least,
                 key->most);
    if (key->type == TYPE_NUMBER)
        snprintf(text, sizeof range.text, "%s %g and %s %g", key->open & RANGE_ABOVE ? "above" : "at least",
                 key->least, key->open & RANGE_BELOW ? "below" : "at most", key->most);
    if (key->type == TYPE_CHOICE)
        for (int i = 0, count = choice_count(key); i < count; i++) {
            if (i > 0) append(text, sizeof range.text, i + 1 == count ? " or " : ", ");
            append(text, sizeof range.text, key->choices[i]);
        }
    return range;
}

/* "= VALUE: must be ...", with the value as JSON, cut if it is long */
static ap_status refuse(const cJSON *value, const char *reason)
{
    if (cJSON_IsNumber(value) && !isfinite(value->valuedouble)) /* JSON cannot print it */
        return ap_error(AP_MISUSE, "is too large for a number: %s", reason);
    char *text = cJSON_PrintUnformatted(value);
    if (!text) ap_fatal("out of memory: printing a configuration value");
    bool cut = strlen(text) > QUOTED_MOST;
    ap_status status = ap_error(AP_MISUSE, "= %.*s%s: %s", QUOTED_MOST, text, cut ? "..." : "", reason);
    cJSON_free(text);
    return status;
}

static ap_status refuse_range(const config_key *key, const cJSON *value)
{
    char reason[CONFIG_RANGE_TEXT + 16];
    snprintf(reason, sizeof reason, "must be %s", ap_config_key_range(key).text);
    return refuse(value, reason);
}

/* False for NaN, so that NaN is in no range. */
static bool in_range(const config_key *key, double x)
{
    bool above = key->open & RANGE_ABOVE ? x > key->least : x >= key->least;
    bool below = key->open & RANGE_BELOW ? x < key->most : x <= key->most;
    return above && below;
}

static ap_status set_int(const config_key *key, const cJSON *value, int *into)
{
    double x = value->valuedouble;
    if (!cJSON_IsNumber(value) || (isfinite(x) && x != floor(x)))
        return refuse(value, "must be a whole number");
    if (!in_range(key, x)) return refuse_range(key, value);
    *into = (int)x;
    return ap_ok();
}

static ap_status set_list(const config_key *key, const cJSON *value, ap_int_list *into)
{
    if (!cJSON_IsArray(value)) return refuse(value, "must be a list of whole numbers");
    ap_int_list list = {0};
    if (cJSON_GetArraySize(value) < 1 || cJSON_GetArraySize(value) > AP_CONFIG_LIST)
        return refuse_range(key, value);
    const cJSON *element;
    cJSON_ArrayForEach(element, value)
    {
        ap_status status = set_int(key, element, &list.at[list.count++]);
        if (ap_failed(&status))
            return cJSON_IsNumber(element) ? refuse_range(key, value)
                                           : refuse(value, "must be a list of whole numbers");
    }
    *into = list;
    return ap_ok();
}

static ap_status set_choice(const config_key *key, const cJSON *value, int *into)
{
    if (!cJSON_IsString(value)) return refuse_range(key, value);
    const char *word = ap_config_choice_of(value->valuestring);
    for (int i = 0; key->choices[i]; i++)
        if (strcmp(key->choices[i], word) == 0) {
            *into = i;
            return ap_ok();
        }
    const char *near = ap_suggest(value->valuestring, key->choices, (size_t)choice_count(key));
    if (!near) return refuse_range(key, value);
    char reason[2 * CONFIG_RANGE_TEXT];
    snprintf(reason, sizeof reason, "must be %s; did you mean %s?", ap_config_key_range(key).text, near);
    return refuse(value, reason);
}

static ap_status set_text(const config_key *key, const cJSON *value, char *into)
{
    if (!cJSON_IsString(value)) return refuse(value, "must be a text in quotes");
    size_t length = strlen(value->valuestring);
    if (length >= AP_CONFIG_TEXT) return refuse_range(key, value);
    if (!ap_text_is_utf8(value->valuestring)) return ap_error(AP_MISUSE, "must be UTF-8");
    memcpy(into, value->valuestring, length + 1);
    return ap_ok();
}

ap_status ap_config_key_set(const config_key *key, ap_config *config, const cJSON *value)
{
    void *into = member(key, config);
    switch (key->type) {
    case TYPE_BOOL:
        if (!cJSON_IsBool(value)) return refuse(value, "must be true or false");
        *(bool *)into = cJSON_IsTrue(value);
        return ap_ok();
    case TYPE_INT:
        return set_int(key, value, into);
    case TYPE_NUMBER:
        if (!cJSON_IsNumber(value)) return refuse(value, "must be a number");
        if (!in_range(key, value->valuedouble)) return refuse_range(key, value);
        *(double *)into = value->valuedouble;
        return ap_ok();
    case TYPE_CHOICE:
        return set_choice(key, value, into);
    case TYPE_LIST:
        return set_list(key, value, into);
    case TYPE_TEXT:
        return set_text(key, value, into);
    }
    ap_fatal("configuration key %s has no type", key->name);
}

/* The value of an override's text for this type of key: JSON if it is JSON of the right type, otherwise the
 * text itself, which the setter then refuses with the right message. */
static cJSON *value_of_text(const config_key *key, const char *text)
{
    static const char *const yes[] = {"true", "1", "yes", "on"}, *const no[] = {"false", "0", "no", "off"};
    cJSON *value = NULL;
    if (key->type == TYPE_BOOL)
        for (int i = 0; i < 4 && !value; i++) {
            if (strcasecmp(text, yes[i]) == 0) value = cJSON_CreateTrue();
            if (strcasecmp(text, no[i]) == 0) value = cJSON_CreateFalse();
        }
    if (key->type == TYPE_INT || key->type == TYPE_NUMBER) value = cJSON_ParseWithOpts(text, NULL, true);
    if (key->type == TYPE_LIST) {
        char *bracketed = ap_format_text(text[0] == '[' ? "%s" : "[%s]", text);
        value = cJSON_ParseWithOpts(bracketed, NULL, true);
        free(bracketed);
    }
    if (!value) value = cJSON_CreateString(text);
    if (!value) ap_fatal("out of memory: the value of %s", key->name);
    return value;
}

ap_status ap_config_key_set_text(const config_key *key, ap_config *config, const char *text)
{
    cJSON *value = value_of_text(key, text);
    ap_status status = ap_config_key_set(key, config, value);
    cJSON_Delete(value);
    return status;
}

cJSON *ap_config_key_get(const config_key *key, const ap_config *config)
{
    const void *from = (const char *)config + key->offset;
    cJSON *value = NULL;
    switch (key->type) {
    case TYPE_BOOL:
        value = cJSON_CreateBool(*(const bool *)from);
        break;
    case TYPE_INT:
        value = cJSON_CreateNumber(*(const int *)from);
        break;
    case TYPE_NUMBER:
        value = cJSON_CreateNumber(*(const double *)from);
        break;
    case TYPE_CHOICE:
        value = cJSON_CreateString(key->choices[*(const int *)from]);
        break;
    case TYPE_LIST:
        value = cJSON_CreateIntArray(((const ap_int_list *)from)->at, ((const ap_int_list *)from)->count);
        break;
    case TYPE_TEXT:
        value = cJSON_CreateString(from);
        break;
    }
    if (!value) ap_fatal("out of memory: the value of %s", key->name);
    return value;
}

char *ap_config_key_print(const config_key *key, const ap_config *config)
{
    if (key->type == TYPE_NUMBER) {
        char number[AP_NUMBER_TEXT];
        ap_text_of_number(*(const double *)((const char *)config + key->offset), number);
        return ap_copy_text(number);
    }
    cJSON *value = ap_config_key_get(key, config);
    char *text = cJSON_PrintUnformatted(value);
    if (!text) ap_fatal("out of memory: printing %s", key->name);
    cJSON_Delete(value);
    return text;
}
