/* JSON, based on cJSON. Functions that make an item never return NULL: they call the fatal handler when
 * memory runs out. */
#ifndef ANTIPHON_BASE_JSON_H
#define ANTIPHON_BASE_JSON_H

#include "antiphon/status.h"

#include <cjson/cJSON.h>

/* Returns the item; fatal if it is NULL, because memory has run out. */
cJSON *ap_json_made(cJSON *item);

/* Add an item to an object or at the end of an array, and return it. */
cJSON *ap_json_add(cJSON *object, const char *name, cJSON *item);
cJSON *ap_json_append(cJSON *array, cJSON *item);

/* A number; null if it is not finite. */
cJSON *ap_json_number(double value);
void ap_json_add_number(cJSON *object, const char *name, double value);
void ap_json_add_text(cJSON *object, const char *name, const char *text);

/* The number under a name, or NaN if there is none. */
double ap_json_get_number(const cJSON *object, const char *name);

/* Parses the whole text. NULL if it is not JSON, or if anything follows. */
cJSON *ap_json_parse(const char *text, size_t length);

/* Parses a whole file. The caller frees *json by cJSON_Delete; after a failure, which names the file, it is
 * NULL. */
ap_status ap_json_read(const char *path, cJSON **json);

/* Writes the file, whole or not at all, and deletes the item. */
ap_status ap_json_write(const char *path, cJSON *json);

#endif
