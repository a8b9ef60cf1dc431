/* The progress line: what it leaves out to fit, and that it is ended before anything else is printed. */
#include "track/console.h"

#include "base/print.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct shown {
    char *text;
    size_t size;
    ap_console console;
} shown;

/* What is shown is in s->text once the stream is flushed or closed. */
static void begin(shown *s, bool terminal)
{
    FILE *out = open_memstream(&s->text, &s->size);
    assert_non_null(out);
    s->console = (ap_console){.out = out, .terminal = terminal, .last_line = -INFINITY};
}

static ap_step_report report_of(int64_t count)
{
    ap_step_report r = {.epoch = count,
                        .epochs = count,
                        .batch = count,
                        .batches = count,
                        .pairs_per_second = 12.5,
                        .seconds_left = 1e6};
    r.measures.present[AP_MEASURE_LOSS] = r.measures.present[AP_MEASURE_CORR_COST] = true;
    r.measures.value[AP_MEASURE_LOSS] = 123.5;
    r.measures.value[AP_MEASURE_CORR_COST] = 13.8;
    return r;
}

/* Whether a progress line of epochs and batches of this size has these parts; it fits at any rate. */
static void has(int64_t count, bool pace, bool cost, bool left)
{
    shown s;
    begin(&s, false);
    ap_step_report r = report_of(count);
    ap_console_step(&s.console, &r);
    fclose(s.console.out);
    assert_true(strlen(s.text) <= AP_LINE_WIDTH);
    assert_true(strncmp(s.text, "epoch ", 6) == 0 && s.text[s.size - 1] == '\n');
    assert_int_equal(strstr(s.text, "pairs/s") != NULL, pace);
    assert_int_equal(strstr(s.text, "corr cost") != NULL, cost);
    assert_int_equal(strstr(s.text, "left") != NULL, left);
    free(s.text);
}

static void what_matters_least_is_left_out(void **state)
{
    (void)state;
    has(9, true, true, true);
    has(9999, false, true, true);
    has(9999999, false, false, true);
    has(999999999999999, false, false, false);
}

static void a_progress_line_is_ended_once(void **state)
{
    (void)state;
    shown s;
    begin(&s, true);
    ap_step_report r = report_of(9);
    ap_console_end(&s.console); /* there is none yet */
    assert_int_equal(ftell(s.console.out), 0);
    ap_console_step(&s.console, &r);
    fflush(s.console.out);
    assert_null(strchr(s.text, '\n'));
    ap_console_end(&s.console);
    ap_console_end(&s.console);
    fflush(s.console.out);
    assert_ptr_equal(strchr(s.text, '\n'), s.text + s.size - 1);
    size_t before = s.size;
    s.console.last_line = -INFINITY;
    ap_console_step(&s.console, &r);
    ap_console_note(&s.console, "a note takes its place");
    fflush(s.console.out);
    assert_non_null(strstr(s.text + before, "left\r\033[Ka note takes its place\n"));
    before = s.size;
    ap_console_end(&s.console);
    fclose(s.console.out);
    assert_int_equal(s.size, before);
    free(s.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_matters_least_is_left_out),
        cmocka_unit_test(a_progress_line_is_ended_once),
    };
    return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
