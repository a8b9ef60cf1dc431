/* JSON, over cJSON: a call that makes an item gives one, or calls the fatal handler where memory has run out.
 */
#ifndef ANTIPHON_BASE_JSON_H
#define ANTIPHON_BASE_JSON_H

#include "antiphon/status.h"

#include <cjson/cJSON.h>

/* The item itself, unless memory has run out. */
cJSON *ap_json_made(cJSON *item);

/* Put an item into an object or at the end of an array, and give it back. */
cJSON *ap_json_add(cJSON *object, const char *name, cJSON *item);
cJSON *ap_json_append(cJSON *array, cJSON *item);

/* A number; null for what is not finite. */
cJSON *ap_json_number(double value);
void ap_json_add_number(cJSON *object, const char *name, double value);
void ap_json_add_text(cJSON *object, const char *name, const char *text);

/* The number under a name, NaN where there is none. */
double ap_json_get_number(const cJSON *object, const char *name);

/* What the whole of the text says; NULL where it is no JSON, or something stands behind it. */
cJSON *ap_json_parse(const char *text, size_t length);

/* A whole file; the caller frees the item by cJSON_Delete. It is NULL after a failure, which names the file.
 */
ap_status ap_json_read(const char *path, cJSON **json);

/* Writes the file, whole or not at all, and deletes the item. */
ap_status ap_json_write(const char *path, cJSON *json);

#endif
