#include "antiphon/pairs.h"

#include "base/file.h"
#include "base/folder.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "pair_"

/* The files of a pair, in the order in which files of the same name are considered. */
typedef enum part { INPUT, TARGET, FORMER_TARGET, PART_COUNT } part;
static const char *const endings[PART_COUNT] = {"_input.wav", "_target.wav", "_output.wav"};

typedef struct half {
    char *name; /* name of the pair; owned */
    part part;
} half;

typedef struct halves {
    half *at;
    size_t count;
} halves;

/* Adds the file if its name is that of half a pair. */
static void add_file(halves *found, const char *file)
{
    size_t length = strlen(file);
    if (strncmp(file, PREFIX, strlen(PREFIX)) != 0) return;
    for (part p = 0; p < PART_COUNT; p++) {
        if (!ap_text_ends_in(file, length, endings[p])) continue;
        length -= strlen(endings[p]);
        if (length <= strlen(PREFIX)) return;
        found->at = ap_reallocate(found->at, found->count + 1, sizeof *found->at);
        found->at[found->count++] = (half){ap_format_text("%.*s", (int)length, file), p};
        return;
    }
}

static int by_name(const void *a, const void *b)
{
    const half *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (int)x->part - (int)y->part;
}

static char *path_of(const char *folder, const half *h)
{
    return ap_format_text("%s/%s%s", folder, h->name, endings[h->part]);
}

/* Joins an input with the target that follows it; `found` is sorted. */
static void join(const halves *found, const char *folder, ap_pairs *pairs)
{
    for (size_t k = 0; k < found->count; k++) {
        const half *a = found->at + k;
        if (a->part == INPUT && k + 1 < found->count && strcmp(a->name, a[1].name) == 0) {
            pairs->at = ap_reallocate(pairs->at, pairs->count + 1, sizeof *pairs->at);
            pairs->at[pairs->count++] = (ap_pair){
                .name = ap_copy_text(a->name), .input = path_of(folder, a), .target = path_of(folder, a + 1)};
            k++;
        } else if (pairs->lone++ == 0) {
            pairs->first_lone = path_of(folder, a);
        }
    }
}

#define MAKE_A_SET "antiphon prepare --inputs DIR --targets DIR --out SET makes a set of your recordings"

static ap_status list(const char *folder, ap_pairs *pairs)
{
    ap_names files;
    halves found = {NULL, 0};
    AP_TRY(ap_folder_list(folder, &files));
    for (size_t k = 0; k < files.count; k++) add_file(&found, files.at[k]);
    ap_names_free(&files);
    if (found.count) qsort(found.at, found.count, sizeof *found.at, by_name);
    join(&found, folder, pairs);
    for (size_t k = 0; k < found.count; k++) free(found.at[k].name);
    free(found.at);
    if (pairs->count) return ap_ok();
    if (!pairs->lone)
        return ap_error(AP_FAILED,
                        "%s: holds no pair (" PREFIX "NAME%s beside " PREFIX "NAME%s): " MAKE_A_SET, folder,
                        endings[INPUT], endings[TARGET]);
    return ap_error(AP_FAILED, "%s: holds no pair, but %zu %s without a partner%s %s", folder, pairs->lone,
                    pairs->lone == 1 ? "file" : "files", pairs->lone == 1 ? ":" : ", such as",
                    pairs->first_lone);
}

/* Fails if there is something of this name, which has no such split. */
static ap_status check_split(const char *folder, const char *split, const char *path)
{
    bool there, whole;
    AP_TRY(ap_file_is_there(folder, &there));
    AP_TRY(ap_file_is_there(path, &whole));
    if (!there || whole) return ap_ok();
    return ap_error(AP_FAILED,
                    "%s: is not a pair set, since it has no %s/ (a set has train/ and val/, with " PREFIX
                    "NAME%s beside " PREFIX "NAME%s): " MAKE_A_SET,
                    folder, split, endings[INPUT], endings[TARGET]);
}

ap_status ap_pairs_list(const char *folder, const char *split, ap_pairs *pairs)
{
    *pairs = (ap_pairs){.at = NULL};
    char *path = split ? ap_format_text("%s/%s", folder, split) : ap_copy_text(folder);
    ap_status status = split ? check_split(folder, split, path) : ap_ok();
    if (!ap_failed(&status)) status = list(path, pairs);
    free(path);
    if (ap_failed(&status)) ap_pairs_free(pairs);
    return status;
}

ap_status ap_pairs_list_held_out(const char *folder, ap_pairs *pairs)
{
    char *split = ap_format_text("%s/val", folder);
    bool has_split;
    ap_status status = ap_file_is_there(split, &has_split);
    free(split);
    if (ap_failed(&status)) {
        *pairs = (ap_pairs){.at = NULL};
        return status;
    }
    return ap_pairs_list(folder, has_split ? "val" : NULL, pairs);
}

void ap_pairs_free(ap_pairs *pairs)
{
    for (size_t k = 0; k < pairs->count; k++) {
        free(pairs->at[k].name);
        free(pairs->at[k].input);
        free(pairs->at[k].target);
    }
    free(pairs->at);
    free(pairs->first_lone);
    *pairs = (ap_pairs){.at = NULL};
}
