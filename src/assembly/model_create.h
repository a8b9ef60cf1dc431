/* A model for a file that may not hold it. */
#ifndef ANTIPHON_ASSEMBLY_MODEL_CREATE_H
#define ANTIPHON_ASSEMBLY_MODEL_CREATE_H

#include "antiphon/model.h"

/* Looks at the parameters' names and shapes before there is memory for their numbers. */
typedef ap_status ap_params_check(const ap_params *params, void *context);

/* As ap_model_create, but only if `check` agrees: so that a small file cannot ask for a large model. */
ap_status ap_model_create_checked(const ap_config *config, uint64_t seed, ap_params_check *check,
                                  void *context, ap_model **model);

#endif
