#include "ops/registry.h"

ap_reads ap_reads_of_product(const ap_var *y)
{
    ap_reads reads = AP_READS_NOTHING;
    if (y->inputs[0]->wants_grad) reads |= AP_READS_INPUT(1);
    if (y->inputs[1]->wants_grad) reads |= AP_READS_INPUT(0);
    return reads;
}
