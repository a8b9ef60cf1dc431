/* The content of an evaluation. */
#ifndef ANTIPHON_EVALUATE_EVALUATION_H
#define ANTIPHON_EVALUATE_EVALUATION_H

#include "antiphon/evaluate.h"
#include "evaluate/image.h"

/* The level of an output over time, every 10 ms. */
typedef struct ap_levels {
    int64_t count;
    ap_real *at;
} ap_levels;

/* One pair of sources, and the measures of every system's output. */
typedef struct ap_evaluated_item {
    const char *name;
    bool still; /* whether a source's maxima hardly move: ap_copy_r below AP_COPY_R_LEAST */
    ap_chroma target;
    ap_levels input_levels, target_levels;
    ap_image_distance image; /* NaN: not scored */
    double *values;          /* [systems, AP_METRIC_COUNT]; NaN: not scored */
    ap_chroma *chroma;       /* [systems], of the outputs; empty: not scored */
    ap_levels *levels;       /* the same */
} ap_evaluated_item;

struct ap_evaluation {
    ap_arena *kept;  /* what lives as long as the evaluation */
    ap_arena *heard; /* the analyses of the current item */
    const char **systems;
    int system_count;
    int baselines; /* the row of the first baseline; -1: no baselines */
    ap_evaluated_item *items;
    int64_t item_count;
    double unrelated[AP_METRIC_COUNT]; /* NaN except for the metrics of ap_evaluation_unrelated */
    ap_analysis input, target;         /* of the current item; no samples before the first */
};

#endif
