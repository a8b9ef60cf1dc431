/* What an output pays for following its sources' envelopes: cc cost.c $(pkg-config --cflags --libs antiphon)
 * -lm */
#include <antiphon/modulation.h>

#include <math.h>
#include <stdio.h>

#define SEGMENTS AP_MODULATION_SEGMENTS
#define SAMPLES (96 * SEGMENTS)

int main(void)
{
    static ap_real input[SAMPLES], target[SAMPLES], blend[SAMPLES], steady[SAMPLES];
    for (int s = 0; s < SAMPLES; s++) {
        /* two envelopes a quarter of a turn apart, constant within a segment */
        double turn = 2 * acos(-1) * (s * SEGMENTS / SAMPLES) / SEGMENTS;
        input[s] = (ap_real)(1 + cos(turn)), target[s] = (ap_real)(1 + sin(turn));
        blend[s] = (input[s] + target[s]) / 2, steady[s] = 1;
    }
    const ap_real *outputs[] = {input, blend, steady};
    for (int k = 0; k < 3; k++)
        printf("%.3f\n", (double)ap_modulation_cost_arrays(1, SAMPLES, SEGMENTS, AP_BARRIER_ORIGINAL, input,
                                                           target, outputs[k], NULL, NULL, NULL));
    return 0;
}
