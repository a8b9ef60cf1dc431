#include "cli/options.h"

#include "support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const verb_option table[] = {
    {.name = "out", .placeholder = "DIR", .kind = OPTION_TEXT, .help = "where to", .required = true},
    {.name = "batch_size",
     .placeholder = "B",
     .kind = OPTION_INTEGER,
     .help = "how many",
     .fallback = "8",
     .least = 1,
     .most = 64},
    {.name = "lr",
     .placeholder = "R",
     .kind = OPTION_NUMBER,
     .help = "how fast",
     .fallback = "1e-3",
     .least = 0,
     .most = INFINITY},
    {.name = "json", .kind = OPTION_FLAG, .help = "as JSON"},
    {.name = "batch",
     .placeholder = "B",
     .kind = OPTION_INTEGER,
     .help = "how many",
     .alias_of = "batch_size"},
    {.name = "corr_weight",
     .placeholder = "W",
     .kind = OPTION_NUMBER,
     .help = "of the cost",
     .alias_of = "loss.modulation"},
    {.name = "use_agent", .kind = OPTION_FLAG, .help = "compose", .alias_of = "agent.use"},
    {.name = "target", .placeholder = "FILE", .kind = OPTION_TEXTS, .help = "once or more"},
    {.name = "SECTION.KEY", .placeholder = "VALUE", .kind = OPTION_OVERRIDES, .help = "any key"},
    {.name = NULL},
};

static ap_status parse(parsed_options *options, const char *line)
{
    static char text[256];
    char *words[32];
    int count = 0;
    strcpy(text, line);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) words[count++] = word;
    return options_parse(table, count, words, options);
}

static parsed_options parsed(const char *line)
{
    parsed_options options;
    ap_status status = parse(&options, line);
    if (ap_failed(&status)) fail_msg("%s: %s", line, status.message);
    return options;
}

static void a_repeated_option_keeps_its_values(void **state)
{
    (void)state;
    parsed_options o = parsed("--target b --out y --target=a --target b");
    assert_string_equal(option_text_at(&o, "target", 0), "b");
    assert_string_equal(option_text_at(&o, "target", 1), "a");
    assert_string_equal(option_text_at(&o, "target", 2), "b");
    assert_null(option_text_at(&o, "target", 3));
    assert_string_equal(option_text(&o, "out"), "y");
    options_free(&o);
    o = parsed("--out x");
    assert_null(option_text_at(&o, "target", 0));
    options_free(&o);
    o = parsed("--out a/b// --target x/");
    assert_string_equal(option_text(&o, "out"), "a/b");
    assert_string_equal(option_text_at(&o, "target", 0), "x/");
    options_free(&o);
    o = parsed("--out=/");
    assert_string_equal(option_text(&o, "out"), "/");
    options_free(&o);
    assert_int_equal(parse(&o, "--target=").code, AP_MISUSE);
}

static void both_ways_of_giving_a_value(void **state)
{
    (void)state;
    parsed_options o = parsed("a --out=here --batch-size 16 b --lr=-0 --json -- --c");
    assert_string_equal(option_text(&o, "out"), "here");
    assert_int_equal(option_integer(&o, "batch_size"), 16);
    assert_true(option_number(&o, "lr") == 0);
    assert_true(option_flag(&o, "json"));
    assert_int_equal(o.argument_count, 3);
    assert_string_equal(o.arguments[0], "a");
    assert_string_equal(o.arguments[1], "b");
    assert_string_equal(o.arguments[2], "--c");
    assert_false(o.help);
    options_free(&o);
}

static void what_is_not_given_is_the_fallback(void **state)
{
    (void)state;
    parsed_options o = parsed("--json --out x=y --json");
    assert_string_equal(option_text(&o, "out"), "x=y");
    assert_int_equal(option_integer(&o, "batch_size"), 8);
    assert_true(option_number(&o, "lr") == 1e-3);
    assert_true(option_flag(&o, "json")); /* a flag may be repeated */
    assert_true(option_given(&o, "out"));
    assert_false(option_given(&o, "lr"));
    options_free(&o);
}

