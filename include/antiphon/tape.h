/** @file tape.h
 * The tape: records what is computed, then walks back over it and fills in the gradients.
 *
 * Every operation pushes one variable (its output) that remembers its inputs, whatever it saved and the
 * function that goes back through it (reverse-mode differentiation: Griewank and Walther, "Evaluating
 * Derivatives", ch. 3). All variables, values, gradients and saved data live in the tape's arena: nothing has
 * to be freed, and ap_tape_reset takes everything back at once, after which every ap_var pointer is void.
 *
 * How long a value lives. Most values are wanted for a moment only, and a training step fits into memory
 * because they are recycled as soon as nobody reads them. Two sides may still read a value:
 *
 *   - Backward functions. An operation declares which values its backward reads (ap_op.reads), and the tape
 *     counts the readers of every value.
 *   - The caller. Its use of what is made inside a scope ends where the scope ends, but for the result.
 *
 * So a model is written as its equations, with a scope around each block:
 *
 *     ap_var *feed_forward(ap_tape *tape, ap_var *x, ap_var *w1, ap_var *w2)
 *     {
 *         ap_tape_enter(tape);
 *         ap_var *hidden = ap_leaky_relu(tape, ap_linear(tape, x, w1, NULL), 0.2);
 *         return ap_tape_leave(tape, ap_add(tape, x, ap_linear(tape, hidden, w2, NULL)));
 *     }
 *
 * When the scope is left, the outputs of both ap_linear are recycled: leaky_relu's backward reads its output,
 * add's reads nothing. `hidden` stays for leaky_relu and for the gradient of w2, and is recycled right after
 * the second of these has run on the way back. The result belongs to the scope around. What is made outside
 * of any scope stays until the way back.
 *
 * Where an operation can compute its value again (ap_op.again) from values that are there anyway, the tape
 * recycles the value at the end of the scope and computes it again for the first backward that reads it: with
 * cheap operations always, with dear ones, that is matrix products, if memory is dearer than time
 * (ap_tape_frugal_set).
 *
 * ap_tape_backward ends all use by the caller. What is to be read after it is marked with ap_tape_keep.
 *
 * A debug build, and any build under the environment variable AP_POISON=1, fills memory with NaN when it is
 * handed out and when it is recycled: a backward that reads what its operation does not declare then gives
 * NaN, however small the tensors are.
 *
 * A tape serves one thread; operations use several threads inside.
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
 * wanted) what y->grad, which is never NULL here, contributes to them. Of the values of y and of its inputs
 * only those are there that the operation declares to read. */
typedef void ap_backward_fn(ap_tape *tape, ap_var *y);

/** Fills the value of y once more, with the same numbers, from the inputs' values that the operation declares
 * and what it saved. */
typedef void ap_again_fn(ap_tape *tape, ap_var *y);

/** A set of values that a function of the tape reads, among those of a variable and its inputs. */
typedef uint32_t ap_reads;
#define AP_READS_NOTHING ((ap_reads)1 << 31)                         /**< none of them */
#define AP_READS_OUTPUT ((ap_reads)1)                                /**< the variable's own */
#define AP_READS_INPUT(k) ((ap_reads)2 << (k))                       /**< that of input k < 30 */
#define AP_READS_INPUTS(count) ((((ap_reads)1 << (count)) - 1) << 1) /**< those of the first inputs */

/** What the backward of y reads, where that depends on y: on its shape, its inputs and which of them want a
 * gradient. Asked once, when y is pushed, before anything is saved. */
typedef ap_reads ap_reads_fn(const ap_var *y);

/** What an operation is: one static instance in the operation's own file. */
typedef struct ap_op {
    const char *name;
    ap_backward_fn *backward;
    ap_reads reads;        /**< what backward reads; to be stated even if it is AP_READS_NOTHING */
    ap_reads_fn *reads_of; /**< instead of `reads`, where it depends on the variable */
    ap_again_fn *again;    /**< NULL: its value cannot be computed again */
    ap_reads again_reads;  /**< what `again` reads */
    bool dear;             /**< `again` takes as long as a matrix product */
    bool in_place;         /**< backward may write the first input's gradient, asked for by
                                ap_var_grad_fresh, over y->grad */
} ap_op;

