/* The convolutional codec: the published names and shapes, first values, lengths, causality, frozen weights,
 * memory. Its arithmetic is held against golden vectors. */
#include "model/seanet.h"

#include "support/check.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

static const ap_seanet_config ENCODEC = {.dim = 128,
                                         .width = 32,
                                         .ratio_count = 4,
                                         .ratios = {8, 5, 4, 2},
                                         .lstm = 2,
                                         .channels = 1,
                                         .causal = true};
static const ap_seanet_config MIDDLE = {
    .dim = 64, .width = 16, .ratio_count = 2, .ratios = {5, 2}, .lstm = 1, .channels = 1, .causal = true};
static const ap_seanet_config SMALL = {
    .dim = 6, .width = 4, .ratio_count = 2, .ratios = {3, 2}, .lstm = 1, .channels = 1, .causal = true};
static const ap_seanet_config STEREO = {.dim = 6,
                                        .width = 4,
                                        .ratio_count = 2,
                                        .ratios = {3, 2},
                                        .lstm = 1,
                                        .channels = 2,
                                        .norm = AP_CODEC_TIME_GROUP_NORM};
#define SMALL_HOP 6

/* A built codec of both halves. */
typedef struct codec {
    ap_params *params;
    ap_seanet *seanet;
} codec;

static codec create(const ap_seanet_config *config, ap_param_kind kind)
{
    codec c = {.params = ap_params_create()};
    c.seanet = ap_seanet_create(c.params, config, kind, "encoder.", "decoder.");
    ap_rng rng = ap_rng_init(5);
    ap_params_build(c.params, &rng);
    return c;
}

typedef struct named_shape {
    const char *name;
    ap_shape shape;
} named_shape;

static void check_tensors(ap_params *params, size_t count, const named_shape *tensors)
{
    for (size_t i = 0; i < count; i++) {
        const ap_param *param = ap_params_find(params, tensors[i].name);
        if (!param || !ap_shape_same(param->value.shape, tensors[i].shape))
            fail_msg("%s is %s, not %s", tensors[i].name,
                     param ? ap_shape_print(param->value.shape).text : "missing",
                     ap_shape_print(tensors[i].shape).text);
    }
}

/* Tensors of facebook/encodec_24khz's model.safetensors, as its header lists them. */
static void test_published_names(void **state)
{
    (void)state;
    const named_shape tensors[] = {{"encoder.layers.0.conv.weight_v", AP_SHAPE(32, 1, 7)},
                                   {"encoder.layers.0.conv.weight_g", AP_SHAPE(32, 1, 1)},
                                   {"encoder.layers.1.block.1.conv.weight_v", AP_SHAPE(16, 32, 3)},
                                   {"encoder.layers.1.block.3.conv.weight_v", AP_SHAPE(32, 16, 1)},
                                   {"encoder.layers.1.shortcut.conv.bias", AP_SHAPE(32)},
                                   {"encoder.layers.3.conv.weight_v", AP_SHAPE(64, 32, 4)},
                                   {"encoder.layers.12.conv.weight_v", AP_SHAPE(512, 256, 16)},
                                   {"encoder.layers.13.lstm.weight_ih_l0", AP_SHAPE(2048, 512)},
                                   {"encoder.layers.13.lstm.bias_hh_l1", AP_SHAPE(2048)},
                                   {"encoder.layers.15.conv.weight_v", AP_SHAPE(128, 512, 7)},
                                   {"decoder.layers.0.conv.weight_v", AP_SHAPE(512, 128, 7)},
                                   {"decoder.layers.1.lstm.weight_hh_l1", AP_SHAPE(2048, 512)},
                                   {"decoder.layers.3.conv.weight_v", AP_SHAPE(512, 256, 16)},
                                   {"decoder.layers.3.conv.weight_g", AP_SHAPE(512, 1, 1)},
                                   {"decoder.layers.3.conv.bias", AP_SHAPE(256)},
                                   {"decoder.layers.4.block.1.conv.weight_v", AP_SHAPE(128, 256, 3)},
                                   {"decoder.layers.13.shortcut.conv.weight_v", AP_SHAPE(32, 32, 1)},
                                   {"decoder.layers.15.conv.weight_v", AP_SHAPE(1, 32, 7)}};
    codec c = create(&ENCODEC, AP_PARAM_FROZEN);
    check_tensors(c.params, sizeof tensors / sizeof *tensors, tensors);
    /* each half: 18 convolutions of three tensors, two LSTM layers of four */
    assert_int_equal(ap_params_count(c.params), 2 * (18 * 3 + 2 * 4));
    assert_int_equal(ap_seanet_hop(c.seanet), 320);
    ap_params_free(c.params);
}

