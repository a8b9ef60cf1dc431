#include "antiphon/ops.h"

#include "antiphon/status.h"
#include "base/bounds.h"
#include "kernels/array.h"
#include "kernels/flops.h"
#include "kernels/lstm_panels.h"
#include "kernels/product.h"
#include "kernels/rendezvous.h"
#include "kernels/simd.h"
#include "kernels/vmath.h"
#include "ops/registry.h"

#include <omp.h>
#include <string.h>

/* ---------------------------------------------------------------- lstm
 *
 * z_t = weight_ih x_t + bias_ih + weight_hh h_(t-1) + bias_hh      four gates of H: i, f, g, o
 * c_t = sigmoid(f) c_(t-1) + sigmoid(i) tanh(g)
 * h_t = sigmoid(o) tanh(c_t)
 *
 * What depends on x alone is one matrix product over all steps. What depends on h must go step by step: there
 * each thread keeps its share of the units, with the weights of all four gates of these units, through the
 * whole sequence, and the threads meet once a step. A unit is summed up in the same order whoever has it. */

#define GATES AP_LSTM_GATES
#define TOGETHER AP_LSTM_TOGETHER
/* Steps at a time if nothing is kept for a backward pass, so that long inference needs bounded memory. */
#define STEPS 512
/* Steps with fewer multiplications do not pay for another thread's synchronisation. */
#define MULTIPLICATIONS_LEAST 65536

typedef struct layer {
    int64_t B, C, T, H;
} layer;

static int64_t packed_count(int64_t H)
{
    return ap_lstm_groups(H) * ap_lstm_panel_count(H);
}

static int thread_count(const layer *l)
{
    int64_t worth = 1 + l->B * GATES * l->H * l->H / MULTIPLICATIONS_LEAST;
    return (int)ap_least(ap_least(worth, ap_lstm_groups(l->H)), omp_get_max_threads());
}

/* The groups of units of the calling thread in a parallel region, and the units in them. */
typedef struct share {
    int64_t first, end, unit, units;
} share;

static share share_of_thread(int64_t H)
{
    share s = {.first = ap_lstm_groups(H) * omp_get_thread_num() / omp_get_num_threads(),
               .end = ap_lstm_groups(H) * (omp_get_thread_num() + 1) / omp_get_num_threads()};
    s.unit = s.first * AP_LANES;
    s.units = ap_least(s.end * AP_LANES, H) - s.unit;
    return s;
}

/* to[0 .. count - 1] += v */
static void add_lanes(ap_real *to, const ap_real v[AP_LANES], int64_t count)
{
    if (count == AP_LANES)
        for (int i = 0; i < AP_LANES; i++) to[i] += v[i];
    else
        for (int64_t i = 0; i < count; i++) to[i] += v[i];
}

/* counts `steps` steps of the recurrence, in either direction */
static void count_flops(const layer *l, int64_t steps)
{
    ap_flops_add(2 * GATES * l->H * l->H * l->B * steps);
}

/* Computes the state of one item's units first .. first + n - 1 at one step. Each pointer is to the item's
 * first number; c may be c_before. */
static void cell_state(int64_t H, int64_t first, int64_t n, const ap_real *gates, const ap_real *c_before,
                       ap_real *c)
{
    const ap_real *i = gates + first, *f = i + H, *g = f + H;
    c_before += first, c += first;
#pragma omp simd
    for (int64_t u = 0; u < n; u++) c[u] = f[u] * c_before[u] + i[u] * g[u];
}

/* The whole cell: z [4H] becomes the values of the gates, c advances one step. */
static void cell_forward(int64_t H, int64_t first, int64_t n, ap_real *z, ap_real *c, ap_real *h)
{
    ap_real *i = z + first, *f = i + H, *g = f + H, *o = g + H;
    ap_vsigmoid(n, i, i);
    ap_vsigmoid(n, f, f);
    ap_vtanh(n, g, g);
    ap_vsigmoid(n, o, o);
    cell_state(H, first, n, z, c, c);
    h += first;
    ap_vtanh(n, c + first, h);
    for (int64_t u = 0; u < n; u++) h[u] *= o[u];
}

/* The backward of cell_forward: gates becomes dz, c becomes tanh(c), and dc, received from the next step,
 * becomes that for the previous step. With s = sigmoid: ds/dz = s (1 - s), dtanh/dz = 1 - tanh^2. */
