/* The configuration: what is taken is printed, and what is printed is taken and says the same. */
#include "fuzz.h"

#include "antiphon/config.h"

#include <stdlib.h>
#include <string.h>

static void compare(const ap_config *a, const ap_config *b)
{
    char x[AP_CONFIG_TEXT], y[AP_CONFIG_TEXT];
    for (size_t i = 0; i < ap_config_count(); i++) {
        ap_config_value(a, i, x);
        ap_config_value(b, i, y);
        fuzz_check(strcmp(x, y) == 0, ap_config_name(i));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ap_config config = ap_config_default(), again = config;
    if (!fuzz_good(ap_config_load(fuzz_file(data, size), &config))) {
        compare(&config, &again); /* nothing half-taken */
        return 0;
    }
    fuzz_good(ap_config_check(&config));
    char *text = ap_config_to_json(&config);
    fuzz_check(fuzz_good(ap_config_parse("again", text, strlen(text), &again)),
               "what was printed is refused");
    compare(&config, &again);
    free(text);
    return 0;
}