/* Whether white noise goes through a convolution with its variance kept: then the squares of the weights that
 * one output sample adds up come to 1, or to 1/2 on either of the two ways through a residual block. The
 * gains are the norms of the rows; those of a transposed convolution, whose rows are its inputs, are spread
 * over out and stride. */
static void check_gains(const ap_param *v, const ap_param *g, int64_t outputs)
{
    bool transposed = v->value.shape.at[0] != outputs;
    bool half = strstr(g->name, "block.3.") || strstr(g->name, "shortcut.");
    double squares = 0, stride = transposed ? (double)v->value.shape.at[2] / 2 : 1;
    for (int64_t n = 0; n < v->value.shape.at[0]; n++) squares += pow((double)g->value.data[n], 2);
    double variance = squares / ((double)outputs * stride), want = half ? 0.5 : 1;
    if (!(variance > 0.7 * want && variance < 1.4 * want))
        fail_msg("%s: variance %.3f, not %.1f", g->name, variance, want);
}

/* Directions as PyTorch draws them: uniform within 1 / sqrt(numbers of a row). Gains keep the variance; every
 * bias is zero, those of the LSTM too. */
static void test_first_values(void **state)
{
    (void)state;
    codec c = create(&MIDDLE, AP_PARAM_TRAINED);
    for (size_t i = 0; i < ap_params_count(c.params); i++) {
        const ap_param *p = ap_params_at(c.params, i);
        if (strstr(p->name, "bias"))
            for (int64_t n = 0; n < ap_shape_count(p->value.shape); n++) assert_true(p->value.data[n] == 0);
        if (!strstr(p->name, "weight_g")) continue;
        const ap_param *v = ap_params_at(c.params, i - 1), *bias = ap_params_at(c.params, i + 1);
        double bound = 1 / sqrt((double)(v->value.shape.at[1] * v->value.shape.at[2])), largest = 0;
        for (int64_t n = 0; n < ap_shape_count(v->value.shape); n++)
            largest = fmax(largest, fabs((double)v->value.data[n]));
        assert_true(largest <= bound && largest > bound / 2);
        check_gains(v, p, bias->value.shape.at[0]);
    }
    ap_params_free(c.params);
}

/* Tensors of facebook/encodec_48khz's model.safetensors, as its header lists them. */
static void test_published_names_stereo(void **state)
{
    (void)state;
    const named_shape tensors[] = {{"encoder.layers.0.conv.weight", AP_SHAPE(32, 2, 7)},
                                   {"encoder.layers.0.norm.weight", AP_SHAPE(32)},
                                   {"encoder.layers.1.block.1.norm.bias", AP_SHAPE(16)},
                                   {"encoder.layers.1.shortcut.conv.weight", AP_SHAPE(32, 32, 1)},
                                   {"encoder.layers.1.shortcut.norm.weight", AP_SHAPE(32)},
                                   {"encoder.layers.15.norm.weight", AP_SHAPE(128)},
                                   {"decoder.layers.3.conv.weight", AP_SHAPE(512, 256, 16)},
                                   {"decoder.layers.3.norm.weight", AP_SHAPE(256)},
                                   {"decoder.layers.15.conv.weight", AP_SHAPE(2, 32, 7)},
                                   {"decoder.layers.15.norm.bias", AP_SHAPE(2)}};
    ap_seanet_config published = ENCODEC;
    published.channels = 2;
    published.causal = false;
    published.norm = AP_CODEC_TIME_GROUP_NORM;
    codec c = create(&published, AP_PARAM_FROZEN);
    check_tensors(c.params, sizeof tensors / sizeof *tensors, tensors);
    /* each half: 18 convolutions of four tensors, two LSTM layers of four */
    assert_int_equal(ap_params_count(c.params), 2 * (18 * 4 + 2 * 4));
    ap_params_free(c.params);
}

static void check_lengths(const ap_seanet_config *config)
{
    codec c = create(config, AP_PARAM_FROZEN);
    ap_tape *tape = ap_tape_create(0);
    for (int64_t S = 1; S < 4 * SMALL_HOP; S++) {
        ap_tensor x = random_tensor(1, 1, AP_SHAPE(2, config->channels, S));
        ap_var *z = ap_seanet_encode(tape, c.seanet, ap_tape_constant(tape, x));
        int64_t T = (S + SMALL_HOP - 1) / SMALL_HOP;
        assert_true(ap_shape_same(z->value.shape, AP_SHAPE(2, SMALL.dim, T)));
        ap_var *y = ap_seanet_decode(tape, c.seanet, z);
        assert_true(ap_shape_same(y->value.shape, AP_SHAPE(2, config->channels, T * SMALL_HOP)));
        ap_tape_reset(tape);
        free(x.data);
    }
    ap_tape_free(tape);
    ap_params_free(c.params);
}

