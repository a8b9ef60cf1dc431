#include "antiphon/tape.h"

#include "antiphon/status.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* A backward may read the values of at most this many inputs, the first ones. */
#define INPUTS_READ_MOST 30

struct ap_tape {
    ap_arena *arena;
    ap_var **vars; /* in the order of pushing: inputs come before what is computed from them */
    size_t count, capacity;
    ap_rng rng;
    size_t *scopes; /* number of variables on the tape when each open scope was entered */
    size_t depth, scopes_capacity;
    ap_var *under_way; /* the variable whose backward function is running */
    bool training, constant_leaves, frugal, going_back;
    const char *section; /* the current section */
    ap_tape_watch *watch;
    void *watch_context;
    ap_tape_inspector *inspect;
    void *inspect_context;
    ap_tape_leaf_done *leaf_done;
    void *leaf_done_context;
    ap_tape_rows rows; /* total 0: every row is here */
};

ap_tape *ap_tape_create(uint64_t seed)
{
    ap_tape *tape = ap_allocate(1, sizeof *tape);
    tape->arena = ap_arena_create();
    tape->rng = ap_rng_init(seed);
    return tape;
}

void ap_tape_free(ap_tape *tape)
{
    if (!tape) return;
    ap_arena_free(tape->arena);
    free(tape->vars);
    free(tape->scopes);
    free(tape);
}

void ap_tape_reset(ap_tape *tape)
{
    ap_arena_reset(tape->arena);
    tape->count = tape->depth = 0;
    tape->section = NULL;
}

void ap_tape_training_set(ap_tape *tape, bool training)
{
    tape->training = training;
}

bool ap_tape_training(const ap_tape *tape)
{
    return tape->training;
}

void ap_tape_gradients_set(ap_tape *tape, bool wanted)
{
    tape->constant_leaves = !wanted;
}

void ap_tape_frugal_set(ap_tape *tape, bool frugal)
{
    tape->frugal = frugal;
}

ap_rng *ap_tape_rng(ap_tape *tape)
{
    return &tape->rng;
}

ap_arena *ap_tape_arena(ap_tape *tape)
{
    return tape->arena;
}

size_t ap_tape_count(const ap_tape *tape)
{
    return tape->count;
}

const ap_var *ap_tape_at(const ap_tape *tape, size_t index)
{
    return tape->vars[index];
}

void ap_tape_watch_set(ap_tape *tape, ap_tape_watch *watch, void *context)
{
    tape->watch = watch;
    tape->watch_context = context;
}

void ap_tape_inspect_set(ap_tape *tape, ap_tape_inspector *inspect, void *context)
{
    tape->inspect = inspect;
    tape->inspect_context = context;
}

void ap_tape_leaf_done_set(ap_tape *tape, ap_tape_leaf_done *done, void *context)
{
    tape->leaf_done = done;
    tape->leaf_done_context = context;
}

/* ---------------------------------------------------------------- rows in several processes */

void ap_tape_rows_set(ap_tape *tape, const ap_tape_rows *rows)
{
    tape->rows = rows ? *rows : (ap_tape_rows){0};
}

double ap_tape_share(const ap_tape *tape)
{
    return tape->rows.total ? (double)tape->rows.count / (double)tape->rows.total : 1;
}

/* The numbers of one row, if `n` are here. */
static int64_t of_row(const ap_tape *tape, int64_t n)
{
    return tape->rows.count ? n / tape->rows.count : n;
}

double ap_tape_total(const ap_tape *tape, int64_t n)
{
    return (double)(tape->rows.total ? of_row(tape, n) * tape->rows.total : n);
}

uint64_t ap_tape_origin(const ap_tape *tape, int64_t n)
{
    return (uint64_t)(of_row(tape, n) * tape->rows.first);
}

void ap_tape_sum(const ap_tape *tape, int64_t n, double *x)
{
    if (tape->rows.total == 0) return;
    if (tape->rows.count == 0) memset(x, 0, (size_t)n * sizeof *x);
    tape->rows.sum(tape->rows.context, n, x);
}

/* ---------------------------------------------------------------- variables */

static void tell_watch(const ap_tape *tape, const char *section, bool backward)
{
    if (tape->watch) tape->watch(tape->watch_context, section, backward);
}

void ap_tape_section(ap_tape *tape, const char *name)
{
    tape->section = name;
    tell_watch(tape, name, false);
}

int64_t ap_var_count(const ap_var *x)
{
    return ap_shape_count(x->value.shape);
}

static size_t value_bytes(const ap_var *x)
{
    return (size_t)ap_var_count(x) * sizeof(ap_real);
}

static ap_var *append(ap_tape *tape)
{
    if (tape->inspect && tape->count > 0)
        tape->inspect(tape->inspect_context, tape->vars[tape->count - 1], false);
    if (tape->count == tape->capacity) {
        tape->capacity = tape->capacity ? 2 * tape->capacity : 1024;
        tape->vars = ap_reallocate(tape->vars, tape->capacity, sizeof *tape->vars);
    }
    ap_var *x = ap_arena_zeros(tape->arena, sizeof *x);
    x->section = tape->section;
    return tape->vars[tape->count++] = x;
}

