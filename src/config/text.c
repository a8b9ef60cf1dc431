/* Prints the table of keys as JSON, JSON Schema, Markdown and --help. */
#include "base/memory.h"
#include "config/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A stream into memory; `finish` returns the text. */
typedef struct writing {
    FILE *stream;
    char *text;
    size_t length;
} writing;

static void begin(writing *w)
{
    w->stream = open_memstream(&w->text, &w->length);
    if (!w->stream) ap_fatal("out of memory: a text stream");
}

static char *finish(writing *w)
{
    if (fclose(w->stream) != 0) ap_fatal("out of memory: a text of %zu bytes", w->length);
    return w->text;
}

static const char *short_name(const config_key *key)
{
    return key->name + ap_config_section_length(key) + 1;
}

char *ap_config_to_json(const ap_config *config)
{
    writing w;
    begin(&w);
    for (size_t i = 0; i < ap_config_key_count; i++) {
        const config_key *key = &ap_config_keys[i];
        if (ap_config_section_begins(i))
            fprintf(w.stream, "%s  \"%.*s\": {\n", i ? "\n  },\n" : "{\n", ap_config_section_length(key),
                    key->name);
        else
            fprintf(w.stream, ",\n");
        char *value = ap_config_key_print(key, config);
        fprintf(w.stream, "    \"%s\": %s", short_name(key), value);
        free(value);
    }
    fprintf(w.stream, "\n  }\n}\n");
    return finish(&w);
}

/* The word for a value of this type on the command line and in tables. */
static const char *type_word(const config_key *key)
{
    static const char *const words[] = {
        [TYPE_BOOL] = "bool", [TYPE_INT] = "integer",   [TYPE_NUMBER] = "number",
        [TYPE_TEXT] = "text", [TYPE_CHOICE] = "choice", [TYPE_LIST] = "integers"};
    return words[key->type];
}

char *ap_config_markdown(void)
{
    ap_config config = ap_config_default();
    writing w;
    begin(&w);
    for (size_t i = 0; i < ap_config_key_count; i++) {
        const config_key *key = &ap_config_keys[i];
        if (ap_config_section_begins(i))
            fprintf(w.stream,
                    "%s### %.*s\n\n| key | type | default | allowed | meaning |\n| --- | --- | --- | --- | "
                    "--- |\n",
                    i ? "\n" : "", ap_config_section_length(key), key->name);
        char *value = ap_config_key_print(key, &config);
        fprintf(w.stream, "| `%s` | %s | `%s` | %s | ", key->name, type_word(key), value,
                key->type == TYPE_TEXT || key->type == TYPE_BOOL ? "" : ap_config_key_range(key).text);
        for (const char *p = key->help; *p; p++) fprintf(w.stream, *p == '|' ? "\\|" : "%c", *p);
        fprintf(w.stream, " |\n");
        free(value);
    }
    return finish(&w);
}

char *ap_config_help(void)
{
    ap_config config = ap_config_default();
    writing w;
    begin(&w);
    for (size_t i = 0; i < ap_config_key_count; i++) {
        const config_key *key = &ap_config_keys[i];
        char *value = ap_config_key_print(key, &config);
        if (ap_config_section_begins(i) && i) fprintf(w.stream, "\n");
        fprintf(w.stream, "  --%s=%s [%s]\n      %s\n", key->name,
                key->type == TYPE_CHOICE ? ap_config_key_range(key).text : type_word(key), value, key->help);
        free(value);
    }
    fprintf(w.stream, "\n  Short names:\n");
    for (size_t i = 0; i < ap_config_alias_count; i++)
        fprintf(w.stream, "  --%s is --%s\n", ap_config_aliases[i].alias, ap_config_aliases[i].name);
    return finish(&w);
}

/* ---------------------------------------------------------------- JSON Schema */

static cJSON *checked(cJSON *value)
{
    if (!value) ap_fatal("out of memory: a JSON Schema");
    return value;
}

