#include "antiphon/stop.h"

#include <stddef.h>

static const volatile sig_atomic_t *stop;

void ap_stop_flag_set(const volatile sig_atomic_t *flag)
{
    stop = flag;
}

bool ap_stop_asked(void)
{
    return stop && *stop;
}

ap_status ap_stop_check(void)
{
    return ap_stop_asked() ? ap_error(AP_INTERRUPTED, "interrupted") : ap_ok();
}
