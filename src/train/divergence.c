#include "train/divergence.h"

#include "antiphon/audio.h"
#include "antiphon/stop.h"
#include "base/bounds.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* The first value that is not finite: the output of an operation, or a parameter; if neither, another leaf.
 */
typedef struct finding {
    const ap_params *params;
    const char *section, *op;
    const ap_param *param;
    bool found, gradient;
} finding;

static bool is_finite(int64_t n, const ap_real *x)
{
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

static const ap_param *param_of(const ap_params *params, const ap_var *x)
{
    for (size_t i = 0; i < ap_params_count(params); i++)
        if (ap_params_at(params, i)->value.data == x->value.data) return ap_params_at(params, i);
    return NULL;
}

static void inspect(void *context, const ap_var *x, bool backward)
{
    finding *f = context;
    const ap_real *numbers = backward ? x->grad : x->value.data;
    if (f->found || !numbers || is_finite(ap_var_count(x), numbers)) return;
    f->found = true;
    f->gradient = backward;
    f->section = x->section;
    if (x->leaf)
        f->param = param_of(f->params, x);
    else
        f->op = x->op->name;
}

static void inspect_gradients(finding *f)
{
    for (size_t i = 0; i < ap_params_count(f->params) && !f->found; i++) {
        const ap_param *param = ap_params_at(f->params, i);
        if (!param->grad || is_finite(ap_shape_count(param->value.shape), param->grad)) continue;
        f->found = f->gradient = true;
        f->param = param;
    }
}

/* Repeats the step over `count` of its items, starting from the samples. Nothing is found where they cannot
 * be read any more. */
static finding probe(ap_tape *tape, const ap_failed_step *step, int64_t count, const ap_choice *choices)
{
    ap_params *params = ap_model_params(step->model);
    finding f = {.params = params};
    ap_dataset set = *step->set;
    set.T = 0; /* latents are not kept, but encoded again */
    ap_batch batch = ap_batch_init(&set, count);
    ap_status status = ap_batch_fill(&batch, &set, count, choices);
    if (ap_failed(&status)) {
        ap_batch_free(&batch);
        return f;
    }
    ap_tape_reset(tape);
    *ap_tape_rng(tape) = step->rng;
    ap_tape_training_set(tape, true);
    ap_tape_gradients_set(tape, true);
    ap_tape_frugal_set(tape, step->config->train.frugal);
    ap_tape_inspect_set(tape, inspect, &f);
    ap_heard heard = ap_batch_forward(tape, step->model, &batch);
    ap_measures measures;
    ap_var *loss = ap_objective(tape, step->config, &heard, &measures);
    if (loss) inspect(&f, loss, false);
    if (loss && !f.found) {
        ap_tape_backward(tape, loss, 1);
        inspect_gradients(&f);
    }
    ap_tape_inspect_set(tape, NULL, NULL);
    ap_tape_reset(tape);
    ap_batch_free(&batch);
    ap_params_zero_grads(params);
    return f;
}

static double peak_of(int64_t n, const ap_real *x, ap_real gain)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs((double)gain * (double)x[i]));
    return most;
}

static double peak(const ap_dataset *set, const ap_choice *c)
{
    ap_dataset bare = *set;
    bare.T = 0;
    ap_batch batch = ap_batch_init(&bare, 1);
    ap_status status = ap_batch_fill(&batch, &bare, 1, c);
    double most = ap_failed(&status)
                      ? 0
                      : fmax(peak_of(set->S, batch.input.data, 1), peak_of(set->S, batch.target.data, 1));
    ap_batch_free(&batch);
    return most;
}

/* Whether the item is finite once its samples are scaled to full scale. */
static bool does_well_at_full_scale(ap_tape *tape, const ap_failed_step *step, const ap_choice *choice,
                                    double most)
{
    ap_choice scaled = *choice;
    if (!(most > 1)) return false;
    scaled.input_gain = (ap_real)((double)scaled.input_gain / most);
    scaled.target_gain = (ap_real)((double)scaled.target_gain / most);
    return !probe(tape, step, 1, &scaled).found;
}

