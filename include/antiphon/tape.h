/** @file tape.h
 * The tape records the operations of a forward pass, then walks back over them to compute the gradients.
 *
 * Every operation pushes one variable, its output. The variable remembers its inputs, what it saved, and the
 * function that goes back through it (reverse-mode differentiation: Griewank and Walther, "Evaluating
 * Derivatives", ch. 3). All variables, values, gradients and saved data live in the tape's arena. Nothing has
 * to be freed: ap_tape_reset takes everything back at once, and every ap_var pointer is invalid after it.
 *
 * How long a value lives. Most values are needed only briefly. A training step fits into memory because each
 * value is recycled as soon as nobody reads it. Two sides may still read a value:
 *
 *   - Backward functions. An operation declares which values its backward reads (ap_op.reads), and the tape
 *     counts the readers of every value.
 *   - The caller. What it makes inside a scope is in use until the scope ends; the result stays in use.
 *
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
 * When the scope ends, the outputs of both ap_linear are recycled: the backward of leaky_relu reads its
 * output, the backward of add reads nothing. `hidden` stays, for leaky_relu and for the gradient of w2. It is
 * recycled in the backward pass, right after the second of these has run. The result belongs to the enclosing
 * scope. Values made outside any scope stay until the backward pass.
 *
 * Some operations can compute their value again (ap_op.again) from values that are kept anyway. The tape then
 * recycles the value at the end of the scope and computes it again for the first backward that reads it. It
 * always does so for cheap operations, and for expensive ones (`dear`: matrix products) if ap_tape_frugal_set
 * asks for it.
 *
 * ap_tape_backward ends all use by the caller. Mark what you want to read after it with ap_tape_keep.
 *
 * A debug build, or any build with AP_POISON=1 in the environment, fills memory with NaN when it is handed
 * out and when it is recycled. A backward that reads a value its operation does not declare then gives NaN,
 * however small the tensors are.
 *
 * A tape serves one thread; operations use several threads internally.
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

/** The backward pass through one operation. y->grad is never NULL here. For each input of y it adds the
 * contribution of y->grad to ap_var_grad(input), which is NULL if that gradient is not wanted. Of the values
 * of y and its inputs, only those that the operation declares to read are available. */
typedef void ap_backward_fn(ap_tape *tape, ap_var *y);

/** Computes the value of y again, bit for bit, from the inputs' values that the operation declares and from
 * what it saved. */
typedef void ap_again_fn(ap_tape *tape, ap_var *y);

/** A set of values, among those of a variable and its inputs, that a backward (or again) function reads. */
typedef uint32_t ap_reads;
#define AP_READS_NOTHING ((ap_reads)1 << 31)                         /**< no value */
#define AP_READS_OUTPUT ((ap_reads)1)                                /**< the value of the variable itself */
#define AP_READS_INPUT(k) ((ap_reads)2 << (k))                       /**< the value of input k < 30 */
#define AP_READS_INPUTS(count) ((((ap_reads)1 << (count)) - 1) << 1) /**< the values of the first inputs */

/** What the backward of y reads, if that depends on y: on its shape, its inputs, and which of them want a
 * gradient. Called once, when y is pushed, before anything is saved. */
typedef ap_reads ap_reads_fn(const ap_var *y);

/** An operation: one static instance in the operation's own file. */
typedef struct ap_op {
    const char *name;
    ap_backward_fn *backward;
    ap_reads reads;        /**< what backward reads; required, even if it is AP_READS_NOTHING */
    ap_reads_fn *reads_of; /**< replaces `reads` if it depends on the variable */
    ap_again_fn *again;    /**< NULL: the value cannot be computed again */
    ap_reads again_reads;  /**< what `again` reads */
    bool dear;             /**< `again` is as expensive as a matrix product */
    bool in_place;         /**< backward may write the first input's gradient, asked for by
                                ap_var_grad_fresh, over y->grad */
} ap_op;

