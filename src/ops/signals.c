#include "ops/signals.h"

#include "antiphon/status.h"

ap_signals ap_signals_of(const char *who, const ap_var *x)
{
    ap_shape shape = x->value.shape;
    if (shape.rank != 2 && !(shape.rank == 3 && shape.at[1] == 1))
        ap_fatal("%s: shape %s is neither [B, S] nor [B, 1, S]", who, ap_shape_print(shape).text);
    return (ap_signals){shape.at[0], shape.at[shape.rank - 1]};
}

ap_signals ap_signals_of_both(const char *who, const ap_var *a, const ap_var *b)
{
    ap_signals of_a = ap_signals_of(who, a), of_b = ap_signals_of(who, b);
    if (of_a.B != of_b.B || of_a.S != of_b.S)
        ap_fatal("%s: shapes %s and %s differ", who, ap_shape_print(a->value.shape).text,
                 ap_shape_print(b->value.shape).text);
    return of_a;
}
