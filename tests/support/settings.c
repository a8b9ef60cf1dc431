#include "support/settings.h"

#include "support/check.h"

void set(ap_config *config, const char *key, const char *value)
{
    ap_status status = ap_config_override(config, key, value);
    assert_string_equal(status.message, "");
}

void set_all(ap_config *config, size_t count, const char *const settings[][2])
{
    for (size_t i = 0; i < count; i++) set(config, settings[i][0], settings[i][1]);
}