/* "pair_0003 from 4.0 s", or "piece 3 from 4.0 s" if the set has no names */
static char *name_window(const ap_dataset *set, ap_place place)
{
    const char *name = set->pieces[place.piece].name;
    double seconds = (double)place.at / AP_SAMPLE_RATE;
    return name ? ap_format_text("%s from %.1f s", name, seconds)
                : ap_format_text("piece %lld from %.1f s", (long long)place.piece, seconds);
}

static char *name_pair(const ap_dataset *set, const ap_choice *c)
{
    char *input = name_window(set, c->input);
    if (c->unity || (c->input.piece == c->target.piece && c->input.at == c->target.at)) return input;
    char *target = name_window(set, c->target), *both = ap_format_text("%s against %s", input, target);
    free(input);
    free(target);
    return both;
}

static char *name_place(const finding *f)
{
    const char *what = f->gradient ? "the gradient of " : "";
    if (f->param) return ap_format_text("%s%s is not finite", what, f->param->name);
    return ap_format_text("%s%s in the part \"%s\" is not finite", what, f->op ? f->op : "a constant",
                          f->section ? f->section : "start");
}

/* The name of the parameter with the largest magnitude, which *most receives. */
static const char *largest_weight(const ap_params *params, double *most)
{
    const char *name = "";
    *most = 0;
    for (size_t i = 0; i < ap_params_count(params); i++) {
        const ap_param *param = ap_params_at(params, i);
        double own = peak_of(ap_shape_count(param->value.shape), param->value.data, 1);
        if (param->kind != AP_PARAM_TRAINED || own <= *most) continue;
        *most = own;
        name = param->name;
    }
    return name;
}

static char *blame_weights(const ap_failed_step *step)
{
    double most;
    const char *name = largest_weight(ap_model_params(step->model), &most);
    if (step->trained)
        return ap_format_text("the weights have reached %.3g (%s) in this run: lower train.lr", most, name);
    return ap_format_text(
        "this run has not moved the weights yet, which are up to %.3g (%s): it is not the learning "
        "rate",
        most, name);
}

/* The first item that fails on its own; -1: none. */
static int64_t find_item(ap_tape *tape, const ap_failed_step *step, finding *f)
{
    for (int64_t k = 0; k < step->count && !ap_stop_asked(); k++) {
        *f = probe(tape, step, 1, &step->choices[k]);
        if (f->found) return k;
    }
    return -1;
}

static char *explain_item(ap_tape *tape, const ap_failed_step *step, const finding *f, const ap_choice *c)
{
    double most = peak(step->set, c);
    char *place = name_place(f), *pair = name_pair(step->set, c);
    char *why = does_well_at_full_scale(tape, step, c, most)
                    ? ap_format_text("its samples are to blame, which reach %.3g where full scale is 1", most)
                    : blame_weights(step);
    char *text = ap_format_text("%s with %s (peak %.3g); %s", place, pair, most, why);
    free(place);
    free(pair);
    free(why);
    return text;
}

char *ap_divergence_explain(ap_tape *tape, const ap_failed_step *step)
{
    finding f = {0};
    int64_t size = step->config->train.batch_size, k = find_item(tape, step, &f);
    if (k >= 0) return explain_item(tape, step, &f, &step->choices[k]);
    for (int64_t at = 0; at < step->count && !f.found && !ap_stop_asked(); at += size)
        f = probe(tape, step, ap_least(size, step->count - at), step->choices + at);
    if (!f.found && ap_stop_asked()) return ap_copy_text("interrupted before the cause was found");
    char *place = f.found ? name_place(&f) : ap_copy_text("the norm of the gradient is not finite"),
         *why = blame_weights(step);
    char *text = ap_format_text("%s with %lld items together, with none of them alone; %s", place,
                                (long long)step->count, why);
    free(place);
    free(why);
    return text;
}
