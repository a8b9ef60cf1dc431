#include "track/artifact_url.h"

#ifndef AP_HAVE_CURL

#include <stddef.h>

ap_status ap_artifact_url_check(const char *server)
{
    (void)server;
    return ap_error(AP_MISUSE, "built without libcurl, which an MLflow server needs; use a folder instead");
}

char *ap_artifact_url(const char *server, const char *artifact_uri)
{
    (void)server;
    (void)artifact_uri;
    return NULL;
}

#else

#include "base/memory.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PROXY "/api/2.0/mlflow-artifacts/artifacts"
#define PROXY_SCHEME "mlflow-artifacts:"

/* Parses a URL; NULL if it is not one. */
static CURLU *parse(const char *text)
{
    CURLU *url = curl_url();
    if (!url) ap_fatal("out of memory: a URL");
    if (curl_url_set(url, CURLUPART_URL, text, CURLU_PATH_AS_IS) == CURLUE_OK) return url;
    curl_url_cleanup(url);
    return NULL;
}

/* A part of the URL, to be freed by curl_free; NULL if there is none. */
static char *part_of(CURLU *url, CURLUPart part, unsigned flags)
{
    char *text = NULL;
    return curl_url_get(url, part, &text, flags) == CURLUE_OK ? text : NULL;
}

static bool has(CURLU *url, CURLUPart part)
{
    char *text = part_of(url, part, 0);
    curl_free(text);
    return text != NULL;
}

static bool same(CURLU *a, CURLU *b, CURLUPart part)
{
    char *x = part_of(a, part, CURLU_DEFAULT_PORT), *y = part_of(b, part, CURLU_DEFAULT_PORT);
    bool equal = x && y ? strcasecmp(x, y) == 0 : x == y;
    curl_free(x);
    curl_free(y);
    return equal;
}

/* ---------------------------------------------------------------- paths */

/* The server's own path, without slashes at its end; to be freed. */
static char *own_path(CURLU *server)
{
    char *path = part_of(server, CURLUPART_PATH, 0), *copy = ap_copy_text(path ? path : "");
    for (size_t length = strlen(copy); length > 0 && copy[length - 1] == '/';) copy[--length] = '\0';
    curl_free(path);
    return copy;
}

/* Whether a decoded segment is "." or "..", or a character is one that some servers treat as '/'. */
static bool climbs(CURLU *url)
{
    char *path = part_of(url, CURLUPART_PATH, CURLU_URLDECODE);
    bool climbing = !path || strchr(path, '\\'); /* undecodable: %00 and other control characters */
    for (const char *segment = path; segment && !climbing; segment = strchr(segment, '/')) {
        segment += strspn(segment, "/");
        size_t length = strcspn(segment, "/");
        climbing = (length == 1 && segment[0] == '.') || (length == 2 && strncmp(segment, "..", 2) == 0);
    }
    curl_free(path);
    return climbing;
}

/* Whether the URL's path is `above` or below it. */
static bool is_below(CURLU *url, const char *above)
{
    char *path = part_of(url, CURLUPART_PATH, 0);
    size_t length = strlen(above);
    bool below = path && strncmp(path, above, length) == 0 && (path[length] == '/' || !path[length]);
    curl_free(path);
    return below;
}

static bool is_own(CURLU *url, CURLU *server, const char *above)
{
    return same(url, server, CURLUPART_SCHEME) && same(url, server, CURLUPART_HOST) &&
           same(url, server, CURLUPART_ZONEID) && same(url, server, CURLUPART_PORT) &&
           !has(url, CURLUPART_USER) && !has(url, CURLUPART_PASSWORD) && !has(url, CURLUPART_QUERY) &&
           !has(url, CURLUPART_FRAGMENT) && is_below(url, above) && !climbs(url);
}

/* ---------------------------------------------------------------- the URL */

/* "mlflow-artifacts:/7/abc" or "mlflow-artifacts://host:port/7/abc" as an http(s) URL whose path is that of
 * the server's proxy; to be freed. */
static char *proxied(CURLU *server, const char *own, const char *uri)
{
    const char *rest = uri + strlen(PROXY_SCHEME);
    char *scheme = part_of(server, CURLUPART_SCHEME, 0), *host = part_of(server, CURLUPART_HOST, 0);
    char *port = part_of(server, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    size_t authority = strncmp(rest, "//", 2) == 0 ? 2 + strcspn(rest + 2, "/") : 0;
    char *url =
        authority > 2
            ? ap_format_text("%s:%.*s%s" PROXY "%s", scheme, (int)authority, rest, own, rest + authority)
            : ap_format_text("%s://%s:%s%s" PROXY "%s", scheme, host, port, own, rest + authority);
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    return url;
}

/* The server's own URL, credentials included, with another's path; to be freed. */
static char *with_path(CURLU *server, CURLU *other)
{
    char *path = part_of(other, CURLUPART_PATH, 0), *text = NULL, *copy = NULL;
    if (curl_url_set(server, CURLUPART_PATH, path, 0) == CURLUE_OK) text = part_of(server, CURLUPART_URL, 0);
    if (text) copy = ap_copy_text(text);
    curl_free(path);
    curl_free(text);
    return copy;
}

char *ap_artifact_url(const char *server, const char *artifact_uri)
{
    CURLU *base = parse(server);
    if (!base) return NULL;
    char *own = own_path(base);
    bool proxy = strncasecmp(artifact_uri, PROXY_SCHEME, strlen(PROXY_SCHEME)) == 0;
    char *text = proxy ? proxied(base, own, artifact_uri) : ap_copy_text(artifact_uri);
    CURLU *url = parse(text);
    char *above = ap_format_text("%s%s", own, proxy ? PROXY : "");
    char *found = url && is_own(url, base, above) ? with_path(base, url) : NULL;
    free(above);
    free(text);
    free(own);
    curl_url_cleanup(url);
    curl_url_cleanup(base);
    return found;
}

ap_status ap_artifact_url_check(const char *server)
{
    CURLU *url = parse(server);
    if (!url) return ap_error(AP_MISUSE, "is not the address of a server, http(s)://HOST[:PORT][/PATH]");
    bool plain = !has(url, CURLUPART_QUERY) && !has(url, CURLUPART_FRAGMENT);
    curl_url_cleanup(url);
    return plain ? ap_ok()
                 : ap_error(AP_MISUSE, "is not the address of a server: it contains a '?' or a '#'");
}

#endif
