#include "antiphon/losses.h"

#include "ops/ops.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

static ap_var *build(ap_tape *tape, ap_var *const *in, const void *context)
{
    (void)context;
    return ap_rms_loss(tape, in[0], in[1]);
}

void forward_rms_loss(void **state)
{
    (void)state;
    /* long enough for several threads; the codecs' shape beside that of plain audio */
    const int64_t B = 3, S = 20011;
    ap_tensor a = random_tensor(1, 1, AP_SHAPE(B, 1, S)), b = random_tensor(2, 1, AP_SHAPE(B, S));
    double want = 0;
    for (int64_t i = 0; i < B * S; i++)
        want += pow((double)a.data[i] - (double)b.data[i], 2) / (double)(B * S);
    want = sqrt(want);
    ap_tape *tape = ap_tape_create(0);
    ap_var *in[2] = {ap_tape_constant(tape, a), ap_tape_constant(tape, b)};
    check_close("rms_loss", 1, build(tape, in, NULL)->value.data, &want, forward_tolerance());
    ap_tape_free(tape);
    free(a.data);
    free(b.data);
}

void gradient_rms_loss(void **state)
{
    (void)state;
    gradient_case c = {.name = "rms_loss", .build = build, .input_count = 2};
    for (int k = 0; k < 2; k++) c.inputs[k] = random_tensor(3 + (uint64_t)k, 1, AP_SHAPE(2, 13));
    check_gradient(&c);
    free_inputs(&c);
}
