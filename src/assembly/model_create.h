/* Builds a model for a file that may not match it. */
#ifndef ANTIPHON_ASSEMBLY_MODEL_CREATE_H
#define ANTIPHON_ASSEMBLY_MODEL_CREATE_H

#include "antiphon/model.h"

/* Checks names and shapes of the parameters before memory is allocated for them. */
typedef ap_status ap_params_check(const ap_params *params, void *context);

/* As ap_model_create, but only if `check` succeeds, so that a small file cannot request a large model. */
ap_status ap_model_create_checked(const ap_config *config, uint64_t seed, ap_params_check *check,
                                  void *context, ap_model **model);

#endif
