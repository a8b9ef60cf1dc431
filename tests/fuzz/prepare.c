/* A pair set from a tree of files: a line each, its first letter saying what it is, then a name, perhaps in a
 * folder; the recording stands behind a byte 0xFF. */
#include "fuzz.h"

#include "antiphon/pairs.h"
#include "antiphon/prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MOST 60
#define FILES_MOST 24
/* Longer recordings, which a header of a few bytes may promise, take long and say no more. */
#define RECORDING_MOST (1 << 16)

/* The folders whose files may be named. */
static const char *const FOLDERS[] = {"in", "out", "songs", "in/more", "made"};
#define FOLDER_COUNT (sizeof FOLDERS / sizeof *FOLDERS)

static const char *path_of(const char *name)
{
    static char path[2][512];
    static int last;
    last = !last;
    snprintf(path[last], sizeof path[last], "%s/%s", fuzz_folder(), name);
    return path[last];
}

/* Whether it is a name within one of the folders. */
static bool is_usable(const char *name)
{
    const char *slash = strrchr(name, '/');
    if (!slash || !slash[1] || strcmp(slash + 1, ".") == 0 || strcmp(slash + 1, "..") == 0) return false;
    for (size_t k = 0; k < FOLDER_COUNT; k++)
        if (strlen(FOLDERS[k]) == (size_t)(slash - name) &&
            strncmp(name, FOLDERS[k], strlen(FOLDERS[k])) == 0)
            return true;
    return false;
}

/* w: the recording; h: half of it; e: an empty file; d: a folder; l: a link to the recording; n: a link that
 * leads nowhere. */
static void put(char kind, const char *name, const uint8_t *recording, size_t size)
{
    char path[512];
    struct stat about;
    snprintf(path, sizeof path, "%s", path_of(name));
    if (!is_usable(name) || lstat(path, &about) == 0) return;
    int failed = 0;
    if (kind == 'w' || kind == 'h' || kind == 'e')
        fuzz_put(name, recording, kind == 'w' ? size : kind == 'h' ? size / 2 : 0);
    else if (kind == 'd')
        failed = mkdir(path, 0777);
    else if (kind == 'l' || kind == 'n')
        failed = symlink(kind == 'l' ? path_of("recording") : "nowhere", path);
    fuzz_check(!failed, "cannot make a tree");
}

static void make_tree(const uint8_t *lines, size_t length, const uint8_t *recording, size_t size)
{
    for (size_t k = 0; k < FOLDER_COUNT; k++) mkdir(path_of(FOLDERS[k]), 0777);
    fuzz_put("recording", recording, size);
    for (int count = 0; length && count < FILES_MOST; count++) {
        const uint8_t *end = memchr(lines, '\n', length);
        size_t line = end ? (size_t)(end - lines) : length;
        char name[NAME_MOST + 1];
        if (line > 1 && line <= NAME_MOST && !memchr(lines, '\0', line)) {
            memcpy(name, lines + 1, line - 1);
            name[line - 1] = '\0';
            put((char)lines[0], name, recording, size);
        }
        lines += line + (end != NULL);
        length -= line + (end != NULL);
    }
}

/* After a success there are pairs to train on; after a failure nothing is left. */
static void prepare(const ap_prepare_options *options)
{
    ap_prepare_report report;
    if (fuzz_good(ap_prepare(options, &report))) {
        ap_pairs pairs;
        fuzz_check(report.training > 0, "a success without a pair");
        fuzz_check(fuzz_good(ap_pairs_list(options->out, "train", &pairs)), "a set that cannot be listed");
        fuzz_check((int64_t)pairs.count == report.training, "other pairs than are told of");
        ap_pairs_free(&pairs);
    } else if (strcmp(options->out, path_of("made")) != 0)
        fuzz_check(access(options->out, F_OK) != 0, "a failure that leaves something");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t length;
    const uint8_t *lines = fuzz_part(&data, &size, &length);
    if (size > RECORDING_MOST) return 0;
    make_tree(lines, length, data, size);
    char in[512], out[512], set[512];
    snprintf(in, sizeof in, "%s", path_of("in"));
    snprintf(out, sizeof out, "%s", path_of("out"));
    snprintf(set, sizeof set, "%s", path_of("set"));
    prepare(
        &(ap_prepare_options){.inputs = in, .targets = out, .out = set, .seconds = 0.01, .validation = 0.3});
    fuzz_remove("set");
    prepare(&(ap_prepare_options){.songs = path_of("songs"), .out = set, .seconds = 0.01, .validation = 0.5});
    fuzz_remove("set");
    prepare(&(ap_prepare_options){.songs = in, .out = path_of("made"), .seconds = 0.02});
    for (size_t k = 0; k < FOLDER_COUNT; k++) fuzz_remove(FOLDERS[k]);
    return 0;
}
