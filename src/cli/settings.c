#include "cli/settings.h"

ap_status settings_override(const parsed_options *options, ap_config *config)
{
    for (size_t i = 0; i < options->override_count; i++)
        AP_TRY(ap_config_override(config, options->overrides[i].key, options->overrides[i].value));
    return ap_config_check(config);
}
