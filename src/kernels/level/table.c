#include "kernels/level/names.h"

#include "kernels/functions.h"
#include "kernels/kernel.h"
#include "kernels/level/winograd_pairs.h"

#define LEVEL_TEXT_OF(level) #level
#define LEVEL_TEXT(level) LEVEL_TEXT_OF(level)

const ap_kernel LEVEL(ap_kernel) = {.name = LEVEL_TEXT(AP_LEVEL),
                                    .pairs = AP_PAIRS,
#ifdef AP_AMX
                                    .parts = true,
#endif
#ifdef AP_FIXED
                                    .fixed = AP_FIXED,
#endif
#define MEMBER(result, name, parameters, arguments) .name = ap_##name,
                                    AP_KERNEL_FUNCTIONS(MEMBER)
#undef MEMBER
};
