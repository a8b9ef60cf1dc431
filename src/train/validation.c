#include "train/validation.h"

#include "base/memory.h"
#include "ranks/collect.h"
#include "train/batch.h"
#include "train/measures.h"
#include "train/order.h"
#include "train/together.h"

#include <stdlib.h>
#include <string.h>

/* The measures of one item; `output` [S] receives the model's output. */
static ap_status validate_item(const ap_validation *v, ap_batch *batch, const ap_choice *choice,
                               ap_real *output, ap_measures *measures)
{
    AP_TRY(ap_batch_fill(batch, v->set, 1, choice));
    ap_tape_reset(v->tape);
    ap_tape_training_set(v->tape, false);
    ap_tape_gradients_set(v->tape, false);
    ap_heard heard = ap_batch_forward(v->tape, v->model, batch);
    ap_objective(v->tape, v->config, &heard, measures);
    const ap_observer *o = v->observer;
    if (o && o->heard)
        o->heard(o->context, v->set->S, heard.input->value.data, ap_var_count(heard.zi), heard.zi->value.data,
                 heard.output->value.data);
    memcpy(output, heard.output->value.data, (size_t)v->set->S * sizeof *output);
    return ap_ok();
}

/* Adds the measures of one window to the sums: of a codec that learns from both recordings, of each. */
static ap_status validate_window(const ap_validation *v, ap_batch *batch, int64_t window, ap_real *output,
                                 ap_real *unheard, ap_measures *sums, int64_t *count)
{
    const bool both = v->config->data.unity_test && v->config->codec.train;
    for (int side = 0; side <= both; side++) {
        ap_choice own = ap_order_plain(v->config, v->set, window);
        ap_measures measures;
        own.target_side = side == 1;
        AP_TRY(validate_item(v, batch, &own, *count == 0 ? output : unheard, &measures));
        ap_measures_add(sums, &measures, 1);
        ++*count;
    }
    return ap_ok();
}

/* The ranks take turns. A codec is heard by rank 0 alone, which listens to all of it. */
static bool takes_part(const ap_validation *v, int64_t window)
{
    const bool heard = v->config->data.unity_test && v->config->codec.train;
    return heard ? ap_ranks_own() == 0 : window % ap_ranks_count() == ap_ranks_own();
}

ap_status ap_validate(const ap_validation *v, ap_measures *mean, ap_real *output, bool *whole)
{
    const ap_dataset *set = v->set;
    ap_batch batch = ap_batch_init(set, 1);
    ap_real *unheard = ap_allocate((size_t)set->S, sizeof *unheard);
    ap_measures sums = {0};
    ap_status status = ap_ok();
    int64_t count = 0, i = 0;
    for (; i < set->windows && !(v->stop && *v->stop) && !ap_failed(&status); i++)
        if (takes_part(v, i)) status = validate_window(v, &batch, i, output, unheard, &sums, &count);
    free(unheard);
    ap_batch_free(&batch);
    if (ap_failed(&status)) return status;
    *whole = !ap_ranks_any(i < set->windows);
    ap_together_sums(&sums, &count);
    *mean = ap_measures_mean(&sums, count);
    return status;
}