static void test_lengths(void **state)
{
    (void)state;
    check_lengths(&SMALL);
    check_lengths(&STEREO);
}

/* Runs one half on x and on x changed from position `changed` on: how many of its output's positions stay the
 * same, bit for bit, up to the first that does not. */
static int64_t unmoved(ap_var *(*half)(ap_tape *, ap_seanet *, ap_var *), ap_seanet *seanet, ap_tensor x,
                       int64_t changed)
{
    ap_tape *tape = ap_tape_create(0);
    ap_tensor other = random_tensor(77, 1, x.shape);
    int64_t C = x.shape.at[1], T = x.shape.at[2];
    for (int64_t c = 0; c < C; c++)
        memcpy(other.data + c * T, x.data + c * T, (size_t)changed * sizeof *x.data);
    ap_var *a = half(tape, seanet, ap_tape_constant(tape, x)),
           *b = half(tape, seanet, ap_tape_constant(tape, other));
    int64_t channels = a->value.shape.at[1], length = a->value.shape.at[2], same = length;
    for (int64_t c = 0; c < channels; c++)
        for (int64_t t = 0; t < same; t++)
            if (a->value.data[c * length + t] != b->value.data[c * length + t]) same = t;
    free(other.data);
    ap_tape_free(tape);
    return same;
}

/* Past the mirrored front, nothing hears what comes later: sample n reaches no frame before n / hop, and the
 * frame there does change. */
static void test_causality(void **state)
{
    (void)state;
    enum { T = 60, CHANGED = 37 };
    codec c = create(&SMALL, AP_PARAM_FROZEN);
    ap_tensor x = random_tensor(1, 1, AP_SHAPE(1, 1, T * SMALL_HOP)),
              z = random_tensor(2, 1, AP_SHAPE(1, SMALL.dim, T));
    assert_int_equal(unmoved(ap_seanet_encode, c.seanet, x, CHANGED * SMALL_HOP), CHANGED);
    assert_int_equal(unmoved(ap_seanet_decode, c.seanet, z, CHANGED), CHANGED * SMALL_HOP);
    free(x.data);
    free(z.data);
    ap_params_free(c.params);
}

/* A network that is not causal hears both sides: with weight norm, frame n changes with a sample a little
 * behind it, and only a little. */
static void test_both_sides(void **state)
{
    (void)state;
    enum { T = 60, CHANGED = 37, REACH = 12 };
    ap_seanet_config both = SMALL;
    both.causal = false;
    codec c = create(&both, AP_PARAM_FROZEN);
    ap_tensor x = random_tensor(1, 1, AP_SHAPE(1, 1, T * SMALL_HOP));
    int64_t same = unmoved(ap_seanet_encode, c.seanet, x, CHANGED * SMALL_HOP);
    assert_true(same < CHANGED && same > CHANGED - REACH);
    free(x.data);
    ap_params_free(c.params);
}

static void decode_into(codec c, ap_tensor z, double *y)
{
    ap_tape *tape = ap_tape_create(0);
    ap_var *out = ap_seanet_decode(tape, c.seanet, ap_tape_constant(tape, z));
    for (int64_t i = 0; i < ap_shape_count(out->value.shape); i++) y[i] = (double)out->value.data[i];
    ap_tape_free(tape);
}

static void double_gains(codec c)
{
    const ap_param *g = ap_params_find(c.params, "decoder.layers.0.conv.weight_g");
    for (int64_t i = 0; i < ap_shape_count(g->value.shape); i++) g->value.data[i] *= 2;
}

/* Frozen and trained weights are the same model; a frozen one notices new values once it is told. */
static void test_frozen_weights(void **state)
{
    (void)state;
    enum { T = 9, SAMPLES = T * SMALL_HOP };
    codec frozen = create(&SMALL, AP_PARAM_FROZEN), trained = create(&SMALL, AP_PARAM_TRAINED);
    ap_tensor z = random_tensor(2, 1, AP_SHAPE(1, SMALL.dim, T));
    double want[SAMPLES], got[SAMPLES];
    ap_real as_real[SAMPLES];
#define CHECK_SAME(what)                                                                                     \
    for (int i = 0; i < SAMPLES; i++) as_real[i] = (ap_real)got[i];                                          \
    check_close(what, SAMPLES, as_real, want, forward_tolerance())
    decode_into(trained, z, want);
    decode_into(frozen, z, got);
    CHECK_SAME("frozen");
    double_gains(frozen);
    double_gains(trained);
    double before = want[SAMPLES - 1];
    decode_into(trained, z, want);
    assert_true(fabs(want[SAMPLES - 1] - before) > 1e-3 * fabs(before));
    ap_seanet_reload(frozen.seanet);
    decode_into(frozen, z, got);
    CHECK_SAME("reloaded");
#undef CHECK_SAME
    free(z.data);
    ap_params_free(frozen.params);
    ap_params_free(trained.params);
}