static cJSON *put(cJSON *object, const char *name, cJSON *value)
{
    if (!cJSON_AddItemToObject(object, name, checked(value))) ap_fatal("out of memory: a JSON Schema");
    return value;
}

/* Makes a schema for an object that allows only the properties put into the returned object. */
static cJSON *closed_object(cJSON *schema)
{
    put(schema, "type", cJSON_CreateString("object"));
    put(schema, "additionalProperties", cJSON_CreateFalse());
    return put(schema, "properties", cJSON_CreateObject());
}

static void put_range(cJSON *schema, const config_key *key)
{
    put(schema, key->open & RANGE_ABOVE ? "exclusiveMinimum" : "minimum", cJSON_CreateNumber(key->least));
    put(schema, key->open & RANGE_BELOW ? "exclusiveMaximum" : "maximum", cJSON_CreateNumber(key->most));
}

static cJSON *key_schema(const config_key *key, const ap_config *config)
{
    static const char *const types[] = {
        [TYPE_BOOL] = "boolean", [TYPE_INT] = "integer",   [TYPE_NUMBER] = "number",
        [TYPE_TEXT] = "string",  [TYPE_CHOICE] = "string", [TYPE_LIST] = "array"};
    cJSON *schema = checked(cJSON_CreateObject());
    put(schema, "description", cJSON_CreateString(key->help));
    put(schema, "type", cJSON_CreateString(types[key->type]));
    put(schema, "default", ap_config_key_get(key, config));
    if (key->type == TYPE_INT || key->type == TYPE_NUMBER) put_range(schema, key);
    if (key->type == TYPE_TEXT) put(schema, "maxLength", cJSON_CreateNumber(AP_CONFIG_TEXT - 1));
    if (key->type == TYPE_CHOICE) {
        cJSON *values = put(schema, "enum", cJSON_CreateArray());
        for (int i = 0; key->choices[i]; i++)
            cJSON_AddItemToArray(values, checked(cJSON_CreateString(key->choices[i])));
    }
    if (key->type == TYPE_LIST) {
        put(schema, "minItems", cJSON_CreateNumber(1));
        put(schema, "maxItems", cJSON_CreateNumber(AP_CONFIG_LIST));
        cJSON *item = put(schema, "items", cJSON_CreateObject());
        put(item, "type", cJSON_CreateString("integer"));
        put_range(item, key);
    }
    return schema;
}

/* cJSON's layout, but indented with spaces, as all JSON files here are. Inside a string a tab is printed as
 * \t, so all tabs are indentation. */
static char *print_spaced(const cJSON *root)
{
    char *tabbed = cJSON_Print(root);
    if (!tabbed) ap_fatal("out of memory: a JSON Schema");
    writing w;
    begin(&w);
    for (const char *c = tabbed; *c; c++) {
        if (*c != '\t')
            fputc(*c, w.stream);
        else
            fputs(c > tabbed && c[-1] == ':' ? " " : "  ", w.stream);
    }
    free(tabbed);
    return finish(&w);
}

char *ap_config_schema(void)
{
    ap_config config = ap_config_default();
    cJSON *root = checked(cJSON_CreateObject()), *section = NULL;
    put(root, "$schema", cJSON_CreateString("https://json-schema.org/draft/2020-12/schema"));
    put(root, "title", cJSON_CreateString("Antiphon configuration"));
    cJSON *sections = closed_object(root);
    put(put(sections, "$schema", cJSON_CreateObject()), "type", cJSON_CreateString("string"));
    for (size_t i = 0; i < ap_config_key_count; i++) {
        const config_key *key = &ap_config_keys[i];
        if (ap_config_section_begins(i)) {
            char *name = ap_format_text("%.*s", ap_config_section_length(key), key->name);
            section = closed_object(put(sections, name, cJSON_CreateObject()));
            free(name);
        }
        put(section, short_name(key), key_schema(key, &config));
    }
    char *text = print_spaced(root);
    cJSON_Delete(root);
    return text;
}