static void cell_backward(int64_t H, int64_t first, int64_t n, ap_real *gates, const ap_real *c_before,
                          ap_real *c, const ap_real *dh, ap_real *dc)
{
    ap_real *i = gates + first, *f = i + H, *g = f + H, *o = g + H;
    c_before += first, c += first, dh += first, dc += first;
    ap_vtanh(n, c, c);
#pragma omp simd
    for (int64_t u = 0; u < n; u++) {
        ap_real all = dc[u] + dh[u] * o[u] * (1 - c[u] * c[u]);
        ap_real di = all * g[u] * i[u] * (1 - i[u]), df = all * c_before[u] * f[u] * (1 - f[u]);
        ap_real dg = all * i[u] * (1 - g[u] * g[u]);
        dc[u] = all * f[u];
        o[u] = dh[u] * c[u] * o[u] * (1 - o[u]);
        i[u] = di;
        f[u] = df;
        g[u] = dg;
    }
}

/* Adds the recurrent contribution to the thread's own units: to z [B, 4H] from h [B, H], or, if `back`, to
 * dh [B, H] from dz [B, 4H]. Every other step starts at the other end, with the panels that were read last;
 * the destination is prefetched meanwhile. Several items share a panel; a single item passes several panels
 * at a time. */
static void collect(const layer *l, share own, int64_t t, bool back, const ap_real *packed,
                    const ap_real *from, ap_real *to)
{
    int64_t H = l->H, item_step = back ? GATES * H : H, rows = back ? 1 : GATES;
    int64_t panels_most = l->B == 1 ? TOGETHER : 1;
    ap_real *at[TOGETHER];
    ap_lstm_sums sums[TOGETHER];
    for (int64_t k = own.first; k < own.end; k += panels_most)
        for (int64_t b = 0; b < l->B; b += TOGETHER) {
            int64_t panels = ap_least(panels_most, own.end - k), items = ap_least(TOGETHER, l->B - b);
            int64_t group = t % 2 ? own.first + own.end - k - panels : k;
            for (int64_t i = 0; i < panels * items; i++) {
                at[i] = to + (b + i / panels) * rows * H + (group + i % panels) * AP_LANES;
                for (int64_t row = 0; row < rows; row++) __builtin_prefetch(at[i] + row * H, 1);
            }
            ap_lstm_panel_product(panels, items, back ? H : 0, H, packed + group * ap_lstm_panel_count(H),
                                  from + b * item_step, item_step, sums);
            for (int64_t i = 0; i < panels * items; i++) {
                ap_real(*of)[AP_LANES] = sums[i];
                for (int lane = 0; back && lane < AP_LANES; lane++)
                    of[0][lane] = of[0][lane] + of[1][lane] + of[2][lane] + of[3][lane];
                for (int64_t row = 0; row < rows; row++)
                    add_lanes(at[i] + row * H, of[row],
                              ap_least(AP_LANES, H - (group + i % panels) * AP_LANES));
            }
        }
}

/* z [steps, B, 4H] holds the contribution of x and becomes the gates. c [B, H] and the first of h [1 +
 * steps, B, H] are the state before the first step; c becomes that after the last. */
static void run_forward(const layer *l, int64_t steps, const ap_real *packed, ap_real *z, ap_real *c,
                        ap_real *h)
{
    int64_t B = l->B, H = l->H;
    ap_rendezvous step;
#pragma omp parallel num_threads(thread_count(l))
    {
#pragma omp single
        ap_rendezvous_init(&step, omp_get_num_threads());
        const share own = share_of_thread(H);
        for (int64_t t = 0; t < steps; t++) {
            collect(l, own, t, false, packed, h + t * B * H, z + t * B * GATES * H);
            for (int64_t b = 0; b < B; b++)
                cell_forward(H, own.unit, own.units, z + (t * B + b) * GATES * H, c + b * H,
                             h + ((t + 1) * B + b) * H);
            ap_rendezvous_wait(&step);
        }
    }
    ap_rendezvous_free(&step);
}

/* gates [T, B, 4H] becomes dz. dh [T, B, H] holds the gradient of y and receives that of the next step. dc
 * [B, H] and the first of c [1 + T, B, H] start as zeros. The cells' states are computed again from the
 * gates, which takes little time. */
static void run_backward(const layer *l, const ap_real *packed, ap_real *gates, ap_real *c, ap_real *dh,
                         ap_real *dc)
{
    int64_t B = l->B, H = l->H;
    ap_rendezvous step;
#pragma omp parallel num_threads(thread_count(l))
    {
#pragma omp single
        ap_rendezvous_init(&step, omp_get_num_threads());
        const share own = share_of_thread(H);
        for (int64_t row = 0; row < l->T * B; row++)
            cell_state(H, own.unit, own.units, gates + row * GATES * H, c + row * H, c + (row + B) * H);
        for (int64_t t = l->T - 1; t >= 0; t--) {
            if (t < l->T - 1)
                collect(l, own, t, true, packed, gates + (t + 1) * B * GATES * H, dh + t * B * H);
            for (int64_t b = 0; b < B; b++)
                cell_backward(H, own.unit, own.units, gates + (t * B + b) * GATES * H, c + (t * B + b) * H,
                              c + ((t + 1) * B + b) * H, dh + (t * B + b) * H, dc + b * H);
            ap_rendezvous_wait(&step);
        }
    }
    ap_rendezvous_free(&step);
}

