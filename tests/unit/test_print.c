/* Lines for people: where they are broken, and that nothing but a space is lost. */
#include "base/print.h"

#include "support/check.h"

#include <stdlib.h>
#include <string.h>

/* What is printed of the text. */
static char *wrapped(int indent, const char *text)
{
    char *got = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&got, &size);
    assert_non_null(out);
    ap_text_put_wrapped(out, indent, text);
    fclose(out);
    return got;
}

static void prints(int indent, const char *text, const char *wanted)
{
    char *got = wrapped(indent, text);
    assert_string_equal(got, wanted);
    free(got);
}

#define TEN "123456789 "
#define SEVENTY TEN TEN TEN TEN TEN TEN TEN /* with the space at its end */

static void what_fits_stays(void **state)
{
    (void)state;
    prints(2, "", "");
    prints(2, "\n", "\n");
    prints(2, "a\n\nb", "a\n\nb");
    prints(2, "  two  spaces   stay ", "  two  spaces   stay ");
    prints(2, SEVENTY "1234567890\n", SEVENTY "1234567890\n"); /* 80 */
    /* 80 columns of more bytes */
    prints(2, SEVENTY "±▁±▁±▁±▁±▁\n", SEVENTY "±▁±▁±▁±▁±▁\n");
}

static void what_does_not_is_broken_between_words(void **state)
{
    (void)state;
    const char *const six = TEN TEN TEN TEN TEN TEN;
    char text[400], wanted[400];
    snprintf(text, sizeof text, "%s123456789 12345678901\n%s123456789 end 123456789\nnext", six, six);
    snprintf(wanted, sizeof wanted, "%s123456789\n   12345678901\n%s123456789 end\n   123456789\nnext", six,
             six);
    prints(3, text, wanted);
}

static void a_long_word_stays_whole(void **state)
{
    (void)state;
    char word[121] = {0}, text[300], wanted[300];
    memset(word, 'x', 120);
    prints(4, word, word);
    snprintf(text, sizeof text, "a %s b", word);
    snprintf(wanted, sizeof wanted, "a\n    %s\n    b", word);
    prints(4, text, wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_stays),
        cmocka_unit_test(what_does_not_is_broken_between_words),
        cmocka_unit_test(a_long_word_stays_whole),
    };
    return cmocka_run_group_tests_name("print", tests, NULL, NULL);
}
