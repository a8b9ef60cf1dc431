/* What the golden cases share: the file under test and how to read, run and compare it. */
#ifndef ANTIPHON_TESTS_GOLDEN_H
#define ANTIPHON_TESTS_GOLDEN_H

#include "antiphon/codec.h"
#include "antiphon/ops.h"
#include "antiphon/params.h"
#include "antiphon/safetensors.h"
#include "antiphon/status.h"
#include "model/lapped.h"

#define GOLDEN_INPUTS_MAX 4
#define GOLDEN_OUTPUTS_MAX 4

typedef struct golden_in {
    const char *name;
    int64_t count;
    ap_real *grad;
} golden_in;

typedef struct golden_kept {
    struct golden_kept *next;
    char key[256];
    ap_real *data;
} golden_kept;

typedef struct golden {
    const char *name;
    ap_safetensors *file;
    ap_arena *arena; /* what is read from the file */
    ap_tape *tape;
    ap_params *params;
    ap_mdct *mdct; /* freed after the case when one has made it, as the next */
    ap_lapped *lapped;
    ap_codec *codec;
    golden_in inputs[GOLDEN_INPUTS_MAX];
    int input_count;
    double out, grad;      /* the worst distances so far */
    golden_kept *kept;     /* the gradients computed */
    bool rounded;          /* a second run, its inputs rounded otherwise, compared with the first */
    double condition;      /* how far the gradients then moved */
    int grads;             /* gradients compared */
    double gradient_power; /* of all gradients in the file, once it was asked for */
    bool failed;
} golden;

typedef struct golden_output_of {
    const char *name;
    ap_var *var;
} golden_output_of;

typedef struct golden_outputs {
    int count;
    golden_output_of at[GOLDEN_OUTPUTS_MAX];
} golden_outputs;

typedef struct golden_case {
    const char *name; /* NAME or the beginning of NAME_… */
    golden_outputs (*build)(golden *g);
    void (*whole)(golden *g); /* instead of build: the case compares for itself */
} golden_case;

/* All cases, ended by an entry without a name. */
extern const golden_case golden_cases[];

/* The input in.<name> as a leaf whose gradient will be compared. */
ap_var *golden_input(golden *g, const char *name);

/* A number from the file's metadata. */
int64_t golden_number(const golden *g, const char *key);
double golden_real(const golden *g, const char *key);

/* Builds g->params, which the case has registered, and loads them from param.<name>. */
void golden_load_params(golden *g);

/* A tensor of the file in g->arena, or NULL. */
ap_real *golden_read(golden *g, const char *name, ap_shape *shape);

/* Compares with out.<name>; with the gradient `key`, if the file has it; every parameter's gradient with
 * grad.<name>. */
void golden_output(golden *g, const char *name, int64_t n, const ap_real *got);
void golden_gradient(golden *g, const char *key, int64_t n, const ap_real *got);
void golden_param_gradients(golden *g);

/* Keeps this run's gradient of a key for a run with other rounding to compare with; gives it back (NULL:
 * none). */
void golden_keep(golden *g, const char *key, int64_t n, const ap_real *got);
const ap_real *golden_kept_gradient(const golden *g, const char *key);

/* Moves each number by a few units in its last place in single precision. */
void golden_round_otherwise(ap_tensor x);

/* The norm of all gradients in the file together. */
double golden_all_gradients(golden *g);

/* ||got - want|| / max(||want||, least) */
double golden_distance(int64_t n, const ap_real *got, const ap_real *want, double least);

/* Marks the case as failed and says why. */
void golden_fail(golden *g, const char *why);

/* Three whole training steps (train_step.c). */
void golden_train_step(golden *g);

#endif
