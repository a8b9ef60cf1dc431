/* usage: mpirun -n N equality FOLDER: training by N ranks comes to what it comes to with one, and the same
 * bits each time. Steps at the end of an epoch have fewer items than there may be ranks. */
#include "antiphon/ranks.h"
#include "base/memory.h"
#include "support/settings.h"
#include "support/training.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 21
/* The double build runs this test too. There each parameter must agree, and a sum that misses a rank shows.
 * In single precision sums in another order are rounded otherwise, and 21 steps of AdamW enlarge that: with 2
 * ranks all parameters together are 5e-4 off, with 4 ranks 7e-4. That bound only finds gross faults. */
#define LIMIT (sizeof(ap_real) == sizeof(double) ? 1e-5 : 2e-3)

static ap_config settle(const char *folder)
{
    ap_config config = training_config(folder);
    const char *const settings[][2] = {
        {"agent.compositional", "true"}, {"agent.dropout", "0.1"},    {"cascade.dropout", "0.1"},
        {"loss.novelty", "0.1"},         {"loss.rms_target", "1"},    {"loss.rms_input", "0.5"},
        {"loss.spectral", "0.2"},        {"loss.corr_weight", "0.5"}, {"loss.mel", "0.1"},
        {"train.batch_size", "4"},       {"train.epochs", "7"},       {"train.clip", "1"},
        {"data.augment_level_db", "6"},  {"train.eps", "0.01"},
    };
    set_all(&config, sizeof settings / sizeof *settings, settings);
    return config;
}

/* Trains in FOLDER/NAME and loads what came of it. */
static ap_model *train(const char *folder, const char *name)
{
    ap_config config = settle(folder), loaded;
    char *run = ap_format_text("%s/%s", folder, name), *last = ap_format_text("%s/last.safetensors", run);
    training_record record = training_run(&config, run, NULL, 0);
    ap_model *model = NULL;
    ap_status status = record.status;
    if (ap_ranks_own() == 0 && !ap_failed(&status)) status = ap_checkpoint_load(last, &loaded, &model);
    if (ap_failed(&status) || record.steps != STEPS) {
        fprintf(stderr, "%s: %d steps: %s\n", name, record.steps, status.message);
        exit(EXIT_FAILURE);
    }
    free(run);
    free(last);
    return model;
}

/* The largest distance of a parameter from what it should be, as a share of its norm. In single precision,
 * where some gradients, as of the keys' biases, are nothing but rounding, of all parameters together. */
static double distance(ap_model *a, ap_model *b, const char **which)
{
    double most = 0, all_difference = 0, all_size = 0;
    for (size_t i = 0; i < ap_params_count(ap_model_params(a)); i++) {
        const ap_param *p = ap_params_at(ap_model_params(a), i), *q = ap_params_at(ap_model_params(b), i);
        double difference = 0, size = 0;
        for (int64_t k = 0; k < ap_shape_count(p->value.shape); k++) {
            difference += pow((double)p->value.data[k] - (double)q->value.data[k], 2);
            size += pow((double)q->value.data[k], 2);
        }
        all_difference += difference;
        all_size += size;
        double share = size > 0 ? sqrt(difference / size) : difference;
        if (share <= most) continue;
        most = share;
        *which = p->name;
    }
    return sizeof(ap_real) == sizeof(double) ? most : sqrt(all_difference / all_size);
}

int main(int count, char **words)
{
    const char *rank = getenv("OMPI_COMM_WORLD_RANK");
    char *folder = ap_format_text("%s", count > 1 ? words[1] : ".");
    ap_model *alone = NULL;
    if (!rank) rank = getenv("PMI_RANK");
    omp_set_num_threads(1);
    if (!rank || atoi(rank) == 0) {
        for (int k = 0; k < 10; k++) training_write_pair(folder, "train", k, 0.1, 0.1 + 0.02 * k, 0.3);
        for (int k = 0; k < 3; k++) training_write_pair(folder, "val", k, 0.1, 0.1, 0.3);
        alone = train(folder, "alone");
    }
    ap_status status = ap_ranks_begin();
    if (ap_failed(&status)) {
        fprintf(stderr, "%s\n", status.message);
        return EXIT_FAILURE;
    }
    omp_set_num_threads(1);
    ap_model *first = train(folder, "first"), *second = train(folder, "second");
    if (ap_ranks_own() == 0) {
        const char *which = "";
        double again = distance(second, first, &which), from_one = distance(first, alone, &which);
        printf("%s; off by %.2g from one rank (%s), by %.2g the second time\n", ap_ranks_line(), from_one,
               which, again);
        if (!(from_one < LIMIT) || again != 0 || ap_ranks_count() < 2)
            status = ap_error(AP_FAILED, "ranks differ");
    }
    status = ap_ranks_end(status);
    return ap_failed(&status) ? EXIT_FAILURE : EXIT_SUCCESS;
}
