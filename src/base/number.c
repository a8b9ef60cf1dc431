#include "base/number.h"

#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static bool is_whole(const char *text, double *number)
{
    char *end;
    errno = 0;
    *number = (double)strtoll(text, &end, 10);
    return end > text && !*end && errno == 0;
}

ap_status ap_number_read(const char *name, const char *text, ap_number_range range, double *value)
{
    double number;
    const bool good = range.whole ? is_whole(text, &number) : ap_text_to_number(text, &number);
    if (!good || !isfinite(number))
        return ap_error(AP_MISUSE, "%s needs a %s, not \"%s\"", name, range.whole ? "whole number" : "number",
                        text);
    if (range.least < range.most && isinf(range.most) && number < range.least)
        return ap_error(AP_MISUSE, "%s must be at least %.10g, not %s", name, range.least, text);
    if (range.least < range.most && (number < range.least || number > range.most))
        return ap_error(AP_MISUSE, "%s must be between %.10g and %.10g, not %s", name, range.least,
                        range.most, text);
    if (value) *value = number;
    return ap_ok();
}
