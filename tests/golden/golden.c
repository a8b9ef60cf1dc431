/* Holds the library against vectors made by the PyTorch statement of the model.
 *
 * usage: golden DIR
 *
 * Reads every NAME.safetensors in DIR whose NAME it knows. A file holds inputs as in.*, parameters as
 * param.*, outputs as out.* and gradients as grad.in.* (of inputs) and grad.* (of parameters); where the
 * first output is no scalar the loss is the sum of first output x in.grad_weight. Prints one line a file and
 * exits with 1 if an output is off by more than 1e-4 or a gradient by more than 1e-3 (relative L2), or if it
 * found no file at all. */
#include "golden/golden.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUT_MOST 1e-4
#define GRAD_MOST 1e-3
#define CONDITION_FACTOR 4.0
/* How far inputs are moved to see that: a few units in the last place, as a transform of thousands of terms
 * rounds. */
#define ROUNDING 0x1p-20
/* A gradient below this share of all gradients of the file is rounding noise of a true zero (a bias before
 * BatchNorm, a key's bias): it is held to the share instead of to itself. */
#define GRAD_NOISE 1e-4

/* ---------------------------------------------------------------- comparing */

double golden_distance(int64_t n, const ap_real *got, const ap_real *want, double least)
{
    double difference = 0, norm = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = (double)got[i] - (double)want[i];
        difference += d * d;
        norm += (double)want[i] * (double)want[i];
    }
    norm = fmax(sqrt(norm), least);
    return norm > 0 ? sqrt(difference) / norm : sqrt(difference / (double)n);
}

static void worst(double *of, double value)
{
    if (!(value <= *of)) *of = value; /* NaN counts as worst, and stays */
}

ap_real *golden_read(golden *g, const char *name, ap_shape *shape)
{
    long at = ap_safetensors_find(g->file, name);
    if (at < 0) return NULL;
    ap_shape s = ap_safetensors_shape(g->file, (size_t)at);
    ap_real *data = ap_arena_alloc(g->arena, (size_t)ap_shape_count(s) * sizeof(ap_real));
    ap_status status = ap_safetensors_read(g->file, (size_t)at, data);
    if (ap_failed(&status)) golden_fail(g, status.message);
    if (shape) *shape = s;
    return data;
}

void golden_fail(golden *g, const char *why)
{
    if (!g->failed) printf("%s FAILED: %s\n", g->name, why);
    g->failed = true;
}

double golden_all_gradients(golden *g)
{
    if (g->gradient_power > 0) return sqrt(g->gradient_power);
    for (size_t i = 0; i < ap_safetensors_count(g->file); i++) {
        const char *name = ap_safetensors_name(g->file, i);
        ap_shape shape;
        if (strncmp(name, "grad.", 5) != 0) continue;
        const ap_real *x = golden_read(g, name, &shape);
        for (int64_t k = 0; k < ap_shape_count(shape); k++) g->gradient_power += (double)x[k] * (double)x[k];
    }
    return sqrt(g->gradient_power);
}

void golden_output(golden *g, const char *name, int64_t n, const ap_real *got)
{
    char key[160];
    ap_shape shape;
    snprintf(key, sizeof key, "out.%s", name);
    const ap_real *want = golden_read(g, key, &shape);
    if (!want || ap_shape_count(shape) != n)
        golden_fail(g, want ? "an output has another size" : "an output is not in the file");
    else
        worst(&g->out, golden_distance(n, got, want, 0));
}

void golden_keep(golden *g, const char *key, int64_t n, const ap_real *got)
{
    golden_kept *kept = ap_arena_zeros(g->arena, sizeof *kept);
    snprintf(kept->key, sizeof kept->key, "%s", key);
    kept->data = ap_arena_alloc(g->arena, (size_t)n * sizeof *got);
    memcpy(kept->data, got, (size_t)n * sizeof *got);
    kept->next = g->kept;
    g->kept = kept;
}