struct ap_var {
    ap_tensor value; /**< borrowed from the tape's arena, or from the caller for a leaf */
    ap_real *grad;   /**< same shape as value; NULL while no gradient has reached it or none is wanted */
    bool wants_grad; /**< whether anything below it is to be differentiated */
    bool keep;       /**< value and grad survive ap_tape_backward */
    bool leaf;       /**< value and grad belong to the caller */
    bool left;       /**< the scope it was made in has been left: the caller does not use it any more */
    bool gone;       /**< the value has been recycled */
    bool again;      /**< a value that is gone is to be computed again for who reads it */
    ap_reads reads;  /**< what its backward reads; 0 where none will run */
    int readers;     /**< how many functions of the way back have still to read its value */
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

/** Enters a scope, inside those that have been entered before. */
void ap_tape_enter(ap_tape *tape);

/** Leaves the scope that was entered last: the caller uses nothing of what was made in it any more but
 * `result`, which is returned and belongs to the scope around. `result` may also come from outside. */
ap_var *ap_tape_leave(ap_tape *tape, ap_var *result);

/** The same with `count` results, none of which is NULL. */
void ap_tape_leave_all(ap_tape *tape, int count, ap_var *const *results);

/** Stays in the scope, of which the caller uses nothing any more but `x`, which is returned: from layer to
 * layer in a sequence of them. */
ap_var *ap_tape_carry(ap_tape *tape, ap_var *x);

/** Whether memory is dearer than time: then matrix products are computed again, too, where they can be. Off
 * on a new tape. */
void ap_tape_frugal_set(ap_tape *tape, bool frugal);

/** Names the part of a step that begins: what is pushed from now on belongs to it, until the next name or the
 * reset. `name` is borrowed and outlives the tape. */
void ap_tape_section(ap_tape *tape, const char *name);

/** What is called when the tape comes to another section: forwards when ap_tape_section says so, backwards
 * before it goes back through the section's last variable. For timing and the like; it must not push. */
typedef void ap_tape_watch(void *context, const char *section, bool backward);

/** Has `watch` (NULL: nobody) called from now on. */
void ap_tape_watch_set(ap_tape *tape, ap_tape_watch *watch, void *context);

/** What is called with each variable once its value is complete, as the next is pushed, and, backwards, once
 * its gradient is, before the tape goes back through it: for finding out where numbers go wrong.
 * x->value.data may be NULL by then; it must not push. */
typedef void ap_tape_inspector(void *context, const ap_var *x, bool backward);

/** Has `inspect` (NULL: nobody) called from now on. */
void ap_tape_inspect_set(ap_tape *tape, ap_tape_inspector *inspect, void *context);

/** How many variables the tape holds, and the one at `index`, in the order in which they were pushed. */
size_t ap_tape_count(const ap_tape *tape);
const ap_var *ap_tape_at(const ap_tape *tape, size_t index);

/** A leaf over the caller's numbers, which must outlive the step. `grad` has as many numbers and receives the
 * gradient by addition (the caller zeroes it); NULL makes the leaf a constant. */
ap_var *ap_tape_leaf(ap_tape *tape, ap_tensor value, ap_real *grad);

/** A leaf over the caller's numbers that is not differentiated. */
ap_var *ap_tape_constant(ap_tape *tape, ap_tensor value);

/** Pushes the output of an operation: a value of `shape` with undefined content, to be filled by the caller.
 * Takes the address of `op`; copies `inputs` (entries may be NULL). wants_grad is that of any input. An input
 * from a scope that has been left is misuse. */
ap_var *ap_tape_push(ap_tape *tape, const ap_op *op, ap_shape shape, int input_count, ap_var *const *inputs);

/** Gives `y` a block of `bytes` for its backward, undefined content, recycled after it; NULL, and nothing to
 * fill, when y wants no gradient. At most one a variable. */
void *ap_tape_save(ap_tape *tape, ap_var *y, size_t bytes);

/** How many numbers the value of `x` has. */
int64_t ap_var_count(const ap_var *x);

/** The gradient of `x` to add to, zero-filled when asked for first; NULL when x is NULL or wants none. */
ap_real *ap_var_grad(ap_tape *tape, ap_var *x);

/** The same for a backward function that can as well write the gradient as add to it: where *fresh, the
 * block's content is undefined and every number of it is to be written. In an operation that works in_place
 * it may be the block of y->grad, which y has no more; take its address before. */
ap_real *ap_var_grad_fresh(ap_tape *tape, ap_var *x, bool *fresh);

/** Has value and grad of `x` survive the scope it is made in and ap_tape_backward. */
void ap_tape_keep(ap_var *x);

/** Fills the gradients of all that `loss`, a scalar (any shape of one element), was computed from: the
 * leaves' receive d(scale x loss)/d(leaf). */
void ap_tape_backward(ap_tape *tape, ap_var *loss, ap_real scale);

/** The same from wherever the caller has put a gradient through ap_var_grad: any variables, of any shape. */
void ap_tape_backward_all(ap_tape *tape);

AP_API_END

#endif
