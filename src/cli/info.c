/* antiphon info: lists the content of a safetensors file. */
#include "cli/verbs.h"

#include "antiphon/run_folder.h"
#include "antiphon/safetensors.h"
#include "assembly/checksum.h"
#include "base/memory.h"
#include "base/print.h"
#include "base/text.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A header may hold control sequences, which a terminal would obey. */
static void print_text(const char *text, const char *indent)
{
    do {
        int length = (int)strcspn(text, "\n");
        ap_text_print(stdout, "%s%.*s\n", indent, length, text);
        text += length + (text[length] == '\n');
    } while (*text);
}

static char *printable_name(const char *name, int length)
{
    char *copy = ap_format_text("%.*s", length, name);
    ap_text_mask_controls(copy);
    return copy;
}

static void print_row(const char *name, int name_length, int width, const char *type, const char *shape,
                      int64_t n)
{
    char *shown = printable_name(name, name_length);
    printf("  %-*s  %-5s %-20s %12" PRId64 "\n", width, shown, type, shape, n);
    free(shown);
}

/* In ascending order of names, so that the tensors of a module are listed together. */
static int order_by_name(const void *a, const void *b, void *file)
{
    return strcmp(ap_safetensors_name(file, *(const size_t *)a),
                  ap_safetensors_name(file, *(const size_t *)b));
}

static int module_length(const char *name)
{
    return (int)strcspn(name, ".");
}

static void print_modules(const ap_safetensors *file, const size_t *order, int width)
{
    int64_t sum = 0;
    printf("\nModules:\n");
    for (size_t i = 0, count = ap_safetensors_count(file); i < count; i++) {
        const char *name = ap_safetensors_name(file, order[i]);
        const char *next = i + 1 < count ? ap_safetensors_name(file, order[i + 1]) : "";
        int length = module_length(name);
        sum += ap_shape_count(ap_safetensors_shape(file, order[i]));
        if (module_length(next) == length && strncmp(name, next, (size_t)length) == 0) continue;
        print_row(name, length, width, "", "", sum);
        sum = 0;
    }
}

/* Longer names are printed beyond the column instead of widening it for all. */
#define WIDTH_MOST 80

static void print_tensors(ap_safetensors *file)
{
    size_t count = ap_safetensors_count(file), *order = ap_allocate(count, sizeof *order);
    int width = 0;
    int64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        int length = (int)strlen(ap_safetensors_name(file, i));
        order[i] = i;
        if (length > width) width = length < WIDTH_MOST ? length : WIDTH_MOST;
        total += ap_shape_count(ap_safetensors_shape(file, i));
    }
    qsort_r(order, count, sizeof *order, order_by_name, file);
    printf("%zu tensor%s, %" PRId64 " number%s\n\n", count, ap_plural((int64_t)count), total,
           ap_plural(total));
    for (size_t i = 0; i < count; i++) {
        const char *name = ap_safetensors_name(file, order[i]);
        ap_shape shape = ap_safetensors_shape(file, order[i]);
        print_row(name, (int)strlen(name), width, ap_safetensors_type(file, order[i]),
                  ap_shape_print(shape).text, ap_shape_count(shape));
    }
    if (count) print_modules(file, order, width);
    free(order);
}

/* A JSON value as indented text; NULL if `value` is not JSON. */
static char *broken_into_lines(const char *value)
{
    if (strchr(value, '\n')) return NULL;
    cJSON *json = cJSON_ParseWithOpts(value, NULL, true);
    char *text = cJSON_IsObject(json) || cJSON_IsArray(json) ? cJSON_Print(json) : NULL;
    for (char *c = text; c && *c; c++)
        if (*c == '\t') *c = ' ';
    cJSON_Delete(json);
    return text;
}

/* Leaves out the checksums, which would be as long as the list of tensors. */
static void print_metadata(const ap_safetensors *file)
{
    bool first = true;
    for (size_t i = 0; i < ap_safetensors_metadata_count(file); i++) {
        const char *key = ap_safetensors_metadata_key(file, i), *value = ap_safetensors_metadata(file, key);
        if (strcmp(key, CHECKSUMS_KEY) == 0 || strcmp(key, CHECKSUMS_MARK) == 0) continue;
        char *lines = broken_into_lines(value);
        char *name = printable_name(key, (int)strlen(key));
        printf(first ? "\nMetadata:\n  %s:\n" : "  %s:\n", name);
        first = false;
        print_text(lines ? lines : value, "    ");
        free(name);
        cJSON_free(lines);
    }
}

static ap_status print_one(const ap_safetensors *file, const char *path, const char *key)
{
    const char *value = ap_safetensors_metadata(file, key);
    if (!value) return ap_error(AP_FAILED, "%s: no metadata %s", path, key);
    print_text(value, "");
    return ap_ok();
}

static ap_status verify(ap_safetensors *file, const char *path)
{
    size_t count = ap_safetensors_count(file);
    AP_TRY(ap_safetensors_verify(file));
    printf("%s: sound: the header and %zu tensor%s have the checksums that were written with them\n", path,
           count, ap_plural((int64_t)count));
    return ap_ok();
}

static ap_status tell(const parsed_options *options, const char *path)
{
    const char *key = option_text(options, "metadata");
    ap_safetensors *file;
    AP_TRY(ap_safetensors_open(path, &file));
    ap_status status = ap_ok();
    if (option_flag(options, "verify"))
        status = verify(file, path);
    else if (key)
        status = print_one(file, path, key);
    else {
        print_tensors(file);
        print_metadata(file);
        if (ap_safetensors_has_checksums(file))
            printf("\nChecksums: of the header and of each tensor (--verify)\n");
    }
    ap_safetensors_close(file);
    return status;
}

static ap_status run(const parsed_options *options)
{
    char *path;
    AP_TRY(ap_run_folder_checkpoint(options->arguments[0], &path));
    ap_status status = tell(options, path);
    free(path);
    return status;
}

static const verb_option table[] = {
    {.name = "metadata",
     .placeholder = "KEY",
     .kind = OPTION_TEXT,
     .help =
         "print only the metadata under this key; config is the configuration, in the form that train reads"},
    {.name = "verify",
     .kind = OPTION_FLAG,
     .help = "read the whole file and compare its checksums; exit code 1 if one differs or there are none"},
    {.name = NULL},
};

const verb verb_info = {
    .name = "info",
    .summary = "what is in a checkpoint or other safetensors file",
    .arguments = "FILE.safetensors|RUN_DIR",
    .details = "Lists the tensors with type, shape and number of elements, the elements of each module, and "
               "the metadata.\n"
               "For a run's folder it reads the best checkpoint (the last if there is no best).\n"
               "Checkpoints hold checksums (CRC-32) of the header and of each tensor, which are compared on "
               "every read.",
    .options = table,
    .least_arguments = 1,
    .most_arguments = 1,
    .run = run,
};
