/* Points with intervals: where they are drawn, and names that do not cover one another. */
#include "support/check.h"
#include "support/text.h"
#include "report/chart_points.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static char *drawn(void (*draw)(page *, const chart_points *), const chart_points *c)
{
    page p;
    size_t length;
    ap_page_open(&p);
    draw(&p, c);
    return ap_page_close(&p, &length);
}

/* Axes reach from 0 to 5 % beyond the largest: 1.05 x 4 = 4.2. */
static void rows_show_intervals(void **state)
{
    (void)state;
    const chart_point points[] = {{"a<b", "held", {2.1, 0, 4}, {0, 0, 0}},
                                  {"nothing", "missed", {NAN, NAN, NAN}, {0, 0, 0}}};
    chart_points c = {
        .title = "t & u", .x_name = "at most", .x_mark = 3.15, .y_mark = NAN, .count = 2, .points = points};
    char *text = drawn(ap_chart_rows, &c);
    assert_non_null(strstr(
        text, "<circle class=\"held\" cx=\"50.00%\" cy=\"25.00%\" r=\"4\"><title>a&lt;b: 2.1 (0 to 4)"));
    assert_non_null(
        strstr(text, "<line class=\"held\" x1=\"0.00%\" y1=\"25.00%\" x2=\"95.24%\" y2=\"25.00%\"/>"));
    assert_non_null(
        strstr(text, "<line class=\"mark\" x1=\"75.00%\" y1=\"100.00%\" x2=\"75.00%\" y2=\"0.00%\"/>"));
    assert_non_null(strstr(text, "<b>t &amp; u</b>"));
    /* what has no value has a name all the same */
    assert_int_equal(text_occurrences(text, "<circle"), 1);
    assert_int_equal(text_occurrences(text, ">nothing</text>"), 1);
    free(text);
}

/* The heights, in percent from above, of the texts with a class. */
static int heights(const char *text, const char *class, double *at)
{
    int count = 0;
    for (const char *from = text; (from = strstr(from, class)); from++) {
        const char *y = strstr(from, " y=\"");
        at[count++] = atof(y + 4);
    }
    return count;
}

static void names_keep_apart(void **state)
{
    enum { N = 8 };
    (void)state;
    chart_point points[N];
    double at[N + 1];
    for (int low = 0; low < 2; low++) { /* all at one place, at the top and at the bottom */
        for (int i = 0; i < N; i++)
            points[i] = (chart_point){"name", "held", {1, 1, 1}, {low ? 0 : 1, 0, low ? 0 : 1}};
        chart_points c = {.title = "t",
                          .x_name = "x",
                          .y_name = "y",
                          .x_mark = 0,
                          .y_mark = 0.5,
                          .count = N,
                          .points = points};
        char *text = drawn(ap_chart_scatter, &c);
        assert_int_equal(text_occurrences(text, "<circle"), N);
        assert_int_equal(heights(text, "<text class=\"before\"", at), N);
        for (int i = 0; i < N; i++) {
            assert_true(at[i] >= 0 && at[i] <= 100);
            for (int k = 0; k < i; k++) assert_true(fabs(at[i] - at[k]) > 4);
        }
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_show_intervals),
        cmocka_unit_test(names_keep_apart),
    };
    return cmocka_run_group_tests_name("chart_points", tests, NULL, NULL);
}
