/* The settings of a composition by their names, as infer and Python's compose take them. */
#include "antiphon/compose.h"

#include "antiphon/agent.h"
#include "support/check.h"

#include <string.h>

#define COUNT(settings) (sizeof(settings) / sizeof *(settings))

static void every_setting_has_its_place(void **state)
{
    (void)state;
    const ap_compose_setting given[] = {
        {"seed", "2147483647"}, {"rhythm", "-0.5"},       {"harmony", "1e-1"},
        {"dry", "1"},           {"without", "timbre"},    {"section", "1:30-95.5"},
        {"channels", "2"},      {"sample_rate", "48000"}, {"variations", "1000"}};
    ap_compose_paths p = {.output = "c.wav", .limit = true};
    assert_int_equal(ap_compose_set(NULL, COUNT(given), given, &p).code, AP_OK);
    assert_true(p.knobs.seed == 2147483647 && p.knobs.rhythm == -0.5 && p.knobs.harmony == 0.1 &&
                p.knobs.dry == 1);
    assert_int_equal(p.knobs.without, 1u << AP_TIMBRE);
    assert_true(p.from == 90 && p.to == 95.5);
    assert_true(p.format.channels == 2 && p.format.sample_rate == 48000);
    assert_string_equal(p.output, "c.wav"); /* what has no name stays */
    assert_true(p.limit);
    const ap_compose_setting open[] = {{"section", "0.5-"}};
    assert_int_equal(ap_compose_set(NULL, 1, open, &p).code, AP_OK);
    assert_true(p.from == 0.5 && p.to == 0);
    assert_int_equal(ap_compose_set(NULL, 0, NULL, &p).code, AP_OK);
}

/* Whichever comes first. */
static void a_knob_counts_more_than_the_preset(void **state)
{
    (void)state;
    const ap_compose_setting given[] = {{"dry", "0"}, {"preset", "driving"}, {"seed", "7"}};
    ap_compose_paths p = {.output = NULL};
    assert_int_equal(ap_compose_set(NULL, COUNT(given), given, &p).code, AP_OK);
    assert_true(p.knobs.rhythm == 0.5 && p.knobs.dry == 0 && p.knobs.seed == 7);
}

static void refused(const ap_config *config, const char *name, const char *value, const char *line)
{
    ap_compose_paths p = {.output = NULL};
    ap_status status = ap_compose_set(config, 1, &(ap_compose_setting){name, value}, &p);
    assert_int_equal(status.code, AP_MISUSE);
    assert_string_equal(status.message, line);
}

static void what_makes_no_sense_is_named(void **state)
{
    (void)state;
    refused(NULL, "rythm", "1", "rythm: is no setting; did you mean rhythm?");
    refused(NULL, "bass", "1", "bass: is no setting");
    refused(NULL, "rhythm", "1.5", "rhythm must be between -1 and 1, not 1.5");
    refused(NULL, "rhythm", "", "rhythm needs a number, not \"\"");
    refused(NULL, "dry", "nan", "dry needs a number, not \"nan\"");
    refused(NULL, "seed", "2147483648", "seed must be between 0 and 2147483647, not 2147483648");
    refused(NULL, "seed", "0.5", "seed needs a whole number, not \"0.5\"");
    refused(NULL, "variations", "0", "variations must be between 1 and 1000, not 0");
    refused(NULL, "preset", "flaoting", "preset flaoting: there is none; did you mean floating?");
    refused(NULL, "without", "bass", "without bass: is no head; they are rhythm, harmony and timbre");
    refused(NULL, "section", "3-2", "section 3-2: ends before it begins");
}

/* Even as it is by itself; section and format are for all. */
static void a_model_without_takes_has_no_knobs(void **state)
{
    (void)state;
    ap_config config = ap_config_default();
    ap_compose_paths p = {.output = NULL};
    const ap_compose_setting all[] = {{"section", "0-1"}, {"channels", "1"}, {"sample_rate", "24000"}};
    config.agent.output = AP_OUTPUT_CASCADE;
    assert_int_equal(ap_compose_set(&config, COUNT(all), all, &p).code, AP_OK);
    refused(&config, "rhythm", "0",
            "rhythm: is for models with takes, and agent.output of this one is another");
    config.agent.output = AP_OUTPUT_TAKES;
    assert_int_equal(ap_compose_set(&config, 1, &(ap_compose_setting){"rhythm", "0"}, &p).code, AP_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_setting_has_its_place),
        cmocka_unit_test(a_knob_counts_more_than_the_preset),
        cmocka_unit_test(what_makes_no_sense_is_named),
        cmocka_unit_test(a_model_without_takes_has_no_knobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