const ap_real *golden_kept_gradient(const golden *g, const char *key)
{
    for (const golden_kept *k = g->kept; k; k = k->next)
        if (strcmp(k->key, key) == 0) return k->data;
    return NULL;
}

void golden_gradient(golden *g, const char *key, int64_t n, const ap_real *got)
{
    ap_shape shape;
    const ap_real *want = golden_read(g, key, &shape);
    if (!want) return; /* the reference gave it none */
    if (ap_shape_count(shape) != n) {
        golden_fail(g, "a gradient has another size");
        return;
    }
    double least = GRAD_NOISE * golden_all_gradients(g);
    if (g->rounded) {
        worst(&g->condition, golden_distance(n, got, golden_kept_gradient(g, key), least));
        return;
    }
    worst(&g->grad, golden_distance(n, got, want, least));
    golden_keep(g, key, n, got);
    g->grads++;
}

/* ---------------------------------------------------------------- inputs, parameters, metadata */

void golden_round_otherwise(ap_tensor x)
{
    ap_rng rng = ap_rng_init(1);
    for (int64_t i = 0; i < ap_shape_count(x.shape); i++)
        x.data[i] *= (ap_real)(1 + (ap_rng_uniform(&rng) - 0.5) * ROUNDING);
}

ap_var *golden_input(golden *g, const char *name)
{
    char key[160];
    snprintf(key, sizeof key, "in.%s", name);
    ap_tensor value = {.data = NULL};
    value.data = golden_read(g, key, &value.shape);
    if (!value.data) ap_fatal("%s: no %s in the file", g->name, key);
    if (g->rounded) golden_round_otherwise(value);
    golden_in *in = &g->inputs[g->input_count++];
    in->name = name;
    in->count = ap_shape_count(value.shape);
    in->grad = ap_arena_zeros(g->arena, (size_t)in->count * sizeof(ap_real));
    return ap_tape_leaf(g->tape, value, in->grad);
}

static const char *metadata(const golden *g, const char *key)
{
    const char *text = ap_safetensors_metadata(g->file, key);
    if (!text) ap_fatal("%s: no metadata %s", g->name, key);
    return text;
}

int64_t golden_number(const golden *g, const char *key)
{
    return strtoll(metadata(g, key), NULL, 10);
}

double golden_real(const golden *g, const char *key)
{
    return strtod(metadata(g, key), NULL);
}

void golden_load_params(golden *g)
{
    ap_rng rng = ap_rng_init(0);
    ap_params_build(g->params, &rng);
    for (size_t i = 0; i < ap_params_count(g->params); i++) {
        ap_param *param = ap_params_at(g->params, i);
        char key[256];
        snprintf(key, sizeof key, "param.%s", param->name);
        ap_status status = ap_safetensors_load(g->file, key, param->value);
        if (ap_failed(&status)) golden_fail(g, status.message);
    }
}

void golden_param_gradients(golden *g)
{
    char key[256];
    for (size_t i = 0; i < ap_params_count(g->params); i++) {
        const ap_param *param = ap_params_at(g->params, i);
        snprintf(key, sizeof key, "grad.%s", param->name);
        if (param->grad) golden_gradient(g, key, ap_shape_count(param->value.shape), param->grad);
    }
}

/* ---------------------------------------------------------------- one file */

static void backward(golden *g, ap_var *first)
{
    if (ap_shape_count(first->value.shape) == 1) {
        ap_tape_backward(g->tape, first, 1);
        return;
    }
    ap_real *dy = ap_var_grad(g->tape, first);
    const ap_real *weight = golden_read(g, "in.grad_weight", NULL);
    if (!dy || !weight) {
        golden_fail(g, "no in.grad_weight for an output that is no scalar");
        return;
    }
    memcpy(dy, weight, (size_t)ap_shape_count(first->value.shape) * sizeof *dy);
    ap_tape_backward_all(g->tape);
}

