#include "track/place.h"

#include "base/memory.h"
#include "track/sink.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PLACES "must be a folder, a file: URI or an http(s) server"

static bool begins(const char *text, const char *with)
{
    return strncasecmp(text, with, strlen(with)) == 0;
}

bool ap_place_is_server(const char *uri)
{
    return begins(uri, "http://") || begins(uri, "https://");
}

/* ---------------------------------------------------------------- folders */

/* The path of "file:///a%20b", "file:/a", "file:a". NULL if it names another machine, or contains a byte
 * that no path has. */
static char *path_of_file_uri(const char *uri)
{
    const char *from = uri + strlen("file:");
    if (begins(from, "//")) {
        from += strlen("//");
        if (begins(from, "localhost/")) from += strlen("localhost");
        if (*from != '/') return NULL;
    }
    char *path = ap_copy_text(from), *to = path;
    for (; *from; from++) {
        char digits[3] = {0};
        if (*from == '%' && isxdigit((unsigned char)from[1]) && isxdigit((unsigned char)from[2])) {
            memcpy(digits, from + 1, 2);
            *to = (char)strtol(digits, NULL, 16);
            if (!*to++) {
                free(path);
                return NULL;
            }
            from += 2;
        } else
            *to++ = *from;
    }
    *to = '\0';
    return path;
}

/* The length of the scheme: what precedes a colon, unless a '/' comes first. 0: none. */
static size_t scheme_length(const char *uri)
{
    size_t length = strcspn(uri, ":/");
    return uri[length] == ':' ? length : 0;
}

/* Schemes that MLflow's own client accepts and this program does not, with advice. `whole`: the URI is only
 * this word, without a colon. */
static const struct {
    const char *name, *advice;
    bool whole;
} others[] = {
#define DATABRICKS                                                                                           \
    "for Databricks, use the address of the workspace (https://...), its token in MLFLOW_TRACKING_TOKEN, "   \
    "and a path there as track.experiment (/Users/NAME/antiphon)"
    {"databricks", DATABRICKS, true}, {"databricks-uc", DATABRICKS, true}, {"uc", DATABRICKS, false},
#undef DATABRICKS
#define DATABASE                                                                                             \
    "for a database, start `mlflow server --backend-store-uri URI` and use that server's http:// address"
    {"sqlite", DATABASE, false},      {"postgresql", DATABASE, false},     {"mysql", DATABASE, false},
    {"mssql", DATABASE, false},
#undef DATABASE
};

/* Advice about the URI; NULL if it can be a path. */
static const char *advice_for(const char *uri)
{
    size_t scheme = scheme_length(uri), length = strcspn(uri, "+:");
    for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
        if (strlen(others[k].name) != length || !begins(uri, others[k].name)) continue;
        if (scheme || (others[k].whole && !uri[length])) return others[k].advice;
    }
    return scheme ? "write a folder with a colon in its name as ./NAME" : NULL;
}

ap_status ap_place_folder(const char *uri, char **folder)
{
    *folder = NULL;
    if (begins(uri, "file:")) {
        *folder = path_of_file_uri(uri);
        if (*folder && **folder) return ap_ok();
        free(*folder);
        *folder = NULL;
        return ap_error(AP_MISUSE, PLACES "; a file: URI needs a path on this machine, file:///PATH");
    }
    const char *advice = advice_for(uri);
    if (advice) return ap_error(AP_MISUSE, PLACES "; %s", advice);
    *folder = ap_copy_text(uri);
    return ap_ok();
}

/* ---------------------------------------------------------------- what is shown */

char *ap_place_shown(const char *uri)
{
    const char *scheme = strstr(uri, "://");
    if (!scheme) return ap_copy_text(uri);
    const char *host = scheme + strlen("://");
    size_t length = strcspn(host, "?#");
    const char *at = memrchr(host, '@', length); /* a password may contain a '/', by mistake */
    const char *from = at ? at + 1 : host;
    return ap_format_text("%.*s%.*s", (int)(host - uri), uri, (int)(host + length - from), from);
}

/* ---------------------------------------------------------------- names from elsewhere */

/* The number of leading characters that are ASCII letters or digits or in `more`, whatever the locale. */
static size_t span(const char *text, const char *more)
{
    size_t length = 0;
    while (text[length] && (((text[length] | 32) >= 'a' && (text[length] | 32) <= 'z') ||
                            (text[length] >= '0' && text[length] <= '9') || strchr(more, text[length])))
        length++;
    return length;
}

bool ap_place_is_id(const char *text)
{
    size_t length = strlen(text);
    return length > 0 && length < TRACK_ID && span(text, "") > 0 && span(text, "_-") == length;
}

bool ap_place_is_metric(const char *text)
{
    size_t length = strlen(text);
    return length > 0 && span(text, "_-. :") == length && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}
