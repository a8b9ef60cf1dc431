#include "loss/spectral.h"

#include "ops/ops.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

static ap_var *build(ap_tape *tape, ap_var *const *in, const void *context)
{
    return ap_spectral_distance(tape, in[0], in[1], *(const ap_real *)context);
}

/* magnitudes over some orders, as spectra have them */
static ap_tensor magnitudes(uint64_t seed, ap_shape shape)
{
    ap_tensor x = random_tensor(seed, 2, shape);
    for (int64_t i = 0; i < ap_shape_count(shape); i++) x.data[i] = (ap_real)exp((double)x.data[i]);
    return x;
}

static double want_distance(int64_t n, const ap_real *a, const ap_real *b, double convergence)
{
    double difference = 0, reference = 0, logs = 0;
    for (int64_t i = 0; i < n; i++) {
        difference += pow((double)a[i] - (double)b[i], 2);
        reference += pow((double)b[i], 2);
        logs += fabs(log((double)a[i] + 1e-5) - log((double)b[i] + 1e-5));
    }
    return convergence * sqrt(difference) / (sqrt(reference) + 1e-6) + logs / (double)n;
}

void forward_spectral_distance(void **state)
{
    (void)state;
    const int64_t lengths[] = {1, 1023, 200003};
    for (int c = 0; c < 3; c++) {
        ap_tensor a = magnitudes(1, AP_SHAPE(lengths[c])), b = magnitudes(2, AP_SHAPE(lengths[c]));
        for (int weight = 0; weight < 3; weight++) {
            ap_tape *tape = ap_tape_create(0);
            ap_var *in[2] = {ap_tape_constant(tape, a), ap_tape_constant(tape, b)};
            double want = want_distance(lengths[c], a.data, b.data, weight);
            ap_real convergence = (ap_real)weight;
            check_close("spectral_distance", 1, build(tape, in, &convergence)->value.data, &want,
                        forward_tolerance());
            ap_tape_free(tape);
        }
        free(a.data);
        free(b.data);
    }
}

void gradient_spectral_distance(void **state)
{
    (void)state;
    for (int weight = 0; weight < 3; weight++) {
        ap_real convergence = (ap_real)weight;
        gradient_case c = {
            .name = "spectral_distance", .build = build, .context = &convergence, .input_count = 2};
        for (int k = 0; k < 2; k++) c.inputs[k] = magnitudes(3 + (uint64_t)k, AP_SHAPE(2, 3, 5));
        for (int64_t i = 0; i < 30; i++) { /* away from the kinks at a = b and from 0 */
            c.inputs[0].data[i] += (ap_real)0.5;
            c.inputs[1].data[i] += (ap_real)0.5;
            if (fabs((double)(c.inputs[0].data[i] - c.inputs[1].data[i])) < 0.1)
                c.inputs[0].data[i] += (ap_real)0.2;
        }
        check_gradient(&c);
        free_inputs(&c);
    }
}
