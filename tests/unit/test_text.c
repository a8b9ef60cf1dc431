/* Ends of texts; numbers as text: every one reads back, whatever the host's locale. */
#include "base/text.h"

#include "antiphon/status.h"
#include "base/memory.h"
#include "support/check.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long find_nul(const char *json)
{
    const char *nul = ap_text_find_nul(json, strlen(json));
    return nul ? nul - json : -1;
}

static void nul_is_found(void **state)
{
    (void)state;
    assert_int_equal(find_nul("\"a\\u0000\""), 2);
    assert_int_equal(find_nul("\"\\\\\\u0000"), 3);
    assert_int_equal(find_nul("\"\\\\u0000\""), -1); /* a backslash and a word */
    assert_int_equal(find_nul("\"\\u0001 \\u000\""), -1);
    assert_int_equal(find_nul("\\"), -1);
    const char bytes[] = "{}\0";
    assert_ptr_equal(ap_text_find_nul(bytes, sizeof bytes), bytes + 2);
}

static void check_masked(const char *text, const char *want, const char *printed)
{
    char *copy = ap_copy_text(text), *out = NULL;
    size_t length;
    ap_text_mask_controls(copy);
    assert_string_equal(copy, want);
    FILE *stream = open_memstream(&out, &length);
    ap_text_put(stream, text);
    fclose(stream);
    assert_string_equal(out, printed ? printed : want);
    assert_true(ap_text_is_utf8(copy));
    free(copy);
    free(out);
}

static void controls_are_masked(void **state)
{
    (void)state;
    check_masked("", "", NULL);
    check_masked("plain, d\xC3\xA4mpfer \xE2\x96\x81 \xF0\x9F\x8E\xB9\xC2\xA0",
                 "plain, d\xC3\xA4mpfer \xE2\x96\x81 \xF0\x9F\x8E\xB9\xC2\xA0", NULL);
    check_masked("a\x1B[31mb\x7F\r\x08", "a?[31mb???", NULL);
    check_masked("a\tb\nc", "a?b?c", "a\tb\nc");
    check_masked("a\xC2\x9B"
                 "31mb\xC2\x80\xC2\x9F",
                 "a?31mb??", NULL); /* C1 */
    check_masked("a\x9B"
                 "31m",
                 "a?31m", NULL); /* and as bytes of Latin-1 */
    check_masked("\xE2\x80\xAEgpj.\xE2\x81\xA6\xE2\x80\x8F\xD8\x9C", "?gpj.???", NULL); /* direction */
    check_masked("a\xE2\x80\xA8\xE2\x80\xA9"
                 "b",
                 "a??b", NULL);      /* lines */
    check_masked("\xC3", "?", NULL); /* torn */
    check_masked("\xE2\x96", "??", NULL);
    check_masked("\xC0\x9B\xED\xA0\x80\xF4\x90\x80\x80", "?????????",
                 NULL); /* too long, a surrogate, too high */
    check_masked("\xE2\x9B", "??", NULL);
}

static void statuses_are_masked(void **state)
{
    (void)state;
    ap_status status = ap_error(AP_FAILED, "%s: no", "a\xC2\x9B\xE2\x80\xAE\xFF");
    assert_string_equal(status.message, "a???: no");
}

static void reads_back(double x)
{
    char text[AP_NUMBER_TEXT];
    double got;
    ap_text_of_number(x, text);
    assert_null(strchr(text, ','));
    assert_true(ap_text_to_number(text, &got));
    assert_true(got == x);
}

static void check_numbers(void)
{
    const double numbers[] = {0, 1, -1.5, 0.1, 1e-4, M_PI, 1.0 / 3, DBL_MAX, DBL_MIN, DBL_TRUE_MIN, INFINITY};
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) reads_back(numbers[k]);
}

static void numbers_read_back(void **state)
{
    (void)state;
    check_numbers();
    double x;
    assert_true(ap_text_to_number("nan", &x) && isnan(x));
    const char *const none[] = {"", "x", "1x", "1 ", "1,5", "--1"};
    for (size_t k = 0; k < sizeof none / sizeof *none; k++) assert_false(ap_text_to_number(none[k], &x));
}

/* Any of these writes a comma where C has a point; where none is installed there is nothing to try. */
static void the_hosts_locale_has_no_say(void **state)
{
    (void)state;
    static const char *const commas[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "es_ES.UTF-8",
                                         "pl_PL.UTF-8"};
    bool set = false;
    for (size_t k = 0; k < sizeof commas / sizeof *commas && !set; k++)
        set = setlocale(LC_NUMERIC, commas[k]) != NULL;
    if (!set) skip();
    char text[AP_NUMBER_TEXT];
    snprintf(text, sizeof text, "%g", 0.5);
    assert_string_equal(text, "0,5");
    check_numbers();
    snprintf(text, sizeof text, "%g", 0.5); /* the host's own is as it was */
    assert_string_equal(text, "0,5");
    setlocale(LC_NUMERIC, "C");
}

static void ends(void **state)
{
    (void)state;
    assert_true(ap_text_ends_in("weight_g", 8, "_g"));
    assert_true(ap_text_ends_in("weight_g", 6, "weight"));
    assert_true(ap_text_ends_in("x", 1, ""));
    assert_false(ap_text_ends_in("weight_g", 7, "_g"));
    assert_false(ap_text_ends_in("g", 1, "_g"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nul_is_found),        cmocka_unit_test(controls_are_masked),
        cmocka_unit_test(statuses_are_masked), cmocka_unit_test(ends),
        cmocka_unit_test(numbers_read_back),   cmocka_unit_test(the_hosts_locale_has_no_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
