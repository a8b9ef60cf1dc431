#include "train/step.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

bool ap_step_keeps_latents(const ap_config *config)
{
    return !config->codec.train && config->data.crop == AP_CROP_GRID &&
           (config->data.augment_level_db == 0 || config->codec.type != AP_CODEC_SEANET);
}

/* Whether a parameter has one number per channel, like biases and the gains of norms, unlike matrices and
 * kernels. */
static bool is_a_number_a_channel(const ap_param *param)
{
    ap_shape shape = param->value.shape;
    return shape.rank == 0 || ap_shape_count(shape) == shape.at[0];
}

static bool *spare_from_decay(const ap_params *params)
{
    bool *spared = ap_allocate((size_t)ap_params_trained_count(params), sizeof *spared);
    for (size_t i = 0; i < ap_params_count(params); i++) {
        const ap_param *param = ap_params_at(params, i);
        if (param->kind != AP_PARAM_TRAINED || !is_a_number_a_channel(param)) continue;
        bool *at = spared + (param->value.data - ap_params_trained_values(params));
        memset(at, true, (size_t)ap_shape_count(param->value.shape) * sizeof *at);
    }
    return spared;
}

ap_adamw ap_step_optimiser(const ap_config *config, ap_model *model)
{
    ap_adamw optimiser = ap_adamw_init(ap_params_trained_count(ap_model_params(model)));
    optimiser.beta1 = config->train.beta1;
    optimiser.beta2 = config->train.beta2;
    optimiser.eps = config->train.eps;
    optimiser.weight_decay = config->train.weight_decay;
    if (config->train.ema > 0)
        ap_adamw_average(&optimiser, config->train.ema, ap_params_trained_values(ap_model_params(model)));
    if (config->train.decay == AP_DECAY_WEIGHTS) optimiser.spared = spare_from_decay(ap_model_params(model));
    return optimiser;
}

static ap_heard forward(ap_tape *tape, const ap_config *config, ap_model *model, const ap_batch *batch)
{
    ap_tape_reset(tape);
    ap_tape_training_set(tape, true);
    ap_tape_gradients_set(tape, true);
    ap_tape_frugal_set(tape, config->train.frugal);
    return ap_batch_forward(tape, model, batch);
}

ap_measures ap_step_gradient(ap_tape *tape, const ap_config *config, ap_model *model, const ap_batch *batch,
                             double share)
{
    ap_heard heard = forward(tape, config, model, batch);
    ap_measures measures;
    ap_var *loss = ap_objective(tape, config, &heard, &measures);
    if (loss) ap_tape_backward(tape, loss, (ap_real)(share * ap_tape_share(tape)));
    return measures;
}

ap_measures ap_step_gradient_balanced(ap_tape *tape, ap_tape *terms, const ap_config *config, ap_model *model,
                                      const ap_batch *batch, ap_balancer *balancer, double share)
{
    ap_heard heard = forward(tape, config, model, batch);
    ap_measures measures;
    ap_objective_balanced(tape, terms, config, &heard, balancer, share, &measures);
    ap_tape_backward_all(tape);
    return measures;
}

double ap_step_update(const ap_config *config, ap_model *model, ap_adamw *optimiser, double learning_rate)
{
    ap_params *params = ap_model_params(model);
    ap_real *grads = ap_params_trained_grads(params);
    double norm = ap_norm(ap_params_trained_count(params), grads);
    if (isfinite(norm))
        ap_adamw_step(optimiser, learning_rate, ap_clip_scale(norm, config->train.clip), grads,
                      ap_params_trained_values(params));
    ap_params_zero_grads(params);
    return norm;
}