/* The sizes of the gates [steps, B, 4H], which are kept for backward, and of the states [1 + steps, B, H].
 */
static int64_t gates_count(const layer *l, int64_t steps)
{
    return steps * l->B * GATES * l->H;
}

static int64_t states_count(const layer *l, int64_t steps)
{
    return (1 + steps) * l->B * l->H;
}

/* z [steps, B, 4H] = weight_ih x_t + bias for steps t, t + 1, ... */
static void input_product(ap_arena *arena, const layer *l, int64_t t, int64_t steps, const ap_real *x,
                          const ap_real *weight_ih, const ap_real *bias, ap_real *z)
{
    for (int64_t b = 0; b < l->B; b++)
        ap_product(arena, &(ap_product_task){steps, GATES * l->H, l->C,
                                             ap_matrix_turned(x + b * l->C * l->T + t, l->T),
                                             ap_matrix_turned(weight_ih, l->C), bias, z + b * GATES * l->H,
                                             l->B * GATES * l->H, false});
}

static void lstm_forward(ap_arena *arena, const layer *l, int64_t chunk, const ap_real *x,
                         const ap_real *weight_ih, const ap_real *packed, const ap_real *bias, ap_real *gates,
                         ap_real *c, ap_real *h, ap_real *y)
{
    int64_t state = l->B * l->H;
    memset(c, 0, (size_t)state * sizeof *c);
    memset(h, 0, (size_t)state * sizeof *h);
    for (int64_t t = 0; t < l->T; t += chunk) {
        int64_t steps = ap_least(chunk, l->T - t);
        input_product(arena, l, t, steps, x, weight_ih, bias, gates);
        count_flops(l, steps);
        run_forward(l, steps, packed, gates, c, h);
        for (int64_t b = 0; b < l->B; b++)
            ap_matrix_transpose(steps, l->H, h + (l->B + b) * l->H, state, false, y + b * l->H * l->T + t,
                                l->T);
        memcpy(h, h + steps * state, (size_t)state * sizeof *h);
    }
}

typedef struct lstm_grads {
    ap_real *x, *weight_ih, *weight_hh, *bias_ih, *bias_hh;
} lstm_grads;

/* From dz [T, B, 4H]: dx += weight_ih' dz, dweight_ih += dz x', dweight_hh += dz h_(t-1)', dbias += dz. The
 * weights' gradients alone read x and y. */
static void lstm_backward(ap_arena *arena, const layer *l, const ap_real *x, const ap_real *weight_ih,
                          const ap_real *y, const ap_real *dz, lstm_grads to)
{
    int64_t T = l->T, N = GATES * l->H, step = l->B * N;
    for (int64_t b = 0; b < l->B; b++) {
        const ap_real *dz_b = dz + b * N;
        int64_t in = b * l->C * T, out = b * l->H * T;
        ap_matrix turned = ap_matrix_turned(dz_b, step), later = ap_matrix_turned(dz_b + step, step);
        if (to.x)
            ap_product(arena, &(ap_product_task){l->C, T, N, ap_matrix_turned(weight_ih, l->C), turned, NULL,
                                                 to.x + in, T, true});
        if (to.weight_ih)
            ap_product(arena, &(ap_product_task){N, l->C, T, turned, ap_matrix_turned(x + in, T), NULL,
                                                 to.weight_ih, l->C, true});
        if (to.weight_hh && T > 1)
            ap_product(arena, &(ap_product_task){N, l->H, T - 1, later, ap_matrix_turned(y + out, T), NULL,
                                                 to.weight_hh, l->H, true});
    }
    ap_matrix_column_sums(T * l->B, N, dz, to.bias_ih);
    ap_matrix_column_sums(T * l->B, N, dz, to.bias_hh);
}

static layer layer_of(const ap_var *x, const ap_var *weight_hh)
{
    ap_shape shape = x->value.shape;
    return (layer){shape.at[0], shape.at[1], shape.at[2], weight_hh->value.shape.at[1]};
}