struct ap_var {
    ap_tensor value; /**< borrowed from the tape's arena, or from the caller for a leaf */
    ap_real *grad;   /**< same shape as value; NULL while no gradient has reached it or none is wanted */
    bool wants_grad; /**< whether any input it was computed from wants a gradient */
    bool keep;       /**< value and grad survive ap_tape_backward */
    bool leaf;       /**< value and grad belong to the caller */
    bool left;       /**< the scope it was made in has ended: the caller no longer uses it */
    bool gone;       /**< the value has been recycled */
    bool again;      /**< once gone, the value is computed again when it is read */
    ap_reads reads;  /**< what its backward reads; 0 if none will run */
    int readers;     /**< how many functions of the backward pass have yet to read its value */
    const ap_op *op; /**< NULL for a leaf */
    int input_count;
    const char *section; /**< the section (ap_tape_section) in which it was pushed */
    ap_var **inputs;     /**< an entry is NULL for an optional input that was not given */
    void *saved;         /**< what the operation keeps for its backward; NULL if no gradient is wanted */
    size_t saved_bytes;  /**< size of `saved` */
};

/** A new tape whose random numbers (dropout) start at the stream of `seed`. Owned by the caller. */
ap_tape *ap_tape_create(uint64_t seed);

/** Frees the tape and everything on it. NULL is allowed. */
void ap_tape_free(ap_tape *tape);

/** Discards every variable and takes back its memory, which is kept for the next step. */
void ap_tape_reset(ap_tape *tape);

/** Training mode: dropout is active, BatchNorm uses and updates batch statistics. Off on a new tape. */
void ap_tape_training_set(ap_tape *tape, bool training);
bool ap_tape_training(const ap_tape *tape);

/** Whether leaves want gradients. On for a new tape. When off, as in validation and inference, every leaf is
 * a constant and nothing is saved for a backward pass. */
void ap_tape_gradients_set(ap_tape *tape, bool wanted);

/** The tape's random stream, to draw from, save or replace. Borrowed. */
ap_rng *ap_tape_rng(ap_tape *tape);

/** The tape's arena, for blocks that live until the reset or are recycled by their user. Borrowed. */
ap_arena *ap_tape_arena(ap_tape *tape);

/** Enters a scope, nested in those already entered. */
void ap_tape_enter(ap_tape *tape);

/** Leaves the innermost scope. Of what was made in it, the caller may use only `result` from now on. `result`
 * is returned and belongs to the enclosing scope. It may also come from outside the scope. */
ap_var *ap_tape_leave(ap_tape *tape, ap_var *result);

/** The same with `count` results, none of which is NULL. */
void ap_tape_leave_all(ap_tape *tape, int count, ap_var *const *results);

/** Ends the use of everything made so far in the current scope except `x`, which is returned. Use it from
 * layer to layer in a sequence. */
ap_var *ap_tape_carry(ap_tape *tape, ap_var *x);

/** Trades time for memory: matrix products, too, are computed again where possible. Off on a new tape. */
void ap_tape_frugal_set(ap_tape *tape, bool frugal);

/** Starts a named section of the step: what is pushed from now on belongs to it, until the next section or
 * the reset. `name` is borrowed and must outlive the tape. */
void ap_tape_section(ap_tape *tape, const char *name);

/** Called when the tape enters a section: in the forward pass by ap_tape_section, in the backward pass before
 * the last variable of the section. Meant for timing; it must not push variables. */
typedef void ap_tape_watch(void *context, const char *section, bool backward);

/** Sets the watch function. NULL: none. `context` is passed on to it. */
void ap_tape_watch_set(ap_tape *tape, ap_tape_watch *watch, void *context);

/** Called with each variable when its value is complete (as the next one is pushed) and, in the backward
 * pass, when its gradient is complete (before the tape goes back through it). Meant for finding out where
 * numbers go wrong. x->value.data may be NULL by then. It must not push variables. */
typedef void ap_tape_inspector(void *context, const ap_var *x, bool backward);

/** Sets the inspector. NULL: none. `context` is passed on to it. */
void ap_tape_inspect_set(ap_tape *tape, ap_tape_inspector *inspect, void *context);

/** The number of variables on the tape, and the one at `index`, in the order in which they were pushed. */
size_t ap_tape_count(const ap_tape *tape);
const ap_var *ap_tape_at(const ap_tape *tape, size_t index);

