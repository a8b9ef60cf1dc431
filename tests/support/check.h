/* What the tests share: reproducible inputs, comparison of arrays, and the gradient check. */
#ifndef ANTIPHON_TESTS_CHECK_H
#define ANTIPHON_TESTS_CHECK_H

#include "antiphon/tape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define CHECK_INPUTS_MAX 12

/* A tensor of normally distributed numbers of standard deviation `scale`, drawn from `seed`. The caller frees
 * .data. */
ap_tensor random_tensor(uint64_t seed, ap_real scale, ap_shape shape);

/* Moves every number that is nearer to one of the `count` kinks than `distance` away from it, so that finite
 * differences do not step across. */
void keep_from(ap_tensor x, const ap_real *kinks, int count, ap_real distance);

/* Fails the test unless every |got - want| <= tolerance (1 + |want|); names the first bad element. */
void check_close(const char *what, int64_t n, const ap_real *got, const double *want, double tolerance);

/* The tolerance for comparing a kernel of this build with a loop in double. */
double forward_tolerance(void);

/* What a gradient check differentiates: builds the output (any shape) from the inputs. It is called many
 * times and must do the same each time. */
typedef ap_var *check_fn(ap_tape *tape, ap_var *const *inputs, const void *context);

typedef struct gradient_case {
    const char *name;
    check_fn *build;
    const void *context;
    int input_count;
    ap_tensor inputs[CHECK_INPUTS_MAX]; /* owned by the caller; changed and restored by the check */
    bool constant[CHECK_INPUTS_MAX];    /* inputs that are not differentiated */
    bool training;                      /* the tape's mode */
    bool rounds_alone; /* a gradient that is wanted alone may be computed in another way, and rounded
                          otherwise */
} gradient_case;

/* Compares, element by element and with its sign, the tape's gradient of sum(output * fixed random weights)
 * with a central difference of fourth order. Relative tolerance 1e-6 in the double build (of the larger of
 * the element and a hundredth of the gradient's RMS); in the float build, where differences are coarse, 2e-2
 * of the gradient's RMS, so that a wrong sign or a missing term still fails. The gradient is added to what
 * stood there, and is the same, bit for bit, when no other input's is wanted; and the same where it is the
 * first to be written into memory full of NaN. Values that the operation does not declare to read are NaN
 * when the tape goes back. Frees nothing. */
void check_gradient(const gradient_case *c);

/* Fails the test unless each value that the operation of this name declares to read has made a difference to
 * some gradient in a check_gradient before: then an operation that declares too little would have failed
 * there, as what it did not declare was NaN, and one that declares too much fails here. */
void check_reads(const char *name);

/* Compares value and gradients of the case as several threads compute them with those of one thread, with
 * check_close's measure; tolerance 0 asks for the same bits. */
void check_threads(const gradient_case *c, double tolerance);

/* Frees the data of every input of the case. */
void free_inputs(gradient_case *c);

#endif
