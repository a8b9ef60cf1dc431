#include "audio/foreign.h"

#include "base/memory.h"
#include "base/shell.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>
#include <unistd.h>

static const char *const extensions[] = {"m4a", "mp4", "aac", "alac", "wma", "ape", "wv",   "mpc", "tta",
                                         "ac3", "dts", "mka", "mkv",  "mov", "avi", "webm", "amr", "dsf"};

/* What stands in a file at `at`. */
static const struct signature {
    size_t at;
    const char *bytes;
    const char *kind;
} signatures[] = {
    {4, "ftyp", "an MP4 file (AAC or ALAC)"},
    {0, "\xFF\xF1", "an AAC file"},
    {0, "\xFF\xF9", "an AAC file"},
    {0, "ADIF", "an AAC file"},
    {0, "\x30\x26\xB2\x75", "a WMA file"},
    {0, "\x1A\x45\xDF\xA3", "a Matroska or WebM file"},
    {0, "MAC ", "a Monkey's Audio file"},
    {0, "wvpk", "a WavPack file"},
    {0, "MPCK", "a Musepack file"},
    {0, "MP+", "a Musepack file"},
    {0, "TTA1", "a TTA file"},
    {0, "\x0B\x77", "an AC-3 file"},
    {0, "\x7F\xFE\x80\x01", "a DTS file"},
    {0, "#!AMR", "an AMR file"},
    {0, "DSD ", "a DSD file"},
};

bool ap_foreign_name(const char *name)
{
    const char *dot = strrchr(ap_text_file_name(name), '.');
    for (size_t k = 0; dot && k < sizeof extensions / sizeof *extensions; k++)
        if (strcasecmp(dot + 1, extensions[k]) == 0) return true;
    return false;
}

const char *ap_foreign_kind(int descriptor)
{
    char head[16] = "";
    if (pread(descriptor, head, sizeof head, 0) != (ssize_t)sizeof head) return NULL;
    for (size_t k = 0; k < sizeof signatures / sizeof *signatures; k++)
        if (memcmp(head + signatures[k].at, signatures[k].bytes, strlen(signatures[k].bytes)) == 0)
            return signatures[k].kind;
    return NULL;
}

/* The length of a path without its extension. */
static int stem_length(const char *path)
{
    const char *dot = strrchr(ap_text_file_name(path), '.');
    return dot ? (int)(dot - path) : (int)strlen(path);
}

char *ap_foreign_find(const char *path)
{
    for (size_t k = 0; k < sizeof extensions / sizeof *extensions; k++) {
        char *other = ap_format_text("%.*s.%s", stem_length(path), path, extensions[k]);
        if (access(other, F_OK) == 0) return other;
        free(other);
    }
    return NULL;
}

char *ap_foreign_conversion(const char *path)
{
    const int length = stem_length(path);
    const bool named_wav = strcasecmp(path + length, ".wav") == 0; /* in spite of what it holds */
    char *to = ap_format_text("%.*s.%s", length, path, named_wav ? "flac" : "wav");
    char *quoted = ap_shell_word(path), *quoted_to = ap_shell_word(to);
    char *command = ap_format_text("ffmpeg -i %s %s", quoted, quoted_to);
    free(quoted_to);
    free(quoted);
    free(to);
    return command;
}