/* Audio decoded by so many threads, and the gradient of its sum of squares with respect to the latents. */
static void decode_with(int threads, codec c, ap_tensor z, ap_real *y, ap_real *dz)
{
    int before = omp_get_max_threads();
    omp_set_num_threads(threads);
    ap_tape *tape = ap_tape_create(0);
    memset(dz, 0, (size_t)ap_shape_count(z.shape) * sizeof *dz);
    ap_params_zero_grads(c.params);
    ap_var *out = ap_seanet_decode(tape, c.seanet, ap_tape_leaf(tape, z, dz));
    ap_real *dy = ap_var_grad(tape, out);
    for (int64_t i = 0; i < ap_shape_count(out->value.shape); i++) dy[i] = 2 * (y[i] = out->value.data[i]);
    ap_tape_backward_all(tape);
    ap_tape_free(tape);
    omp_set_num_threads(before);
}

/* Neither audio nor gradients with respect to signals depend on the threads, bit for bit; gradients of
 * weights are sums of the threads', and differ by rounding. */
static void test_number_of_threads(void **state)
{
    (void)state;
    enum { T = 700, SAMPLES = T * SMALL_HOP };
    codec c = create(&SMALL, AP_PARAM_TRAINED);
    ap_tensor z = random_tensor(2, 1, AP_SHAPE(1, SMALL.dim, T));
    size_t latents = (size_t)(SMALL.dim * T), weights = (size_t)ap_params_trained_count(c.params);
    ap_real *y = malloc(2 * SAMPLES * sizeof *y), *dz = malloc(2 * latents * sizeof *dz);
    double *want = malloc(weights * sizeof *want), largest = 0;
    assert_true(y && dz && want);
    ap_real *grads = ap_params_trained_grads(c.params);
    decode_with(1, c, z, y, dz);
    for (size_t i = 0; i < weights; i++) {
        want[i] = (double)grads[i];
        largest = fmax(largest, fabs(want[i]));
    }
    for (int threads = 2; threads <= 5; threads++) {
        decode_with(threads, c, z, y + SAMPLES, dz + latents);
        assert_memory_equal(y, y + SAMPLES, SAMPLES * sizeof *y);
        assert_memory_equal(dz, dz + latents, latents * sizeof *dz);
        for (size_t i = 0; i < weights; i++)
            if (!(fabs((double)grads[i] - want[i]) <= forward_tolerance() * largest))
                fail_msg("%d threads: gradient %zu is %.9g, not %.9g", threads, i, (double)grads[i], want[i]);
    }
    free(y);
    free(dz);
    free(want);
    free(z.data);
    ap_params_free(c.params);
}

/* Bytes that encoding needs, with and without something to differentiate. */
static size_t encoding_bytes(const ap_seanet_config *config, ap_param_kind kind, bool differentiate)
{
    codec c = create(config, kind);
    ap_tape *tape = ap_tape_create(0);
    ap_tensor x = random_tensor(1, 1, AP_SHAPE(1, 1, 1 << 17));
    ap_real *dx = calloc(1 << 17, sizeof *dx);
    assert_non_null(dx);
    ap_seanet_encode(tape, c.seanet, ap_tape_leaf(tape, x, differentiate ? dx : NULL));
    size_t bytes = ap_arena_held(ap_tape_arena(tape));
    ap_tape_free(tape);
    ap_params_free(c.params);
    free(x.data);
    free(dx);
    return bytes;
}

/* Six stages of equal size, the tensors of which are counted: what need not be kept is not. */
static void test_memory(void **state)
{
    (void)state;
    const ap_seanet_config deep = {
        .dim = 4, .width = 8, .ratio_count = 6, .ratios = {2, 2, 2, 2, 2, 2}, .channels = 1, .causal = true};
    double without = (double)encoding_bytes(&deep, AP_PARAM_FROZEN, false);
    double frozen = (double)encoding_bytes(&deep, AP_PARAM_FROZEN, true);
    double trained = (double)encoding_bytes(&deep, AP_PARAM_TRAINED, true);
    print_message("encoding takes %.1f MB, differentiated %.1f frozen and %.1f trained\n", without / 1e6,
                  frozen / 1e6, trained / 1e6);
    assert_true(2 * without < frozen);
    assert_true(5 * frozen < 4 * trained);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_names),
        cmocka_unit_test(test_first_values),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_causality),
        cmocka_unit_test(test_frozen_weights),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_number_of_threads),
        cmocka_unit_test(test_both_sides),
        cmocka_unit_test(test_published_names_stereo),
    };
    return cmocka_run_group_tests_name("seanet", tests, NULL, NULL);
}
