/* A study: arms.txt, the baselines and one run's evaluation, a byte 0xFF between them; its table, JSON and
 * report. */
#include "fuzz.h"

#include "antiphon/report.h"
#include "antiphon/study.h"
#include "base/replace.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"arms.txt", "baselines.json", "a-0/evaluation.json"};
    char path[256];
    snprintf(path, sizeof path, "%s/a-0", fuzz_folder());
    fuzz_good(ap_make_folder(path));
    for (int k = 0; k < 3; k++) {
        size_t length;
        const uint8_t *part = fuzz_part(&data, &size, &length);
        fuzz_put(names[k], part, length);
    }
    ap_study study;
    if (!fuzz_good(ap_study_read(fuzz_folder(), &study))) return 0;
    char *text;
    size_t length;
    FILE *stream = open_memstream(&text, &length);
    ap_study_print(&study, stream);
    fclose(stream);
    free(text);
    snprintf(path, sizeof path, "%s/study.json", fuzz_folder());
    fuzz_good(ap_study_write(&study, path));
    ap_study_free(&study);
    fuzz_good(ap_report_write(fuzz_folder(), NULL, 1));
    return 0;
}
