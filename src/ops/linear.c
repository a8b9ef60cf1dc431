#include "antiphon/linear.h"

#include "antiphon/status.h"
#include "core/array.h"
#include "core/blas.h"
#include "ops/registry.h"

/* ---------------------------------------------------------------- linear: y = x W' + bias */

/* x [R, K], weight [N, K], bias [N] or NULL, y [R, N]. The product is added to rows that hold the bias, which
 * costs no pass of its own. */
static void linear_forward(int64_t R, int64_t N, int64_t K, const ap_real *x, const ap_real *weight,
                           const ap_real *bias, ap_real *y)
{
    if (bias) ap_matrix_fill_rows(R, N, bias, y);
    ap_gemm(false, true, R, N, K, 1, x, K, weight, K, bias ? 1 : 0, y, N);
}

/* dx += dy W (fresh: dx = dy W); dW += dy' x; dbias += the sum of dy's rows */
static void linear_backward(int64_t R, int64_t N, int64_t K, const ap_real *x, const ap_real *weight,
                            const ap_real *dy, bool fresh, ap_real *dx, ap_real *dweight, ap_real *dbias)
{
    if (dx) ap_gemm(false, false, R, K, N, 1, dy, N, weight, K, fresh ? 0 : 1, dx, K);
    if (dweight) ap_gemm(true, false, N, K, R, 1, dy, N, x, K, 1, dweight, K);
    ap_matrix_column_sums(R, N, dy, dbias);
}

static void linear_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *x = y->inputs[0], *weight = y->inputs[1], *bias = y->inputs[2];
    int64_t N = weight->value.shape.at[0], K = weight->value.shape.at[1];
    int64_t R = ap_shape_count(y->value.shape) / N;
    bool fresh;
    ap_real *dx = ap_var_grad_fresh(tape, x, &fresh), *dweight = ap_var_grad(tape, weight);
    linear_backward(R, N, K, dweight ? ap_var_value(tape, x) : NULL, weight->value.data, y->grad, fresh, dx,
                    dweight, ap_var_grad(tape, bias));
}

static void linear_node_again(ap_tape *tape, ap_var *y)
{
    ap_var *x = y->inputs[0], *weight = y->inputs[1], *bias = y->inputs[2];
    int64_t N = weight->value.shape.at[0], K = weight->value.shape.at[1];
    linear_forward(ap_shape_count(y->value.shape) / N, N, K, ap_var_value(tape, x), weight->value.data,
                   bias ? bias->value.data : NULL, y->value.data);
}

AP_DEFINE_REPEATABLE_OP(linear);

ap_var *ap_linear(ap_tape *tape, ap_var *x, ap_var *weight, ap_var *bias)
{
    ap_shape shape = x->value.shape, w = weight->value.shape;
    int last = shape.rank - 1;
    if (last < 0 || w.rank != 2 || shape.at[last] != w.at[1] ||
        (bias && !ap_shape_same(bias->value.shape, AP_SHAPE(w.at[0]))))
        ap_fatal("linear: x %s, weight %s and bias %s do not fit", ap_shape_print(shape).text,
                 ap_shape_print(w).text, bias ? ap_shape_print(bias->value.shape).text : "none");
    shape.at[last] = w.at[0];
    ap_var *y = ap_tape_push(tape, &op_linear, shape, 3, (ap_var *[]){x, weight, bias});
    linear_node_again(tape, y);
    return y;
}

/* ---------------------------------------------------------------- matmul: y = a b */

/* da += dy b'; db += a' dy */
static void matmul_backward(int64_t M, int64_t N, int64_t K, const ap_real *a, const ap_real *b,
                            const ap_real *dy, ap_real *da, ap_real *db)
{
    if (da) ap_gemm(false, true, M, K, N, 1, dy, N, b, N, 1, da, K);
    if (db) ap_gemm(true, false, K, N, M, 1, a, K, dy, N, 1, db, N);
}

static void matmul_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *a = y->inputs[0], *b = y->inputs[1];
    int64_t M = a->value.shape.at[0], K = a->value.shape.at[1], N = b->value.shape.at[1];
    matmul_backward(M, N, K, a->value.data, b->value.data, y->grad, ap_var_grad(tape, a),
                    ap_var_grad(tape, b));
}

AP_DEFINE_OP(matmul);

ap_var *ap_matmul(ap_tape *tape, ap_var *a, ap_var *b)
{
    ap_shape left = a->value.shape, right = b->value.shape;
    if (left.rank != 2 || right.rank != 2 || left.at[1] != right.at[0])
        ap_fatal("matmul: shapes %s and %s do not fit", ap_shape_print(left).text,
                 ap_shape_print(right).text);
    int64_t M = left.at[0], K = left.at[1], N = right.at[1];
    ap_var *y = ap_tape_push(tape, &op_matmul, AP_SHAPE(M, N), 2, (ap_var *[]){a, b});
    ap_gemm(false, false, M, N, K, 1, a->value.data, K, b->value.data, N, 0, y->value.data, N);
    return y;
}
