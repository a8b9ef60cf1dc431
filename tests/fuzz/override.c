/* KEY=VALUE of the command line, numbers, UTF-8 and what may have been meant. */
#include "fuzz.h"

#include "antiphon/config.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), again[AP_NUMBER_TEXT];
    memcpy(text, data, size);
    text[size] = '\0';
    double x, y;
    if (ap_text_to_number(text, &x)) {
        ap_text_of_number(x, again);
        fuzz_check(ap_text_to_number(again, &y) && (x == y || (isnan(x) && isnan(y))), again);
    }
    ap_text_is_utf8(text);
    char *value = strchr(text, '=');
    if (value) *value++ = '\0';
    ap_config config = ap_config_default();
    if (fuzz_good(ap_config_override(&config, text, value))) fuzz_good(ap_config_check(&config));
    free(text);
    return 0;
}