ap_var *ap_tape_leaf(ap_tape *tape, ap_tensor value, ap_real *grad)
{
    ap_var *x = append(tape);
    x->value = value;
    x->grad = tape->constant_leaves ? NULL : grad;
    x->wants_grad = x->grad != NULL;
    x->keep = x->leaf = true;
    return x;
}

ap_var *ap_tape_constant(ap_tape *tape, ap_tensor value)
{
    return ap_tape_leaf(tape, value, NULL);
}

/* ---------------------------------------------------------------- who reads a value */

static bool reads_input(ap_reads reads, const ap_var *y, int k)
{
    return k < INPUTS_READ_MOST && (reads & AP_READS_INPUT(k)) && y->inputs[k];
}

/* Registers a function of the backward pass as a reader of these values. */
static void begin_reading(ap_var *y, ap_reads reads)
{
    if (reads & AP_READS_OUTPUT) y->readers++;
    for (int k = 0; k < y->input_count; k++)
        if (reads_input(reads, y, k)) y->inputs[k]->readers++;
}

static void recycle_value(ap_tape *tape, ap_var *x)
{
    if (x->gone) return;
    x->gone = true;
    ap_arena_recycle(tape->arena, x->value.data, value_bytes(x));
    /* smaller blocks keep their content until the reset, so a scalar may still be read */
    if (value_bytes(x) >= AP_ARENA_RECYCLE_LEAST) x->value.data = NULL;
}

static void end_reading(ap_tape *tape, ap_var *y, ap_reads reads);

/* Recycles the value of x, which nobody reads any more, and with it the claim on what it could be computed
 * again from. */
static void discard(ap_tape *tape, ap_var *x)
{
    if (x->keep) return;
    recycle_value(tape, x);
    if (x->again) end_reading(tape, x, x->op->again_reads);
    x->again = false;
}

static void end_reader(ap_tape *tape, ap_var *x)
{
    x->readers--;
    if (x->readers == 0 && (x->left || tape->going_back)) discard(tape, x);
}

/* Unregisters the reader that begin_reading registered, after it has run. */
static void end_reading(ap_tape *tape, ap_var *y, ap_reads reads)
{
    if (reads & AP_READS_OUTPUT) end_reader(tape, y);
    for (int k = 0; k < y->input_count; k++)
        if (reads_input(reads, y, k)) end_reader(tape, y->inputs[k]);
}

static void fetch(ap_tape *tape, ap_var *y, ap_reads reads);

static void fetch_value(ap_tape *tape, ap_var *x)
{
    if (!x->gone) return;
    if (!x->again) ap_fatal("%s: a value is read after it has been recycled", x->op->name);
    fetch(tape, x, x->op->again_reads);
    if (!x->value.data) x->value.data = ap_arena_alloc(tape->arena, value_bytes(x));
    x->op->again(tape, x);
    x->gone = false;
}

/* Makes these values available, computing them again if necessary. */
static void fetch(ap_tape *tape, ap_var *y, ap_reads reads)
{
    if (reads & AP_READS_OUTPUT) fetch_value(tape, y);
    for (int k = 0; k < y->input_count; k++)
        if (reads_input(reads, y, k)) fetch_value(tape, y->inputs[k]);
}

/* ---------------------------------------------------------------- pushing */

static ap_reads reads_of(const ap_var *y)
{
    ap_reads reads = y->op->reads_of ? y->op->reads_of(y) : y->op->reads;
    if (!reads) ap_fatal("%s does not declare what its backward reads", y->op->name);
    return y->wants_grad ? reads : 0;
}

ap_var *ap_tape_push(ap_tape *tape, const ap_op *op, ap_shape shape, int input_count, ap_var *const *inputs)
{
    ap_var *y = append(tape);
    y->op = op;
    y->value.shape = shape;
    y->value.data = ap_arena_alloc(tape->arena, value_bytes(y));
    y->input_count = input_count;
    y->inputs = ap_arena_alloc(tape->arena, (size_t)input_count * sizeof *y->inputs);
    for (int i = 0; i < input_count; i++) {
        y->inputs[i] = inputs[i];
        if (!inputs[i]) continue;
        if (inputs[i]->left) ap_fatal("%s: input %d is from a scope that has ended", op->name, i);
        y->wants_grad |= inputs[i]->wants_grad;
    }
    y->reads = reads_of(y);
    begin_reading(y, y->reads);
    return y;
}

void *ap_tape_save(ap_tape *tape, ap_var *y, size_t bytes)
{
    if (!y->wants_grad) return NULL;
    if (y->saved) ap_fatal("%s saves twice for its backward pass", y->op->name);
    y->saved_bytes = bytes;
    return y->saved = ap_arena_alloc(tape->arena, bytes);
}

/* ---------------------------------------------------------------- gradients */

/* Whether the gradient of x may overwrite that of y, whose backward is running. */
static bool takes_place(const ap_var *x, const ap_var *y)
{
    return y && y->op->in_place && x == y->inputs[0] && y->grad && !y->keep &&
           value_bytes(x) == value_bytes(y);
}

