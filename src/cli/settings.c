#include "cli/settings.h"

#include "antiphon/safetensors.h"
#include "base/memory.h"

#include <stdlib.h>
#include <unistd.h>

static bool is_checkpoint(const char *path)
{
    ap_safetensors *file;
    ap_status status = ap_safetensors_open(path, &file);
    if (ap_failed(&status)) return false;
    ap_safetensors_close(file);
    return true;
}

static bool is_run_folder(const char *path)
{
    char *config = ap_format_text("%s/config.json", path);
    bool there = access(config, F_OK) == 0;
    free(config);
    return there;
}

/* `where` holds the texts before and after the path that tell where to find the configuration. */
static ap_status not_a_config(const char *path, const char *what, const char *const where[2], bool train)
{
    if (!train)
        return ap_error(AP_MISUSE, "%s: is %s, not a configuration: %s%s%s", path, what, where[0], path,
                        where[1]);
    return ap_error(
        AP_MISUSE,
        "%s: is %s, not a configuration: train CONFIG.json --resume %s continues it, train CONFIG.json "
        "--init %s starts from its weights; %s%s%s",
        path, what, path, path, where[0], path, where[1]);
}

ap_status settings_load(const char *path, bool train, ap_config *config)
{
    static const char *const of_run[] = {"its configuration is ", "/config.json"};
    static const char *const of_checkpoint[] = {"antiphon info --metadata config ",
                                                " prints its configuration"};
    if (is_run_folder(path)) return not_a_config(path, "a run's folder", of_run, train);
    if (is_checkpoint(path)) return not_a_config(path, "a checkpoint", of_checkpoint, train);
    return ap_config_load(path, config);
}

ap_status settings_override(const parsed_options *options, ap_config *config)
{
    for (size_t i = 0; i < options->override_count; i++)
        AP_TRY(ap_config_override(config, options->overrides[i].key, options->overrides[i].value));
    return ap_config_check(config);
}