static void overrides_and_aliases_keep_their_order(void **state)
{
    (void)state;
    const char *const want[][2] = {
        {"data.path", "a b"}, {"loss.modulation", "0.5"}, {"agent.use", "true"}, {"x.y.z", "=-1"}};
    char *words[] = {"--out",   ".",  "--data.path=a b", "--corr_weight", "0.5", "--use_agent", "--batch=3",
                     "--x.y.z", "=-1"};
    parsed_options o;
    assert_int_equal(options_parse(table, 9, words, &o).code, AP_OK);
    assert_int_equal(o.override_count, 4);
    for (int k = 0; k < 4; k++) {
        assert_string_equal(o.overrides[k].key, want[k][0]);
        assert_string_equal(o.overrides[k].value, want[k][1]);
    }
    assert_int_equal(option_integer(&o, "batch_size"), 3);
    options_free(&o);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    const char *const cases[][2] = {
        {"--out x --batchsize 3", "--batchsize; did you mean --batch_size?"},
        {"--out x --zebra", "--zebra; --help"},
        {"--out x --hlep", "did you mean --help?"},
        {"--out x -v", "unknown option -v"},
        {"--out=", "--out needs a DIR, not an empty text"},
        {"--out", "--out needs a value"},
        {"--out x --json=yes", "--json takes no value"},
        {"--out x --batch_size 2.5", "--batch_size needs a whole number, not \"2.5\""},
        {"--out x --batch_size=", "--batch_size needs a whole number, not \"\""},
        {"--out x --batch_size 99999999999999999999", "needs a whole number"},
        {"--out x --batch 65", "--batch_size must be between 1 and 64, not 65"},
        {"--out x --lr fast", "--lr needs a number, not \"fast\""},
        {"--out x --lr nan", "--lr needs a number"},
        {"--out x --lr -1", "--lr must be at least 0, not -1"},
        {"--out x --corr_weight high", "--corr_weight needs a number"},
        {"--out x --data.path", "--data.path needs a value"},
        {"--out=z --out x=y", "--out is given twice, as \"z\" and as \"x=y\": which is meant?"},
        {"--out z --batch_size 3 --batch=3", "--batch_size is given twice, as \"3\" and as \"3\""},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        parsed_options o;
        ap_status status = parse(&o, cases[k][0]);
        assert_int_equal(status.code, AP_MISUSE);
        if (!strstr(status.message, cases[k][1]))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[k][0], status.message, cases[k][1]);
        assert_null(o.values);
    }
}

static void what_is_missing_is_named_when_asked_for(void **state)
{
    (void)state;
    parsed_options o = parsed("a b");
    ap_status status = options_complete(&o);
    assert_int_equal(status.code, AP_MISUSE);
    assert_string_equal(status.message, "--out DIR is missing");
    options_free(&o);
    o = parsed("--out x");
    assert_int_equal(options_complete(&o).code, AP_OK);
    options_free(&o);
}

static void without_the_hook_a_dotted_name_is_unknown(void **state)
{
    (void)state;
    parsed_options o;
    char *words[] = {"--data.path=x"};
    ap_status status = options_parse((verb_option[]){{.name = NULL}}, 1, words, &o);
    assert_int_equal(status.code, AP_MISUSE);
    assert_non_null(strstr(status.message, "unknown option --data.path"));
}

static void help_comes_first(void **state)
{
    (void)state;
    parsed_options o = parsed("--zebra --help");
    assert_true(o.help);
    options_free(&o);
    o = parsed("--out x -- --help");
    assert_false(o.help);
    options_free(&o);
}

static void the_help_says_all_there_is_to_say(void **state)
{
    (void)state;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    options_print(table, out);
    fclose(out);
    const char *const parts[] = {"--out DIR ", "where to (required)\n",        "how many (default 8)\n",
                                 "--json ",    "(the same as --batch_size)\n", "--SECTION.KEY=VALUE ",
                                 "--help "};
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
        if (!strstr(text, parts[k])) fail_msg("the help lacks \"%s\":\n%s", parts[k], text);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_of_giving_a_value),
        cmocka_unit_test(a_repeated_option_keeps_its_values),
        cmocka_unit_test(what_is_not_given_is_the_fallback),
        cmocka_unit_test(overrides_and_aliases_keep_their_order),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(what_is_missing_is_named_when_asked_for),
        cmocka_unit_test(without_the_hook_a_dotted_name_is_unknown),
        cmocka_unit_test(help_comes_first),
        cmocka_unit_test(the_help_says_all_there_is_to_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
