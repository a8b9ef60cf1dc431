#include "antiphon/ops.h"

#include "antiphon/status.h"
#include "kernels/array.h"
#include "kernels/product.h"
#include "ops/registry.h"

/* ---------------------------------------------------------------- linear: y = x W' + bias */

/* x [R, K], weight [N, K], bias [N] or NULL, y [R, N] */
static void linear_forward(ap_arena *arena, int64_t R, int64_t N, int64_t K, const ap_real *x,
                           const ap_real *weight, const ap_real *bias, ap_real *y)
{
    ap_product(arena, &(ap_product_task){R, N, K, ap_matrix_rows(x, K), ap_matrix_turned(weight, K), bias, y,
                                         N, false});
}

/* dx += dy W (fresh: dx = dy W); dW += dy' x; dbias += the sum of dy's rows */
static void linear_backward(ap_arena *arena, int64_t R, int64_t N, int64_t K, const ap_real *x,
                            const ap_real *weight, const ap_real *dy, bool fresh, ap_real *dx,
                            ap_real *dweight, ap_real *dbias)
{
    ap_matrix rows = ap_matrix_rows(dy, N), turned = ap_matrix_turned(dy, N);
    if (dx)
        ap_product(arena, &(ap_product_task){R, K, N, rows, ap_matrix_rows(weight, K), NULL, dx, K, !fresh});
    if (dweight)
        ap_product(arena, &(ap_product_task){N, K, R, turned, ap_matrix_rows(x, K), NULL, dweight, K, true});
    ap_matrix_column_sums(R, N, dy, dbias);
}

static void linear_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *x = y->inputs[0], *weight = y->inputs[1], *bias = y->inputs[2];
    int64_t N = weight->value.shape.at[0], K = weight->value.shape.at[1];
    int64_t R = ap_var_count(y) / N;
    bool fresh;
    ap_real *dx = ap_var_grad_fresh(tape, x, &fresh), *dweight = ap_var_grad(tape, weight);
    linear_backward(ap_tape_arena(tape), R, N, K, x->value.data, weight->value.data, y->grad, fresh, dx,
                    dweight, ap_var_grad(tape, bias));
}

static void linear_node_again(ap_tape *tape, ap_var *y)
{
    ap_var *x = y->inputs[0], *weight = y->inputs[1], *bias = y->inputs[2];
    int64_t N = weight->value.shape.at[0], K = weight->value.shape.at[1];
    linear_forward(ap_tape_arena(tape), ap_var_count(y) / N, N, K, x->value.data, weight->value.data,
                   bias ? bias->value.data : NULL, y->value.data);
}

AP_DEFINE_OP(linear, .reads_of = ap_reads_of_product, .again = linear_node_again,
             .again_reads = AP_READS_INPUTS(3), .dear = true);

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
static void matmul_backward(ap_arena *arena, int64_t M, int64_t N, int64_t K, const ap_real *a,
                            const ap_real *b, const ap_real *dy, ap_real *da, ap_real *db)
{
    ap_matrix rows = ap_matrix_rows(dy, N);
    if (da) ap_product(arena, &(ap_product_task){M, K, N, rows, ap_matrix_turned(b, N), NULL, da, K, true});
    if (db) ap_product(arena, &(ap_product_task){K, N, M, ap_matrix_turned(a, K), rows, NULL, db, N, true});
}

static void matmul_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *a = y->inputs[0], *b = y->inputs[1];
    int64_t M = a->value.shape.at[0], K = a->value.shape.at[1], N = b->value.shape.at[1];
    matmul_backward(ap_tape_arena(tape), M, N, K, a->value.data, b->value.data, y->grad, ap_var_grad(tape, a),
                    ap_var_grad(tape, b));
}

AP_DEFINE_OP(matmul, .reads_of = ap_reads_of_product);

ap_var *ap_matmul(ap_tape *tape, ap_var *a, ap_var *b)
{
    ap_shape left = a->value.shape, right = b->value.shape;
    if (left.rank != 2 || right.rank != 2 || left.at[1] != right.at[0])
        ap_fatal("matmul: shapes %s and %s do not fit", ap_shape_print(left).text,
                 ap_shape_print(right).text);
    int64_t M = left.at[0], K = left.at[1], N = right.at[1];
    ap_var *y = ap_tape_push(tape, &op_matmul, AP_SHAPE(M, N), 2, (ap_var *[]){a, b});
    ap_product(ap_tape_arena(tape),
               &(ap_product_task){M, N, K, ap_matrix_rows(a->value.data, K), ap_matrix_rows(b->value.data, N),
                                  NULL, y->value.data, N, false});
    return y;
}
