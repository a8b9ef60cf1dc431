/* How long an untrained model takes to compose a window, by the window's length: cc window.c $(pkg-config
 * --cflags --libs antiphon) && OMP_NUM_THREADS=1 ./a.out ../../configs/compose.json */
#include <antiphon/antiphon.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 21
#define LONGEST (4 * AP_SAMPLE_RATE)

/* Processor time, which other programs do not lengthen much. */
static double milliseconds(void)
{
    return 1e3 * (double)clock() / CLOCKS_PER_SEC;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int count, char **words)
{
    static ap_real input[LONGEST], target[LONGEST], output[LONGEST];
    static const double seconds[] = {0.25, 0.5, 1, 2, 4};
    ap_config config = ap_config_default();
    ap_model *model = NULL;
    ap_status status = count == 2 ? ap_config_load(words[1], &config) : ap_error(AP_MISUSE, "usage: CONFIG");
    if (!ap_failed(&status)) status = ap_model_create(&config, 1, &model);
    if (ap_failed(&status)) {
        fprintf(stderr, "%s\n", status.message);
        return 1;
    }
    for (int i = 0; i < LONGEST; i++) {
        input[i] = (ap_real)(0.3 * rand() / RAND_MAX);
        target[i] = (ap_real)(0.3 * rand() / RAND_MAX);
    }
    ap_tape *tape = ap_tape_create(1);
    for (size_t k = 0; k < sizeof seconds / sizeof *seconds; k++) {
        double times[ROUNDS];
        for (int round = -2; round < ROUNDS; round++) { /* the first rounds ask the system for memory */
            double begun = milliseconds();
            ap_compose_window(model, tape, (int64_t)(seconds[k] * AP_SAMPLE_RATE), input, target, output);
            if (round >= 0) times[round] = milliseconds() - begun;
        }
        qsort(times, ROUNDS, sizeof *times, ascending);
        printf("%5.2f s: median %.1f ms, shortest %.1f ms\n", seconds[k], times[ROUNDS / 2], times[0]);
    }
    ap_tape_free(tape);
    ap_model_free(model);
    return 0;
}
