#include "antiphon/tape.h"

#include "antiphon/status.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct ap_tape {
    ap_arena *arena;
    ap_var **vars; /* in the order they were pushed: inputs stand before what is computed from them */
    size_t count, capacity;
    ap_rng rng;
    bool training, constant_leaves, frugal;
    const char *section; /* under way */
    ap_tape_watch *watch;
    void *watch_context;
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
    free(tape);
}

void ap_tape_reset(ap_tape *tape)
{
    ap_arena_reset(tape->arena);
    tape->count = 0;
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

bool ap_tape_frugal(const ap_tape *tape)
{
    return tape->frugal;
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
        if (inputs[i]) y->wants_grad |= inputs[i]->wants_grad;
    }
    return y;
}

void *ap_tape_save(ap_tape *tape, ap_var *y, size_t bytes)
{
    if (!y->wants_grad) return NULL;
    if (y->saved) ap_fatal("%s saves twice for its backward", y->op->name);
    y->saved_bytes = bytes;
    return y->saved = ap_arena_alloc(tape->arena, bytes);
}

void ap_tape_reserve_grad(ap_tape *tape, ap_var *x)
{
    if (x->wants_grad && !x->grad && !x->room) x->room = ap_arena_alloc(tape->arena, value_bytes(x));
}

ap_real *ap_var_grad_fresh(ap_tape *tape, ap_var *x, bool *fresh)
{
    *fresh = false;
    if (!x || !x->wants_grad) return NULL;
    if (!x->grad) {
        ap_tape_reserve_grad(tape, x);
        x->grad = x->room;
        x->room = NULL;
        *fresh = true;
    }
    return x->grad;
}

ap_real *ap_var_grad_inherited(ap_tape *tape, ap_var *x, ap_var *y, bool *fresh)
{
    if (!x->wants_grad || x->grad || x->room || y->keep || value_bytes(x) != value_bytes(y))
        return ap_var_grad_fresh(tape, x, fresh);
    *fresh = true;
    x->grad = y->grad;
    y->grad = NULL;
    return x->grad;
}

ap_real *ap_var_grad(ap_tape *tape, ap_var *x)
{
    bool fresh;
    ap_real *grad = ap_var_grad_fresh(tape, x, &fresh);
    return fresh ? memset(grad, 0, value_bytes(x)) : grad;
}

const ap_real *ap_var_value(ap_tape *tape, ap_var *x)
{
    if (x->again && !x->value.data) {
        x->value.data = ap_arena_alloc(tape->arena, value_bytes(x));
        x->op->again(tape, x);
    }
    return x->value.data;
}

void ap_tape_keep(ap_var *x)
{
    x->keep = true;
}

static void recycle_value(ap_tape *tape, ap_var *x)
{
    ap_arena_recycle(tape->arena, x->value.data, value_bytes(x));
    /* a smaller block keeps its content until the reset, so that a scalar may still be read */
    if (value_bytes(x) >= AP_ARENA_RECYCLE_LEAST) x->value.data = NULL;
}

static void recycle(ap_tape *tape, ap_var *x)
{
    if (!x->keep) {
        recycle_value(tape, x);
        ap_arena_recycle(tape->arena, x->grad, value_bytes(x));
        x->grad = NULL;
    }
    ap_arena_recycle(tape->arena, x->room, value_bytes(x));
    x->room = NULL;
    ap_arena_recycle(tape->arena, x->saved, x->saved_bytes);
    x->saved = NULL;
}

void ap_tape_forget(ap_tape *tape, ap_var *x)
{
    if (!x->keep) recycle_value(tape, x);
}

void ap_tape_recompute(ap_tape *tape, ap_var *x)
{
    if (x->keep) return;
    x->again = x->wants_grad && x->op->again;
    /* without gradients nothing goes back at all */
    if (x->again || tape->constant_leaves) recycle_value(tape, x);
}

void ap_tape_drop(ap_tape *tape, ap_var *x)
{
    if (!x->wants_grad && !x->keep && x->value.data) recycle(tape, x);
}

void ap_tape_backward_all(ap_tape *tape)
{
    const char *section = NULL;
    for (size_t i = tape->count; i-- > 0;) {
        ap_var *y = tape->vars[i];
        if (y->leaf) continue;
        if (y->section != section) tell_watch(tape, section = y->section, true);
        if (y->grad) y->op->backward(tape, y);
        recycle(tape, y);
    }
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
