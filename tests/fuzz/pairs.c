/* The pair set: file names, a line each, and the recordings of one pair behind a byte 0xFF. */
#include "fuzz.h"

#include "antiphon/pairs.h"
#include "audio/pair_set.h"
#include "base/replace.h"
#include "train/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MOST 100
#define FILES_MOST 32

static void put(const char *name, const uint8_t *recording, size_t bytes)
{
    char path[NAME_MOST + 16];
    snprintf(path, sizeof path, "train/%s", name);
    fuzz_put(path, recording, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[256], names[FILES_MOST][NAME_MOST + 1];
    size_t length, count = 0;
    const uint8_t *lines = fuzz_part(&data, &size, &length);
    snprintf(path, sizeof path, "%s/train", fuzz_folder());
    fuzz_good(ap_make_folder(path));
    while (length && count < FILES_MOST) {
        const uint8_t *end = memchr(lines, '\n', length);
        size_t name = end ? (size_t)(end - lines) : length;
        bool usable = name && name <= NAME_MOST && !memchr(lines, '/', name) && !memchr(lines, '\0', name) &&
                      !(name <= 2 && lines[0] == '.');
        if (usable) {
            memcpy(names[count], lines, name);
            names[count][name] = '\0';
            put(names[count++], data, size);
        }
        lines += name + (end != NULL);
        length -= name + (end != NULL);
    }
    ap_pairs pairs;
    if (fuzz_good(ap_pairs_list(fuzz_folder(), "train", &pairs))) ap_pairs_free(&pairs);
    if (fuzz_good(ap_pairs_list_held_out(path, &pairs))) ap_pairs_free(&pairs);
    ap_dataset dataset;
    if (fuzz_good(ap_dataset_load(fuzz_folder(), "train", 64, &dataset))) ap_dataset_free(&dataset);
    if (fuzz_good(ap_dataset_open(fuzz_folder(), "train", 64, &dataset))) {
        ap_real window[64];
        bool there = fuzz_good(ap_dataset_copy(&dataset, fuzz_folder()));
        for (int64_t i = 0; there && i < dataset.count; i++)
            fuzz_good(ap_dataset_read(&dataset, (ap_place){i, dataset.pieces[i].length - 64}, AP_PAIR_TARGET,
                                      window));
        for (int64_t i = 0; i < 2 * dataset.count; i++) remove(dataset.pieces[i / 2].sides[i % 2].path);
        ap_dataset_free(&dataset);
    }
    for (size_t k = 0; k < count; k++) put(names[k], NULL, 0);
    return 0;
}