static void run(golden *g, const golden_case *c)
{
    char key[256];
    ap_tape_training_set(g->tape, !strstr(g->name, "_eval"));
    if (c->whole) {
        c->whole(g);
        return;
    }
    golden_outputs outputs = c->build(g);
    for (int k = 0; k < outputs.count; k++) {
        const ap_tensor *value = &outputs.at[k].var->value;
        golden_output(g, outputs.at[k].name, ap_shape_count(value->shape), value->data);
    }
    backward(g, outputs.at[0].var);
    for (int k = 0; k < g->input_count; k++) {
        snprintf(key, sizeof key, "grad.in.%s", g->inputs[k].name);
        golden_gradient(g, key, g->inputs[k].count, g->inputs[k].grad);
    }
    golden_param_gradients(g);
}

/* What a gradient may be off by: where the reference's own rounding goes further than the tolerance (through
 * the logarithm of a magnitude that is nearly zero), as much as our gradient moves when the inputs are
 * rounded otherwise, four times over. */
static double gradient_limit(golden *g, const golden_case *c)
{
    if (g->grad <= GRAD_MOST || g->failed) return GRAD_MOST;
    ap_codec_free(g->codec);
    ap_params_free(g->params);
    g->params = ap_params_create();
    ap_mdct_free(g->mdct);
    ap_lapped_free(g->lapped);
    g->mdct = NULL;
    g->lapped = NULL;
    g->codec = NULL;
    ap_tape_reset(g->tape);
    g->input_count = 0;
    g->rounded = true;
    run(g, c);
    return fmax(GRAD_MOST, CONDITION_FACTOR * g->condition);
}

static bool run_file(const char *folder, const char *name, const golden_case *c)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.safetensors", folder, name);
    golden g = {
        .name = name, .arena = ap_arena_create(), .tape = ap_tape_create(0), .params = ap_params_create()};
    ap_status status = ap_safetensors_open(path, &g.file);
    if (ap_failed(&status))
        golden_fail(&g, status.message);
    else
        run(&g, c);
    double limit = gradient_limit(&g, c);
    bool good = !g.failed && g.out <= OUT_MOST && g.grad <= limit && g.grads > 0;
    if (!g.failed) {
        printf("%s out=%.2e grad=%.2e", name, g.out, g.grad);
        if (g.rounded) printf("  (inputs rounded otherwise move it by %.2e)", g.condition);
        printf("%s\n", good ? "" : "  OFF");
    }
    if (!ap_failed(&status)) ap_safetensors_close(g.file);
    ap_mdct_free(g.mdct);
    ap_lapped_free(g.lapped);
    ap_codec_free(g.codec);
    ap_params_free(g.params);
    ap_tape_free(g.tape);
    ap_arena_free(g.arena);
    return good;
}

/* the case of a name: the longest known beginning that ends where the name ends or a "_" follows */
static const golden_case *find_case(const char *name)
{
    const golden_case *found = NULL;
    for (const golden_case *c = golden_cases; c->name; c++) {
        size_t length = strlen(c->name);
        bool fits = strncmp(name, c->name, length) == 0 && (name[length] == '\0' || name[length] == '_');
        if (fits && (!found || length > strlen(found->name))) found = c;
    }
    return found;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: golden DIR\n");
        return 2;
    }
    struct dirent **entries;
    int count = scandir(argv[1], &entries, NULL, alphasort);
    if (count < 0) {
        fprintf(stderr, "golden: %s: cannot be listed\n", argv[1]);
        return 1;
    }
    int passed = 0, failed = 0;
    for (int i = 0; i < count; i++) {
        char *name = entries[i]->d_name, *dot = strstr(name, ".safetensors");
        if (dot && !dot[strlen(".safetensors")]) {
            *dot = '\0';
            const golden_case *c = find_case(name);
            if (c) *(run_file(argv[1], name, c) ? &passed : &failed) += 1;
        }
        free(entries[i]);
    }
    free(entries);
    printf("%d passed, %d failed\n", passed, failed);
    return passed && !failed ? 0 : 1;
}
