#include "antiphon/status.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static ap_fatal_handler *fatal_handler;

ap_status ap_ok(void)
{
    return (ap_status){.code = AP_OK};
}

ap_status ap_error(ap_code code, const char *format, ...)
{
    ap_status status = {.code = code};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(status.message, sizeof status.message, format, arguments);
    va_end(arguments);
    ap_text_mask_controls(status.message);
    return status;
}

bool ap_failed(const ap_status *status)
{
    return status->code != AP_OK;
}

void ap_fatal_handler_set(ap_fatal_handler *handler)
{
    fatal_handler = handler;
}

void ap_fatal(const char *format, ...)
{
    char message[AP_STATUS_MESSAGE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    ap_text_mask_controls(message);
    if (fatal_handler)
        fatal_handler(message);
    else
        fprintf(stderr, "antiphon: %s\n", message);
    abort();
}
