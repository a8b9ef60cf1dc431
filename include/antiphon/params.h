/** @file params.h
 * The named parameters of a model.
 *
 * Modules register what they need under the names of the checkpoint, then ap_params_build lays all trainable
 * values out in one contiguous buffer and their gradients in another of the same order, so that the
 * optimiser, the norm, data-parallel sums and checkpoints walk one array. Pointers to an ap_param stay valid
 * until ap_params_free.
 */
#ifndef ANTIPHON_PARAMS_H
#define ANTIPHON_PARAMS_H

#include "antiphon/api.h"
#include "antiphon/rng.h"
#include "antiphon/tape.h"
#include "antiphon/tensor.h"

#include <stddef.h>

AP_API_BEGIN

typedef enum ap_param_kind {
    AP_PARAM_TRAINED, /**< has a gradient, is moved by the optimiser */
    AP_PARAM_FROZEN,  /**< a constant of the model: no gradient */
    AP_PARAM_BUFFER   /**< a running statistic, written by the forward pass in training */
} ap_param_kind;

/** How a parameter starts: constant `a`; uniform in [-a, a); normal with standard deviation `a`; `a`, but
 * zero in the one numbered `zero_block` of `blocks` equal blocks of its elements; `a` times the Euclidean
 * norm of each row (first index) of the parameter registered just before, for the gains of a weight norm. */
typedef enum ap_init_kind {
    AP_INIT_CONSTANT,
    AP_INIT_UNIFORM,
    AP_INIT_NORMAL,
    AP_INIT_ALL_BUT_BLOCK,
    AP_INIT_ROW_NORM
} ap_init_kind;
typedef struct ap_init {
    ap_init_kind kind;
    double a;
    int64_t zero_block, blocks; /**< of AP_INIT_ALL_BUT_BLOCK */
} ap_init;

typedef struct ap_param {
    const char *name; /**< as in the checkpoint, e.g. "agent.project.weight" */
    ap_param_kind kind;
    ap_init init;
    ap_tensor value; /**< data is NULL until ap_params_build */
    ap_real *grad;   /**< as many numbers; NULL unless trained */
} ap_param;

typedef struct ap_params ap_params;

/** An empty set, owned by the caller. */
ap_params *ap_params_create(void);

/** Frees the set, every ap_param and their numbers. NULL is allowed. */
void ap_params_free(ap_params *params);

/** Zero-filled memory that lives as long as the set: modules keep themselves and their tables in it. */
void *ap_params_alloc(ap_params *params, size_t bytes);

/** Registers a parameter named by a printf-style format. A name given twice is misuse. */
ap_param *ap_params_add(ap_params *params, ap_param_kind kind, ap_shape shape, ap_init init, const char *name,
                        ...) __attribute__((format(printf, 5, 6)));

/** Lays out all registered parameters, draws their first values from `rng` in the order of registration, and
 * zeroes the gradients. Called once. */
void ap_params_build(ap_params *params, ap_rng *rng);

/** How many parameters are registered, and the one at `index` in the order of registration. Borrowed. */
size_t ap_params_count(const ap_params *params);
ap_param *ap_params_at(const ap_params *params, size_t index);

/** The parameter of that name, or NULL. */
ap_param *ap_params_find(const ap_params *params, const char *name);

/** All trained values and all their gradients as two flat arrays of ap_params_trained_count numbers. */
ap_real *ap_params_trained_values(const ap_params *params);
ap_real *ap_params_trained_grads(const ap_params *params);
int64_t ap_params_trained_count(const ap_params *params);

/** Sets every gradient to zero. */
void ap_params_zero_grads(ap_params *params);

/** The parameter as a leaf of the tape; its gradient goes to param->grad. NULL gives NULL (no bias). */
ap_var *ap_tape_param(ap_tape *tape, const ap_param *param);

AP_API_END

#endif
