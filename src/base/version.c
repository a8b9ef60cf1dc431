#include "antiphon/api.h"

const char *ap_version(void)
{
    return AP_VERSION;
}
