/** @file params.h
 * The named parameters of a model.
 *
 * Modules register their parameters under the names used in checkpoints. ap_params_build then lays out all
 * trainable values in one contiguous buffer and their gradients in another, in the same order, so that the
 * optimiser, the gradient norm and checkpoints each walk one array. Pointers to an ap_param stay valid until
 * ap_params_free.
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
    AP_PARAM_TRAINED, /**< has a gradient and is updated by the optimiser */
    AP_PARAM_FROZEN,  /**< a constant of the model: no gradient */
    AP_PARAM_BUFFER   /**< a running statistic, updated by the forward pass in training */
} ap_param_kind;

/** The initial values of a parameter. */
typedef enum ap_init_kind {
    AP_INIT_CONSTANT,      /**< `a` */
    AP_INIT_UNIFORM,       /**< uniform in [-a, a) */
    AP_INIT_NORMAL,        /**< normal with mean 0 and standard deviation `a` */
    AP_INIT_ALL_BUT_BLOCK, /**< `a`, but zero in block `zero_block` of `blocks` equal blocks */
    AP_INIT_ROW_NORM /**< for the gains of a weight norm: `a` times the Euclidean norm of each row (first
                          index) of the parameter registered just before */
} ap_init_kind;
typedef struct ap_init {
    ap_init_kind kind;
    double a;
    int64_t zero_block, blocks; /**< used by AP_INIT_ALL_BUT_BLOCK only */
} ap_init;

typedef struct ap_param {
    const char *name; /**< as in the checkpoint, e.g. "agent.project.weight" */
    ap_param_kind kind;
    ap_init init;
    ap_tensor value; /**< data is NULL until ap_params_build */
    ap_real *grad;   /**< the same shape as value; NULL unless trained */
} ap_param;

typedef struct ap_params ap_params;

/** An empty set, owned by the caller. ap_fatal when memory runs out. */
ap_params *ap_params_create(void);

/** Frees the set with every ap_param and its numbers. NULL is allowed. */
void ap_params_free(ap_params *params);

/** Zero-filled memory that lives as long as the set. Modules keep their own structures in it. */
void *ap_params_alloc(ap_params *params, size_t bytes);

/** Registers a parameter; its name is a printf-style format. A name that is already taken is fatal. */
ap_param *ap_params_add(ap_params *params, ap_param_kind kind, ap_shape shape, ap_init init, const char *name,
                        ...) __attribute__((format(printf, 5, 6)));

/** Lays out all registered parameters, draws their initial values from `rng` in the order of registration,
 * and zeroes the gradients. To be called once. */
void ap_params_build(ap_params *params, ap_rng *rng);

/** The number of registered parameters, and the one at `index` in the order of registration. Borrowed. */
size_t ap_params_count(const ap_params *params);
ap_param *ap_params_at(const ap_params *params, size_t index);

/** The parameter of that name, or NULL. */
ap_param *ap_params_find(const ap_params *params, const char *name);

/** All trained values, and all their gradients, as flat arrays of ap_params_trained_count numbers. */
ap_real *ap_params_trained_values(const ap_params *params);
ap_real *ap_params_trained_grads(const ap_params *params);
int64_t ap_params_trained_count(const ap_params *params);

/** Sets every gradient to zero. */
void ap_params_zero_grads(ap_params *params);

/** The parameter as a leaf of the tape. Its gradient is added to param->grad. NULL (no bias) gives NULL. */
ap_var *ap_tape_param(ap_tape *tape, const ap_param *param);

AP_API_END

#endif