/** Called in the backward pass with each leaf that wants a gradient, once the tape has gone back through all
 * that was computed from this leaf. A parameter of which there are several leaves has its whole gradient when
 * the last of them has been told. It must not push variables. */
typedef void ap_tape_leaf_done(void *context, const ap_var *leaf);

/** Sets that function. NULL: none. `context` is passed on to it. */
void ap_tape_leaf_done_set(ap_tape *tape, ap_tape_leaf_done *done, void *context);

/** Which rows of a batch are on a tape when several processes have a part of them each, and how numbers are
 * added up over the processes. Every process goes through the same operations in the same order. Backward
 * starts from ap_tape_share times the scale, so that the gradients are those of the whole batch's loss. A
 * process without rows has one in their place that counts for nothing. */
typedef struct ap_tape_rows {
    int64_t first, count, total; /**< the first row here, how many are here, and how many there are in all */
    void (*sum)(void *context, int64_t n, double *x); /**< replaces x [n] by its sum over the processes */
    void *context;                                    /**< passed on to `sum` */
} ap_tape_rows;

/** Sets the rows, which are copied. NULL, as on a new tape: every row is here. */
void ap_tape_rows_set(ap_tape *tape, const ap_tape_rows *rows);

/** The rows here as a share of all, and `n` numbers of the rows here as a number of all. */
double ap_tape_share(const ap_tape *tape);
double ap_tape_total(const ap_tape *tape, int64_t n);

/** How many of a variable's numbers lie in the rows before those here, if `n` are here. */
uint64_t ap_tape_origin(const ap_tape *tape, int64_t n);

/** Replaces x [n], sums over the rows here, by those over all rows. For operations that are not a mean over
 * the rows. */
void ap_tape_sum(const ap_tape *tape, int64_t n, double *x);

/** A leaf over the caller's numbers, which must outlive the step. `grad` has as many numbers and receives the
 * gradient by addition (the caller zeroes it); NULL makes the leaf a constant. */
ap_var *ap_tape_leaf(ap_tape *tape, ap_tensor value, ap_real *grad);

/** A leaf over the caller's numbers that is not differentiated. */
ap_var *ap_tape_constant(ap_tape *tape, ap_tensor value);

/** Pushes the output of an operation: a value of `shape` with undefined content, to be filled by the caller.
 * `op` must outlive the tape; `inputs` is copied, and its entries may be NULL. The output wants a gradient if
 * any input does. An input from a scope that has ended is fatal. */
ap_var *ap_tape_push(ap_tape *tape, const ap_op *op, ap_shape shape, int input_count, ap_var *const *inputs);

/** Gives `y` a block of `bytes`, content undefined, to save data for its backward; the block is recycled
 * after that. Returns NULL if y wants no gradient: there is nothing to fill then. At most one block per
 * variable. */
void *ap_tape_save(ap_tape *tape, ap_var *y, size_t bytes);

/** The number of elements of the value of `x`. */
int64_t ap_var_count(const ap_var *x);

/** The gradient of `x` to add to, filled with zeros on the first request. NULL if x is NULL or wants none. */
ap_real *ap_var_grad(ap_tape *tape, ap_var *x);

/** As ap_var_grad, for a backward function that can either add or overwrite. If *fresh is set, the content is
 * undefined and every element must be written. In an operation that is in_place, the block may be that of
 * y->grad, which y then no longer has; take the address of y->grad first. */
ap_real *ap_var_grad_fresh(ap_tape *tape, ap_var *x, bool *fresh);

/** Makes value and grad of `x` survive the end of its scope and ap_tape_backward. */
void ap_tape_keep(ap_var *x);

/** Computes the gradient of `loss` (any shape of one element) with respect to everything it was computed
 * from. Leaves receive d(scale x loss)/d(leaf). */
void ap_tape_backward(ap_tape *tape, ap_var *loss, ap_real scale);

/** As ap_tape_backward, but starts from the gradients the caller has put through ap_var_grad into any
 * variables, of any shape. */
void ap_tape_backward_all(ap_tape *tape);

AP_API_END

#endif
