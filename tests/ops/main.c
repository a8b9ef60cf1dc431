/* Runs forward_NAME and gradient_NAME of every operation in the register, in memory that is filled with NaN
 * whenever it changes hands. An operation that lacks one of the two does not link. */
#include "ops/ops.h"
#include "support/check.h"

#include <stdlib.h>

/* Comes after the gradients' tests. */
#define CHECK_READS(name) check_reads(#name);
static void reads_are_those_declared(void **state)
{
    (void)state;
    AP_OPS(CHECK_READS)
}

#define ENTRY(name) cmocka_unit_test(forward_##name), cmocka_unit_test(gradient_##name),

int main(void)
{
    const struct CMUnitTest tests[] = {AP_OPS(ENTRY) cmocka_unit_test(reads_are_those_declared)};
    setenv("AP_POISON", "1", 1);
    return cmocka_run_group_tests_name("ops", tests, NULL, NULL);
}
