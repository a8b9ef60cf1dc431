#include "antiphon/ops.h"

#include "antiphon/status.h"
#include "kernels/array.h"
#include "ops/registry.h"

#include <math.h>

/* w[n] = g[n] v[n] / ||v[n]||, with v[n] all elements under index n of the first dimension */

void ap_weight_norm_forward(int64_t N, int64_t size, const ap_real *v, const ap_real *g, ap_real *w)
{
#pragma omp parallel for schedule(static) if (N * size > 1 << 14)
    for (int64_t n = 0; n < N; n++) {
        const ap_real *vn = v + n * size;
        ap_real factor = (ap_real)((double)g[n] / sqrt(ap_array_dot(size, vn, vn)));
        for (int64_t i = 0; i < size; i++) w[n * size + i] = factor * vn[i];
    }
}

/* with u = v / ||v||, w = g u:  dg = dw . u,  dv = (g / ||v||) (dw - (dw . u) u) */
static void weight_norm_backward(int64_t N, int64_t size, const ap_real *v, const ap_real *g,
                                 const ap_real *dw, ap_real *dv, ap_real *dg)
{
#pragma omp parallel for schedule(static) if (N * size > 1 << 14)
    for (int64_t n = 0; n < N; n++) {
        const ap_real *vn = v + n * size, *dwn = dw + n * size;
        double norm = sqrt(ap_array_dot(size, vn, vn)), along = ap_array_dot(size, dwn, vn) / norm;
        if (dg) dg[n] += (ap_real)along;
        if (!dv) continue;
        ap_real factor = (ap_real)((double)g[n] / norm), back = (ap_real)(along / norm);
        for (int64_t i = 0; i < size; i++) dv[n * size + i] += factor * (dwn[i] - back * vn[i]);
    }
}

static int64_t row_size(const ap_var *v)
{
    return ap_var_count(v) / v->value.shape.at[0];
}

static void weight_norm_node_backward(ap_tape *tape, ap_var *w)
{
    ap_var *v = w->inputs[0], *g = w->inputs[1];
    weight_norm_backward(v->value.shape.at[0], row_size(v), v->value.data, g->value.data, w->grad,
                         ap_var_grad(tape, v), ap_var_grad(tape, g));
}

AP_DEFINE_OP(weight_norm, .reads = AP_READS_INPUTS(2));

ap_var *ap_weight_norm(ap_tape *tape, ap_var *v, ap_var *g)
{
    if (v->value.shape.rank < 1 || ap_var_count(g) != v->value.shape.at[0])
        ap_fatal("weight_norm: g %s does not fit v %s", ap_shape_print(g->value.shape).text,
                 ap_shape_print(v->value.shape).text);
    ap_var *w = ap_tape_push(tape, &op_weight_norm, v->value.shape, 2, (ap_var *[]){v, g});
    ap_weight_norm_forward(v->value.shape.at[0], row_size(v), v->value.data, g->value.data, w->value.data);
    return w;
}
