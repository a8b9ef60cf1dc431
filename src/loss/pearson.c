#include "loss/pearson.h"

#include "antiphon/modulation.h"
#include "antiphon/status.h"
#include "ops/registry.h"

#include <math.h>

/* Keeps r finite for signals that hardly move. */
#define PRODUCT_FLOOR 1e-8

ap_moments ap_moments_of(int64_t M, const ap_real *x)
{
    ap_real low = x[0], high = x[0];
    double sum = 0, square = 0;
    for (int64_t i = 0; i < M; i++) {
        sum += (double)x[i];
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    double mean = sum / (double)M;
#pragma omp simd reduction(+ : square)
    for (int64_t i = 0; i < M; i++) square += ((double)x[i] - mean) * ((double)x[i] - mean);
    bool constant = low == high && isfinite(sum); /* low and high ignore NaN, and infinity equals itself */
    return (ap_moments){mean, constant ? 0 : sqrt(square / (double)(M - 1))};
}

double ap_variation_of(int64_t M, const ap_real *e)
{
    ap_moments of = ap_moments_of(M, e);
    return of.mean <= 0 ? 0 : of.sigma / of.mean;
}

ap_correlation ap_correlate(int64_t M, const ap_real *x, const ap_real *y)
{
    ap_moments of_x = ap_moments_of(M, x), of_y = ap_moments_of(M, y);
    ap_correlation c = {
        .mean_x = of_x.mean, .mean_y = of_y.mean, .sigma_x = of_x.sigma, .sigma_y = of_y.sigma};
    if (c.sigma_x == 0 || c.sigma_y == 0) {
        c.r = 0 * (c.sigma_x + c.sigma_y); /* NaN if the other is not finite */
        return c;
    }
    c.product = c.sigma_x * c.sigma_y + PRODUCT_FLOOR;
    double products = 0;
#pragma omp simd reduction(+ : products)
    for (int64_t i = 0; i < M; i++) products += ((double)x[i] - c.mean_x) * ((double)y[i] - c.mean_y);
    double r = products / (double)(M - 1) / c.product;
    c.r = r > 1 ? 1 : r < -1 ? -1 : r; /* NaN stays NaN */
    return c;
}

/* With r = cov / p, p the product: dcov/dx_i = (y_i - mean_y) / (M - 1) and
 * dsigma_x/dx_i = (x_i - mean_x) / ((M - 1) sigma_x), so
 * dr/dx_i = (y_i - mean_y - r sigma_y / sigma_x (x_i - mean_x)) / ((M - 1) p); likewise for y. */
void ap_correlate_backward(const ap_correlation *c, int64_t M, const ap_real *x, const ap_real *y, double dr,
                           ap_real *dx, ap_real *dy)
{
    if (c->sigma_x == 0 || c->sigma_y == 0) return;
    double factor = dr / ((double)(M - 1) * c->product);
    double along_x = c->r * c->sigma_y / c->sigma_x, along_y = c->r * c->sigma_x / c->sigma_y;
    for (int64_t i = 0; i < M; i++) {
        double from_x = (double)x[i] - c->mean_x, from_y = (double)y[i] - c->mean_y;
        if (dx) dx[i] += (ap_real)(factor * (from_y - along_x * from_x));
        if (dy) dy[i] += (ap_real)(factor * (from_x - along_y * from_y));
    }
}

double ap_pearson(int64_t M, const ap_real *x, const ap_real *y)
{
    return ap_correlate(M, x, y).r;
}

double ap_copy_r(int64_t M, const ap_real *e)
{
    return ap_pearson(M, e, e);
}

/* ---------------------------------------------------------------- pearson: y[b] = r(a[b], b[b]) */

static void pearson_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var *a = y->inputs[0], *b = y->inputs[1];
    ap_real *da = ap_var_grad(tape, a), *db = ap_var_grad(tape, b);
    int64_t B = a->value.shape.at[0], M = a->value.shape.at[1];
    for (int64_t i = 0; i < B; i++) {
        const ap_real *pa = a->value.data + i * M, *pb = b->value.data + i * M;
        ap_correlation c = ap_correlate(M, pa, pb);
        ap_correlate_backward(&c, M, pa, pb, (double)y->grad[i], da ? da + i * M : NULL,
                              db ? db + i * M : NULL);
    }
}

AP_DEFINE_OP(pearson, .reads = AP_READS_INPUTS(2));

ap_var *ap_pearson_of(ap_tape *tape, ap_var *a, ap_var *b)
{
    ap_shape shape = a->value.shape;
    if (shape.rank != 2 || shape.at[1] < 2 || !ap_shape_same(shape, b->value.shape))
        ap_fatal("pearson: shapes %s and %s", ap_shape_print(shape).text,
                 ap_shape_print(b->value.shape).text);
    ap_var *y = ap_tape_push(tape, &op_pearson, AP_SHAPE(shape.at[0]), 2, (ap_var *[]){a, b});
    int64_t M = shape.at[1];
    for (int64_t i = 0; i < shape.at[0]; i++)
        y->value.data[i] = (ap_real)ap_pearson(M, a->value.data + i * M, b->value.data + i * M);
    return y;
}
