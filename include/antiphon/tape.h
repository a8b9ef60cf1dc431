/** @file tape.h
 * The tape: records what is computed, then walks back over it and fills in the gradients.
 *
 * Every operation pushes one variable (its output) that remembers its inputs, whatever it saved and the
 * function that goes back through it (reverse-mode differentiation: Griewank and Walther, "Evaluating
 * Derivatives", ch. 3). All variables, values, gradients and saved data live in the tape's arena: nothing has
 * to be freed, and ap_tape_reset takes everything back at once, after which every ap_var pointer is void.
 *
 * ap_tape_backward recycles each variable's value, gradient and saved blocks as soon as its backward function
 * is done; what is to be read afterwards is marked with ap_tape_keep. A tape serves one thread; operations
 * use several threads inside.
 */
#ifndef ANTIPHON_TAPE_H
#define ANTIPHON_TAPE_H

#include "antiphon/api.h"
#include "antiphon/arena.h"
#include "antiphon/rng.h"
#include "antiphon/tensor.h"

#include <stddef.h>

AP_API_BEGIN

typedef struct ap_tape ap_tape;
typedef struct ap_var ap_var;

/** Goes back through one operation: adds to the gradients of y's inputs (ap_var_grad of each; NULL: not
 * wanted) what y->grad, which is never NULL here, contributes to them. */
typedef void ap_backward_fn(ap_tape *tape, ap_var *y);

/** Fills the value of y once more, with the same numbers, from those of its inputs (ap_var_value of each) and
 * what it saved. */
typedef void ap_again_fn(ap_tape *tape, ap_var *y);

/** What an operation is: one static instance in the operation's own file. */
typedef struct ap_op {
    const char *name;
    ap_backward_fn *backward;
    ap_again_fn *again; /**< NULL: its value cannot be computed again */
} ap_op;

struct ap_var {
    ap_tensor value; /**< borrowed from the tape's arena, or from the caller for a leaf */
    ap_real *grad;   /**< same shape as value; NULL while no gradient has reached it or none is wanted */
    ap_real *room;   /**< where the gradient will be, when it has been told early; NULL otherwise */
    bool wants_grad; /**< whether anything below it is to be differentiated */
    bool keep;       /**< value and grad survive ap_tape_backward */
    bool leaf;       /**< value and grad belong to the caller */
    bool again;      /**< the value, when it is wanted, is to be computed again */
    const ap_op *op; /**< NULL for a leaf */
    int input_count;
    const char *section; /**< of ap_tape_section, in which it was pushed */
    ap_var **inputs;     /**< an entry is NULL for an optional input that was not given */
    void *saved;         /**< what the operation keeps for its backward; NULL when no gradient is wanted */
    size_t saved_bytes;
};

/** A new tape whose random numbers (dropout) start at the stream of `seed`. Owned by the caller. */
ap_tape *ap_tape_create(uint64_t seed);

/** Frees the tape and all that lives on it. NULL is allowed. */
void ap_tape_free(ap_tape *tape);

/** Forgets every variable and takes back their memory, which is kept for the next step. */
void ap_tape_reset(ap_tape *tape);

/** Training mode: dropout drops, BatchNorm uses and updates its statistics. Off on a new tape. */
void ap_tape_training_set(ap_tape *tape, bool training);
bool ap_tape_training(const ap_tape *tape);

/** Whether leaves ask for gradients. On on a new tape; off, every leaf is a constant and nothing is saved for
 * a backward pass: validation and inference. */
void ap_tape_gradients_set(ap_tape *tape, bool wanted);

/** The tape's random stream, to draw from, save or replace. Borrowed. */
ap_rng *ap_tape_rng(ap_tape *tape);

/** The tape's arena, for blocks that live until the reset or are recycled by who took them. Borrowed. */
ap_arena *ap_tape_arena(ap_tape *tape);

/** Names the part of a step that begins: what is pushed from now on belongs to it, until the next name or the
 * reset. `name` is borrowed and outlives the tape. */
void ap_tape_section(ap_tape *tape, const char *name);

/** What is called when the tape comes to another section: forwards when ap_tape_section says so, backwards
 * before it goes back through the section's last variable. For timing and the like; it must not push. */
typedef void ap_tape_watch(void *context, const char *section, bool backward);

/** Has `watch` (NULL: nobody) called from now on. */
void ap_tape_watch_set(ap_tape *tape, ap_tape_watch *watch, void *context);