ap_real *ap_var_grad_fresh(ap_tape *tape, ap_var *x, bool *fresh)
{
    *fresh = false;
    if (!x || !x->wants_grad) return NULL;
    if (x->grad) return x->grad;
    *fresh = true;
    if (takes_place(x, tape->under_way)) {
        x->grad = tape->under_way->grad;
        tape->under_way->grad = NULL;
    } else {
        x->grad = ap_arena_alloc(tape->arena, value_bytes(x));
    }
    return x->grad;
}

ap_real *ap_var_grad(ap_tape *tape, ap_var *x)
{
    bool fresh;
    ap_real *grad = ap_var_grad_fresh(tape, x, &fresh);
    return fresh ? memset(grad, 0, value_bytes(x)) : grad;
}

/* ---------------------------------------------------------------- scopes */

void ap_tape_keep(ap_var *x)
{
    x->keep = true;
}

void ap_tape_enter(ap_tape *tape)
{
    if (tape->depth == tape->scopes_capacity) {
        tape->scopes_capacity = tape->scopes_capacity ? 2 * tape->scopes_capacity : 16;
        tape->scopes = ap_reallocate(tape->scopes, tape->scopes_capacity, sizeof *tape->scopes);
    }
    tape->scopes[tape->depth++] = tape->count;
}

/* Whether to compute the value of x again rather than keep it for the backward pass. It pays if the values
 * it is computed from are kept anyway, because others read them, too. */
static bool pays_again(const ap_tape *tape, const ap_var *x)
{
    const ap_op *op = x->op;
    if (!x->wants_grad || !op->again || (op->dear && !tape->frugal)) return false;
    for (int k = 0; k < x->input_count; k++)
        if (reads_input(op->again_reads, x, k) && !x->inputs[k]->keep && x->inputs[k]->readers == 0)
            return false;
    return true;
}

/* Ends the caller's use of x. Inputs are handled before what is computed from them, so their other readers
 * are known. */
static void end_use(ap_tape *tape, ap_var *x)
{
    if (x->left || x->keep) return;
    x->left = true;
    if (x->readers == 0) {
        discard(tape, x);
    } else if (pays_again(tape, x)) {
        x->again = true;
        begin_reading(x, x->op->again_reads);
        recycle_value(tape, x);
    }
}

static bool among(const ap_var *x, int count, ap_var *const *list)
{
    for (int i = 0; i < count; i++)
        if (list[i] == x) return true;
    return false;
}

static void end_uses(ap_tape *tape, int count, ap_var *const *results)
{
    if (tape->depth == 0) ap_fatal("ap_tape_leave without ap_tape_enter");
    for (size_t i = tape->scopes[tape->depth - 1]; i < tape->count; i++)
        if (!among(tape->vars[i], count, results)) end_use(tape, tape->vars[i]);
}

void ap_tape_leave_all(ap_tape *tape, int count, ap_var *const *results)
{
    end_uses(tape, count, results);
    tape->depth--;
}

ap_var *ap_tape_leave(ap_tape *tape, ap_var *result)
{
    ap_tape_leave_all(tape, 1, &result);
    return result;
}

ap_var *ap_tape_carry(ap_tape *tape, ap_var *x)
{
    end_uses(tape, 1, &x);
    return x;
}

/* ---------------------------------------------------------------- the way back */

/* Runs the backward of y. Everything after y on the tape is already done. */
static void go_back(ap_tape *tape, ap_var *y)
{
    if (y->readers == 0) discard(tape, y);
    if (y->grad) {
        fetch(tape, y, y->reads);
        tape->under_way = y;
        y->op->backward(tape, y);
        tape->under_way = NULL;
    }
    end_reading(tape, y, y->reads);
    if (!y->keep) {
        ap_arena_recycle(tape->arena, y->grad, value_bytes(y));
        y->grad = NULL;
    }
    ap_arena_recycle(tape->arena, y->saved, y->saved_bytes);
    y->saved = NULL;
}

void ap_tape_backward_all(ap_tape *tape)
{
    const char *section = NULL;
    tape->going_back = true;
    for (size_t i = tape->count; i-- > 0;) {
        ap_var *y = tape->vars[i];
        if (y->leaf) {
            if (y->grad && tape->leaf_done) tape->leaf_done(tape->leaf_done_context, y);
            continue;
        }
        if (y->section != section) tell_watch(tape, section = y->section, true);
        if (y->grad && tape->inspect) tape->inspect(tape->inspect_context, y, true);
        go_back(tape, y);
    }
    tape->going_back = false;
}

void ap_tape_backward(ap_tape *tape, ap_var *loss, ap_real scale)
{
    if (ap_var_count(loss) != 1)
        ap_fatal("backward from shape %s: not a scalar", ap_shape_print(loss->value.shape).text);
    ap_real *seed = ap_var_grad(tape, loss);
    if (!seed) return;
    seed[0] += scale;
    ap_tape_backward_all(tape);
}
