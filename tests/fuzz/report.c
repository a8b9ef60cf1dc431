/* The report of a run: its log, evaluation and configuration, a byte 0xFF between them. Whatever they hold,
 * there is a page. Then the run is gone on with from step 2: its log is trimmed. */
#include "fuzz.h"

#include "antiphon/report.h"
#include "track/log.h"

#include <stdio.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"log.jsonl", "evaluation.json", "config.json"};
    char path[256];
    for (int k = 0; k < 3; k++) {
        size_t length;
        const uint8_t *part = fuzz_part(&data, &size, &length);
        fuzz_put(names[k], length || k == 0 ? part : NULL, length);
    }
    fuzz_check(fuzz_good(ap_report_write(fuzz_folder(), NULL, 2)), "no report");
    snprintf(path, sizeof path, "%s/log.jsonl", fuzz_folder());
    int descriptor;
    int64_t bytes;
    if (fuzz_good(ap_log_open(path, 2, &descriptor, &bytes))) close(descriptor);
    return 0;
}