/** How many variables the tape holds, and the one at `index`, in the order in which they were pushed. */
size_t ap_tape_count(const ap_tape *tape);
const ap_var *ap_tape_at(const ap_tape *tape, size_t index);

/** A leaf over the caller's numbers, which must outlive the step. `grad` has as many numbers and receives the
 * gradient by addition (the caller zeroes it); NULL makes the leaf a constant. */
ap_var *ap_tape_leaf(ap_tape *tape, ap_tensor value, ap_real *grad);

/** A leaf over the caller's numbers that is not differentiated. */
ap_var *ap_tape_constant(ap_tape *tape, ap_tensor value);

/** Pushes the output of an operation: a value of `shape` with undefined content, to be filled by the caller.
 * Takes the address of `op`; copies `inputs` (entries may be NULL). wants_grad is that of any input. */
ap_var *ap_tape_push(ap_tape *tape, const ap_op *op, ap_shape shape, int input_count, ap_var *const *inputs);

/** Gives `y` a block of `bytes` for its backward, undefined content, recycled after it; NULL, and nothing to
 * fill, when y wants no gradient. At most one a variable. */
void *ap_tape_save(ap_tape *tape, ap_var *y, size_t bytes);

/** How many numbers the value of `x` has. */
int64_t ap_var_count(const ap_var *x);

/** The gradient of `x` to add to, zero-filled when asked for first; NULL when x is NULL or wants none. */
ap_real *ap_var_grad(ap_tape *tape, ap_var *x);

/** The same for who would rather write the gradient than add to it: where *fresh, the block's content is
 * undefined and every number of it is to be written. */
ap_real *ap_var_grad_fresh(ap_tape *tape, ap_var *x, bool *fresh);

/** The same from the backward function of `y`, which needs y's gradient at no place after it has written that
 * of `x` there: where *fresh, the block may be the one that y's gradient was in, with its content. */
ap_real *ap_var_grad_inherited(ap_tape *tape, ap_var *x, ap_var *y, bool *fresh);

/** Sets aside, already now, the memory that the gradient of `x` will be in, where one is wanted and there is
 * none yet. For a variable whose gradient outlives what will have been computed and gone in between: it then
 * does not lie amid the room that a larger block, recycled after this call, leaves for one of its size. */
void ap_tape_reserve_grad(ap_tape *tape, ap_var *x);

/** The value of `x` for a backward function to read, computed again if need be: of every input whose value
 * the caller may have given to ap_tape_recompute. */
const ap_real *ap_var_value(ap_tape *tape, ap_var *x);

/** Keeps value and grad of `x` through ap_tape_backward. */
void ap_tape_keep(ap_var *x);

/** Says that the caller uses `x` no more. If no gradient will come back through it its memory is recycled at
 * once (long inference runs in bounded memory); otherwise nothing happens. */
void ap_tape_drop(ap_tape *tape, ap_var *x);

/** Says that nothing will read the value of `x` any more, neither the caller nor the backward function of any
 * operation that x is input or output of (each operation's own file tells what its backward reads): its
 * memory is recycled at once, gradients go through x as before. Leaves and kept variables stay. */
void ap_tape_forget(ap_tape *tape, ap_var *x);

/** Says that only backward functions will read the value of `x` any more, and those through ap_var_value: its
 * memory is recycled at once, and the value computed again when the first of them asks for it. Where that
 * cannot be, as x's operation has no way or x wants no gradient, x stays as it is; but on a tape without
 * gradients (ap_tape_gradients_set), where nothing goes back at all, its memory is recycled for good. Kept
 * variables stay. */
void ap_tape_recompute(ap_tape *tape, ap_var *x);

/** Whether memory is dearer than time: models then have matrix products computed again too. Off on a new
 * tape. */
void ap_tape_frugal_set(ap_tape *tape, bool frugal);
bool ap_tape_frugal(const ap_tape *tape);

/** Fills the gradients of all that `loss`, a scalar (any shape of one element), was computed from: the
 * leaves' receive d(scale x loss)/d(leaf). */
void ap_tape_backward(ap_tape *tape, ap_var *loss, ap_real scale);

/** The same from wherever the caller has put a gradient through ap_var_grad: any variables, of any shape. */
void ap_tape_backward_all(ap_tape *tape);

AP_API_END

#endif
