#include "train/validation.h"

#include "base/memory.h"
#include "train/batch.h"
#include "train/measures.h"

#include <stdlib.h>
#include <string.h>

/* The measures of one item; `output` [S] receives the model's output. */
static ap_measures validate_item(const ap_validation *v, ap_batch *batch, const ap_choice *choice,
                                 ap_real *output)
{
    ap_measures measures;
    ap_batch_fill(batch, v->set, 1, choice);
    ap_tape_reset(v->tape);
    ap_tape_training_set(v->tape, false);
    ap_tape_gradients_set(v->tape, false);
    ap_heard heard = ap_batch_forward(v->tape, v->model, batch);
    ap_objective(v->tape, v->config, &heard, &measures);
    const ap_observer *o = v->observer;
    if (o && o->heard)
        o->heard(o->context, v->set->S, heard.input->value.data, ap_var_count(heard.zi), heard.zi->value.data,
                 heard.output->value.data);
    memcpy(output, heard.output->value.data, (size_t)v->set->S * sizeof *output);
    return measures;
}

bool ap_validate(const ap_validation *v, ap_measures *mean, ap_real *output)
{
    const ap_dataset *set = v->set;
    const bool unity = v->config->data.unity_test, both = unity && v->config->codec.train;
    ap_batch batch = ap_batch_init(set, 1);
    ap_real *unheard = ap_allocate((size_t)set->S, sizeof *unheard);
    ap_measures sums = {0};
    int64_t count = 0, i = 0;
    for (; i < (int64_t)set->count && !(v->stop && *v->stop); i++)
        for (int side = 0; side <= both; side++, count++) {
            const ap_choice own = {i, i, unity, side == 1, 1, 1};
            ap_measures measures = validate_item(v, &batch, &own, count == 0 ? output : unheard);
            ap_measures_add(&sums, &measures, 1);
        }
    free(unheard);
    ap_batch_free(&batch);
    *mean = ap_measures_mean(&sums, count);
    return i == (int64_t)set->count;
}