static void lstm_node_backward(ap_tape *tape, ap_var *y)
{
    ap_var **in = y->inputs;
    layer l = layer_of(in[0], in[2]);
    int64_t state = l.B * l.H;
    ap_real *gates = y->saved;
    size_t bytes =
        (size_t)(packed_count(l.H) + l.T * state + state + states_count(&l, l.T)) * sizeof(ap_real);
    ap_real *packed = ap_arena_alloc(ap_tape_arena(tape), bytes), *dh = packed + packed_count(l.H);
    ap_real *dc = dh + l.T * state, *c = dc + state;
    ap_lstm_panels_pack(l.H, in[2]->value.data, true, packed);
    for (int64_t b = 0; b < l.B; b++)
        ap_matrix_transpose(l.H, l.T, y->grad + b * l.H * l.T, l.T, false, dh + b * l.H, state);
    memset(dc, 0, (size_t)(2 * state) * sizeof *dc); /* and the first of c */
    count_flops(&l, l.T - 1);
    run_backward(&l, packed, gates, c, dh, dc);
    ap_arena_recycle(ap_tape_arena(tape), packed, bytes);
    lstm_grads to = {ap_var_grad(tape, in[0]), ap_var_grad(tape, in[1]), ap_var_grad(tape, in[2]),
                     ap_var_grad(tape, in[3]), ap_var_grad(tape, in[4])};
    lstm_backward(ap_tape_arena(tape), &l, in[0]->value.data, in[1]->value.data, y->value.data, gates, to);
}

/* backward through time reads weight_hh; the gradient of x reads weight_ih, that of weight_ih reads x, that
 * of weight_hh reads y */
static ap_reads lstm_reads(const ap_var *y)
{
    ap_reads reads = AP_READS_INPUT(2);
    if (y->inputs[0]->wants_grad) reads |= AP_READS_INPUT(1);
    if (y->inputs[1]->wants_grad) reads |= AP_READS_INPUT(0);
    if (y->inputs[2]->wants_grad) reads |= AP_READS_OUTPUT;
    return reads;
}

AP_DEFINE_OP(lstm, .reads_of = lstm_reads);

static void require_fit(const ap_var *x, const ap_var *weight_ih, const ap_var *weight_hh,
                        const ap_var *bias_ih, const ap_var *bias_hh)
{
    ap_shape shape = x->value.shape, w = weight_hh->value.shape;
    int64_t C = shape.at[1], H = w.at[1], N = GATES * H;
    if (shape.rank != 3 || !ap_shape_same(weight_ih->value.shape, AP_SHAPE(N, C)) ||
        !ap_shape_same(w, AP_SHAPE(N, H)) || !ap_shape_same(bias_ih->value.shape, AP_SHAPE(N)) ||
        !ap_shape_same(bias_hh->value.shape, AP_SHAPE(N)))
        ap_fatal("lstm: x %s, weights %s and %s, biases %s and %s do not fit", ap_shape_print(shape).text,
                 ap_shape_print(weight_ih->value.shape).text, ap_shape_print(w).text,
                 ap_shape_print(bias_ih->value.shape).text, ap_shape_print(bias_hh->value.shape).text);
}

ap_var *ap_lstm(ap_tape *tape, ap_var *x, ap_var *weight_ih, ap_var *weight_hh, ap_var *bias_ih,
                ap_var *bias_hh)
{
    require_fit(x, weight_ih, weight_hh, bias_ih, bias_hh);
    layer l = layer_of(x, weight_hh);
    ap_var *in[] = {x, weight_ih, weight_hh, bias_ih, bias_hh};
    ap_var *y = ap_tape_push(tape, &op_lstm, AP_SHAPE(l.B, l.H, l.T), 5, in);
    ap_real *saved = ap_tape_save(tape, y, (size_t)gates_count(&l, l.T) * sizeof *saved);
    int64_t chunk = saved ? l.T : ap_least(l.T, STEPS), state = l.B * l.H;
    int64_t count = packed_count(l.H) + GATES * l.H + state + states_count(&l, chunk);
    size_t bytes = (size_t)(count + (saved ? 0 : gates_count(&l, chunk))) * sizeof(ap_real);
    ap_real *packed = ap_arena_alloc(ap_tape_arena(tape), bytes), *bias = packed + packed_count(l.H);
    ap_real *c = bias + GATES * l.H, *h = c + state, *gates = saved ? saved : packed + count;
    ap_lstm_panels_pack(l.H, weight_hh->value.data, false, packed);
    for (int64_t k = 0; k < GATES * l.H; k++) bias[k] = bias_ih->value.data[k] + bias_hh->value.data[k];
    lstm_forward(ap_tape_arena(tape), &l, chunk, x->value.data, weight_ih->value.data, packed, bias, gates, c,
                 h, y->value.data);
    ap_arena_recycle(ap_tape_arena(tape), packed, bytes);
    return y;
}
