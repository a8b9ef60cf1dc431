/* Runs forward_NAME and gradient_NAME of every operation in the register. An operation that lacks one of the
 * two does not link. */
#include "ops/ops.h"
#include "support/check.h"

#define ENTRY(name) cmocka_unit_test(forward_##name), cmocka_unit_test(gradient_##name),

int main(void)
{
    const struct CMUnitTest tests[] = {AP_OPS(ENTRY)};
    return cmocka_run_group_tests_name("ops", tests, NULL, NULL);
}
