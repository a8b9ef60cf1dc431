#include "base/json.h"

#include "base/file.h"
#include "base/replace.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Parsed JSON may take forty times the size of its text. An evaluation of ten thousand pieces is below this
 * limit. */
#define FILE_MOST ((size_t)16 << 20)

cJSON *ap_json_made(cJSON *item)
{
    if (!item) ap_fatal("out of memory: JSON");
    return item;
}

cJSON *ap_json_add(cJSON *object, const char *name, cJSON *item)
{
    if (!cJSON_AddItemToObject(object, name, ap_json_made(item))) ap_fatal("out of memory: JSON");
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

double ap_json_get_number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
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
    if (!text) ap_fatal("out of memory: JSON");
    ap_status status = ap_replace_file(path, text, strlen(text));
    cJSON_free(text);
    cJSON_Delete(json);
    return status;
}
