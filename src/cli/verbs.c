#include "cli/verbs.h"

#define ADDRESS(name) &verb_##name,
const verb *const verbs[VERB_COUNT + 1] = {VERBS(ADDRESS) NULL};
#undef ADDRESS
