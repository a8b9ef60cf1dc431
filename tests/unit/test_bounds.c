/* At the ends of its range a key's value is refused with a word, or a model can be made with it. */
#include "antiphon/model.h"
#include "support/fatal.h"
#include "support/settings.h"
#include "config/table.h"

#include <stdio.h>

/* With one head, which divides any width; small, so that a model at a key's upper end is either small too or,
 * where a width is squared, of so many layers that no machine holds it. */
static ap_config small_config(const char *codec, const char *output)
{
    ap_config config = ap_config_default();
    const char *const settings[][2] = {
        {"codec.type", codec},  {"agent.output", output}, {"codec.dim", "16"},      {"codec.width", "4"},
        {"codec.lstm", "0"},    {"codec.ratios", "2"},    {"agent.component", "4"}, {"agent.model", "32"},
        {"agent.heads", "1"},   {"agent.layers", "16"},   {"agent.ff", "64"},       {"agent.gate_bands", "4"},
        {"cascade.heads", "1"}, {"cascade.layers", "1"},
    };
    set_all(&config, sizeof settings / sizeof *settings, settings);
    return config;
}

/* Whether the configuration was let through. */
static bool check_made(const ap_config *config, const char *what)
{
    ap_status status = ap_config_check(config);
    if (ap_failed(&status)) {
        assert_int_equal(status.code, AP_MISUSE);
        assert_true(status.message[0] != '\0');
        return false;
    }
    ap_model *model = NULL;
    ap_fatal_handler_set(fatal_leave);
    if (setjmp(fatal_escape)) {
        ap_fatal_handler_set(NULL);
        fail_msg("%s: is let through, and then: %s", what, fatal_said);
    }
    status = ap_model_create(config, 1, &model);
    ap_fatal_handler_set(NULL);
    assert_true(ap_failed(&status) == !model && !model == (status.message[0] != '\0'));
    ap_model_free(model);
    return true;
}

/* The last numbers of every range and those before them, odd and even. */
static void numbers_at_the_ends_of_their_ranges(void **state)
{
    (void)state;
    const char *const parts[][2] = {{"mdct", "cascade"}, {"mdct", "gates"}, {"seanet", "direct"}};
    int let_through = 0, refused = 0;
    for (size_t k = 0; k < ap_config_key_count; k++) {
        const config_key *key = &ap_config_keys[k];
        if (key->type != TYPE_INT && key->type != TYPE_LIST) continue;
        const double values[] = {key->least, key->least + 1, key->most - 1, key->most};
        for (int i = 0; i < 3 * 4; i++) {
            ap_config config = small_config(parts[i / 4][0], parts[i / 4][1]);
            char value[32], what[200];
            snprintf(value, sizeof value, "%.0f", values[i % 4]);
            snprintf(what, sizeof what, "%s with %s = %s", parts[i / 4][0], key->name, value);
            set(&config, key->name, value);
            if (check_made(&config, what))
                let_through++;
            else
                refused++;
        }
    }
    assert_true(let_through > refused && refused > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers_at_the_ends_of_their_ranges)};
    return cmocka_run_group_tests_name("bounds", tests, NULL, NULL);
}
