/* Artifacts go to the tracking server itself or nowhere, whatever it answers. */
#include "track/artifact_url.h"

#include "support/check.h"

#include <stdlib.h>

static void check_url(const char *server, const char *uri, const char *want)
{
    char *url = ap_artifact_url(server, uri);
    if (want && url)
        assert_string_equal(url, want);
    else if (want || url)
        fail_msg("%s of %s: %s, not %s", uri, server, url ? url : "NULL", want ? want : "NULL");
    free(url);
}

static int without_curl(void **state)
{
    (void)state;
    ap_status status = ap_artifact_url_check("http://host");
    return ap_failed(&status);
}

#define PROXY "/api/2.0/mlflow-artifacts/artifacts"

static void the_servers_own(void **state)
{
    if (without_curl(state)) skip();
    const char *server = "http://me:secret@host:5000/base/";
    check_url(server, "mlflow-artifacts:/7/abc", "http://me:secret@host:5000/base" PROXY "/7/abc");
    check_url(server, "mlflow-artifacts://host:5000/7/a%20b",
              "http://me:secret@host:5000/base" PROXY "/7/a%20b");
    check_url(server, "http://host:5000/base/x", "http://me:secret@host:5000/base/x");
    check_url(server, "HTTP://HOST:5000/base", "http://me:secret@host:5000/base");
    check_url(server, "http://host:5000/base/a..b/...", "http://me:secret@host:5000/base/a..b/...");
    check_url("https://host", "https://Host:443/7", "https://host/7");
    check_url("https://host:443", "https://host/7", "https://host:443/7");
    check_url("http://[::1]:5000", "http://[::1]:5000/7", "http://[::1]:5000/7");
    check_url("http://[::1]:5000/", "mlflow-artifacts:/7", "http://[::1]:5000" PROXY "/7");
}

static void anything_else(void **state)
{
    if (without_curl(state)) skip();
    const char *server = "http://host:5155/base";
    const char *const others[] = {
        "http://host:51551/base/x",      /* the port goes on */
        "http://host:5155@other/base/x", /* a name and password before another host */
        "http://host:5155@other:5155/base",
        "http://x@host:5155/base/x", /* other credentials */
        "http://x:y@host:5155/base/x",
        "http://other:5155/base/x",
        "http://host.other:5155/base/x",
        "http://host/base/x", /* the default port */
        "http://host:80/base/x",
        "https://host:5155/base/x", /* another scheme */
        "ftp://host:5155/base/x",
        "file:///base/x",
        "s3://host:5155/base/x",
        "//host:5155/base/x",
        "/base/x",
        "host:5155/base/x",
        "",
        "http://host:5155/", /* out of the path */
        "http://host:5155/bases/x",
        "http://host:5155/BASE/x",
        "http://host:5155/base/../x",
        "http://host:5155/base/%2e%2e/x",
        "http://host:5155/base/.%2E/x",
        "http://host:5155/base/%2e/x",
        "http://host:5155/base/a%2f..%2f..%2fx",
        "http://host:5155/base/..%5cx",
        "http://host:5155/base/x/..",
        "http://host:5155/base/./x",
        "http://host:5155/base/%00",
        "http://host:5155/base/%0d%0aX: y",
        "http://host:5155/base/x?to=other", /* what follows would be lost in it */
        "http://host:5155/base/x#part",
        "http://host:5155\\@other/base/x",
        "http://host:5155/base/\r\nX: y",
        "mlflow-artifacts://other/7/abc",
        "mlflow-artifacts://host:51551/7/abc",
        "mlflow-artifacts://host:5155@other/7/abc",
        "mlflow-artifacts://host/7/abc", /* the default port */
        "mlflow-artifacts:/../../7",
        "mlflow-artifacts:/7/%2e%2e/%2e%2e",
        "mlflow-artifacts:7/abc",
        "mlflow-artifacts:@other/7",
        "mlflow-artifacts:.other/7",
        "mlflow-artifacts:/7?x",
    };
    for (size_t k = 0; k < sizeof others / sizeof *others; k++) check_url(server, others[k], NULL);
    check_url("http://[::1]:5000", "http://[::2]:5000/7", NULL);
    check_url("http://127.0.0.1:5155", "http://127.0.0.1:51551/x", NULL);
    check_url("http://127.0.0.1:5155", "http://127.0.0.1:5155@other/", NULL);
}

static void addresses_of_servers(void **state)
{
    if (without_curl(state)) skip();
    const char *const good[] = {"http://host", "https://me:secret@host:5000/base/", "http://[::1]:5000"};
    const char *const bad[] = {"http://",    "http://host:port", "http://host:99999",
                               "http://a b", "http://host/?x",   "http://host/#x"};
    for (size_t k = 0; k < sizeof good / sizeof *good; k++)
        assert_int_equal(ap_artifact_url_check(good[k]).code, AP_OK);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
        assert_int_equal(ap_artifact_url_check(bad[k]).code, AP_MISUSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_servers_own),
        cmocka_unit_test(anything_else),
        cmocka_unit_test(addresses_of_servers),
    };
    return cmocka_run_group_tests_name("artifact_url", tests, NULL, NULL);
}
