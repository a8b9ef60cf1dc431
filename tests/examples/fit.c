/* A line fitted to points, by hand on the tape: cc fit.c $(pkg-config --cflags --libs antiphon) */
#include <antiphon/antiphon.h>

#include <stdio.h>

#define POINTS 64
#define STEPS 400

int main(void)
{
    /* y = 3 a - 2 b + 1 at random places (a, b) */
    static ap_real places[POINTS][2], heights[POINTS];
    ap_rng rng = ap_rng_init(7);
    for (int p = 0; p < POINTS; p++) {
        for (int k = 0; k < 2; k++) places[p][k] = (ap_real)ap_rng_normal(&rng);
        heights[p] = 3 * places[p][0] - 2 * places[p][1] + 1;
    }

    /* parameters: registered by name, then laid out in one array, their gradients in another */
    ap_params *params = ap_params_create();
    ap_param *weight = ap_params_add(params, AP_PARAM_TRAINED, AP_SHAPE(1, 2),
                                     (ap_init){.kind = AP_INIT_UNIFORM, .a = 0.5}, "weight");
    ap_param *bias =
        ap_params_add(params, AP_PARAM_TRAINED, AP_SHAPE(1), (ap_init){.kind = AP_INIT_CONSTANT}, "bias");
    ap_params_build(params, &rng);

    ap_tape *tape = ap_tape_create(7);
    ap_adamw optimiser = ap_adamw_init(ap_params_trained_count(params));
    double first = 0, last = 0;
    for (int step = 0; step < STEPS; step++) {
        ap_var *x = ap_tape_constant(tape, (ap_tensor){AP_SHAPE(POINTS, 2), *places});
        ap_var *y = ap_tape_constant(tape, (ap_tensor){AP_SHAPE(POINTS, 1), heights});
        ap_var *guess = ap_linear(tape, x, ap_tape_param(tape, weight), ap_tape_param(tape, bias));
        ap_var *error = ap_add(tape, guess, ap_scale(tape, y, -1));
        ap_var *loss = ap_mean(tape, ap_mul(tape, error, error));
        last = (double)loss->value.data[0];
        if (step == 0) first = last;

        ap_params_zero_grads(params);
        ap_tape_backward(tape, loss, 1);
        ap_adamw_step(&optimiser, 0.05, 1, ap_params_trained_grads(params), ap_params_trained_values(params));
        ap_tape_reset(tape); /* every ap_var is void now, its memory kept for the next step */
    }
    const ap_real *w = weight->value.data;
    printf("y = %.1f a %+.1f b %+.1f; the loss fell %s\n", (double)w[0], (double)w[1],
           (double)bias->value.data[0], last < first / 1000 ? "to less than a thousandth" : "too little");

    ap_adamw_free(&optimiser);
    ap_tape_free(tape);
    ap_params_free(params);
    return !(last < first / 1000);
}
