#include "base/json.h"

#include "base/file.h"
#include "base/replace.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MOST ((size_t)1 << 28)
/* The largest count of anything that a double holds with all smaller ones. */
#define COUNT_MOST 9007199254740992.0

cJSON *ap_json_made(cJSON *item)
{
    if (!item) ap_fatal("out of memory: JSON of an evaluation");
    return item;
}

cJSON *ap_json_add(cJSON *object, const char *name, cJSON *item)
{
    if (!cJSON_AddItemToObject(object, name, ap_json_made(item)))
        ap_fatal("out of memory: JSON of an evaluation");
    return item;
}

cJSON *ap_json_append(cJSON *array, cJSON *item)
{
    cJSON_AddItemToArray(array, ap_json_made(item));
    return item;
}

cJSON *ap_json_number(double value)
{
    return isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull();
}

void ap_json_add_number(cJSON *object, const char *name, double value)
{
    ap_json_add(object, name, ap_json_number(value));
}

void ap_json_add_text(cJSON *object, const char *name, const char *text)
{
    ap_json_add(object, name, cJSON_CreateString(text));
}

void ap_json_add_summary(cJSON *object, ap_summary summary)
{
    ap_json_add_number(object, "mean", summary.mean);
    ap_json_add_number(object, "low", summary.low);
    ap_json_add_number(object, "high", summary.high);
    ap_json_add_number(object, "count", (double)summary.count);
}

void ap_json_add_bootstrap(cJSON *object)
{
    cJSON *bootstrap = ap_json_add(object, "bootstrap", cJSON_CreateObject());
    ap_json_add_number(bootstrap, "resamples", AP_BOOTSTRAP_RESAMPLES);
    ap_json_add_number(bootstrap, "level", AP_BOOTSTRAP_LEVEL);
}

double ap_json_get_number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

ap_summary ap_json_get_summary(const cJSON *object)
{
    double count = ap_json_get_number(object, "count");
    return (ap_summary){.mean = ap_json_get_number(object, "mean"),
                        .low = ap_json_get_number(object, "low"),
                        .high = ap_json_get_number(object, "high"),
                        .count = count >= 0 && count <= COUNT_MOST ? (int64_t)count : 0};
}

cJSON *ap_json_parse(const char *text, size_t length)
{
    const char *end = NULL;
    cJSON *json = cJSON_ParseWithLengthOpts(text, length, &end, false);
    while (json && end < text + length && isspace((unsigned char)*end)) end++;
    if (!json || end == text + length) return json;
    cJSON_Delete(json);
    return NULL;
}

ap_status ap_json_read(const char *path, cJSON **json)
{
    char *text;
    size_t length;
    *json = NULL;
    AP_TRY(ap_file_read(path, FILE_MOST, &text, &length));
    *json = ap_json_parse(text, length);
    free(text);
    return *json ? ap_ok() : ap_error(AP_FAILED, "%s: is not JSON", path);
}

ap_status ap_json_write(const char *path, cJSON *json)
{
    char *text = cJSON_Print(json);
    if (!text) ap_fatal("out of memory: JSON of an evaluation");
    ap_status status = ap_replace_file(path, text, strlen(text));
    cJSON_free(text);
    cJSON_Delete(json);
    return status;
}
