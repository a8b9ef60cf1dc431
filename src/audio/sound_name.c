#include "audio/sound_name.h"

#include "base/replace.h"

#include <string.h>
#include <strings.h>

static bool ends_in(const char *path, const char *end)
{
    const char *dot = strrchr(path, '.');
    return dot && strcasecmp(dot, end) == 0;
}

bool ap_sound_name_is_flac(const char *path)
{
    return ends_in(path, ".flac");
}

ap_status ap_sound_name_check(const char *option, const char *path)
{
    if (!ends_in(path, ".wav") && !ends_in(path, ".flac"))
        return ap_error(AP_MISUSE, "--%s %s: the name must end in .wav or .flac", option, path);
    return ap_replace_check(path, ap_sound_name_is_flac(path) ? AP_FILE_FLAC : AP_FILE_WAV);
}
