/* Composes one file from two others with a trained model: cc compose.c $(pkg-config --cflags --libs antiphon)
 */
#include <antiphon/antiphon.h>

#include <stdio.h>

int main(int count, char **words)
{
    if (count != 5) {
        fprintf(stderr, "usage: %s CHECKPOINT INPUT TARGET OUTPUT.wav\n", words[0]);
        return 2;
    }
    ap_config config;
    ap_model *model;
    ap_composed composed;
    ap_status status = ap_checkpoint_load(words[1], &config, &model);
    if (!ap_failed(&status)) {
        ap_compose_paths paths = {.output = words[4]};
        status = ap_compose_files(&config, model, words[2], words[3], &paths, NULL, NULL, &composed);
        ap_model_free(model);
    }
    if (ap_failed(&status)) {
        fprintf(stderr, "%s\n", status.message);
        return 1;
    }
    printf("%.1f s, r with the input %+.3f, with the target %+.3f\n", composed.seconds, composed.r_input,
           composed.r_target);
    return 0;
}
