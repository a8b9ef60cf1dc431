#include "train/notes.h"

#include "antiphon/status.h"

#include <stdarg.h>
#include <stdio.h>

void ap_observer_note(const ap_observer *observer, const char *format, ...)
{
    char line[AP_STATUS_MESSAGE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (observer->note) observer->note(observer->context, line);
}
