/* The prototypes of the operations' tests, from the register: included by each family's test file. */
#ifndef ANTIPHON_TESTS_OPS_H
#define ANTIPHON_TESTS_OPS_H

#include "ops/registry.h"

#define DECLARE_TESTS(name)                                                                                  \
    void forward_##name(void **state);                                                                       \
    void gradient_##name(void **state);
AP_OPS(DECLARE_TESTS)
#undef DECLARE_TESTS

#endif
