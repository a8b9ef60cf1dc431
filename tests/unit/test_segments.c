/* EnCodec's segments: how they are counted, that a batch of them is what each gives alone, volumes, silence.
 * What comes out is held against the library's own in tests/golden. */
#include "antiphon/codec.h"
#include "antiphon/ops.h"
#include "model/segments.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HOP = 6, SEGMENT = 50, STRIDE = 43, ITEMS = 2, DIM = 5 };

static const ap_codec_config CODEC = {.type = AP_CODEC_SEANET,
                                      .dim = DIM,
                                      .width = 4,
                                      .ratio_count = 2,
                                      .ratios = {3, 2},
                                      .lstm = 1,
                                      .channels = 2,
                                      .norm = AP_CODEC_TIME_GROUP_NORM,
                                      .normalize = true,
                                      .segment = SEGMENT,
                                      .stride = STRIDE};

typedef struct setup {
    ap_params *params;
    ap_codec *codec;
    ap_tape *tape;
} setup;

static setup create(const ap_codec_config *config)
{
    setup s = {.params = ap_params_create(), .tape = ap_tape_create(0)};
    s.codec = ap_codec_create(s.params, config);
    ap_rng rng = ap_rng_init(5);
    ap_params_build(s.params, &rng);
    return s;
}

static void destroy(setup s)
{
    ap_codec_free(s.codec);
    ap_params_free(s.params);
    ap_tape_free(s.tape);
}

/* As the package encodec goes through a recording: from every `stride` samples on, as far as there are any.
 */
static void segments_are_counted_as_encodec_does(void **state)
{
    (void)state;
    const ap_segments segments = {.length = SEGMENT, .stride = STRIDE, .hop = HOP}, none = {.hop = HOP};
    for (int64_t S = 1; S < 5 * SEGMENT; S++) {
        int64_t count = 0, frames = 0;
        for (int64_t offset = 0; offset < S; offset += STRIDE, count++)
            frames += ((S - offset < SEGMENT ? S - offset : SEGMENT) + HOP - 1) / HOP;
        assert_int_equal(ap_segments_count(&segments, S), count);
        assert_int_equal(ap_segments_frames(&segments, S), frames);
        assert_int_equal(ap_segments_count(&none, S), 1);
        assert_int_equal(ap_segments_frames(&none, S), (S + HOP - 1) / HOP);
    }
}

/* Segment k of x, in a recording of its own. */
static ap_tensor segment_of(ap_tensor x, int64_t k, int64_t *length)
{
    int64_t S = x.shape.at[2], rows = x.shape.at[0] * x.shape.at[1];
    *length = S - k * STRIDE < SEGMENT ? S - k * STRIDE : SEGMENT;
    ap_tensor part = {AP_SHAPE(x.shape.at[0], x.shape.at[1], *length),
                      malloc((size_t)(rows * *length) * sizeof *part.data)};
    assert_non_null(part.data);
    for (int64_t r = 0; r < rows; r++)
        memcpy(part.data + r * *length, x.data + r * S + k * STRIDE, (size_t)*length * sizeof *part.data);
    return part;
}

/* More segments than go through the network at once; lengths whose last segment is short, and whose last two
 * are. */
static void each_segment_is_what_it_is_alone(void **state)
{
    (void)state;
    const int64_t lengths[] = {20 * STRIDE + 31, 20 * STRIDE + 3};
    for (int i = 0; i < 2; i++) {
        setup s = create(&CODEC);
        int64_t S = lengths[i], T = ap_codec_frames(s.codec, S), count = ap_codec_segments(s.codec, S),
                at = 0;
        assert_int_equal(count, 21);
        ap_tensor x = random_tensor(1, 1, AP_SHAPE(ITEMS, 2, S));
        ap_var *scale, *z = ap_codec_encode_scaled(s.tape, s.codec, ap_tape_constant(s.tape, x), &scale);
        assert_true(ap_shape_same(z->value.shape, AP_SHAPE(ITEMS, DIM, T)));
        assert_true(ap_shape_same(scale->value.shape, AP_SHAPE(count * ITEMS)));
        for (int64_t k = 0; k < count; k++) {
            int64_t length;
            ap_tensor part = segment_of(x, k, &length);
            ap_var *own,
                *alone = ap_codec_encode_scaled(s.tape, s.codec, ap_tape_constant(s.tape, part), &own);
            /* a part longer than the stride is begun anew by another segment */
            int64_t frames = (length + HOP - 1) / HOP, whole = alone->value.shape.at[2];
            for (int64_t b = 0; b < ITEMS; b++)
                for (int64_t d = 0; d < DIM; d++)
                    for (int64_t t = 0; t < frames; t++) {
                        double got = (double)z->value.data[(b * DIM + d) * T + at + t];
                        double want = (double)alone->value.data[(b * DIM + d) * whole + t];
                        if (!(fabs(got - want) <= forward_tolerance() * (1 + fabs(want))))
                            fail_msg("segment %d, frame %d: %g, not %g", (int)k, (int)t, got, want);
                    }
            for (int64_t b = 0; b < ITEMS; b++)
                assert_true(scale->value.data[k * ITEMS + b] == own->value.data[b]);
            at += frames;
            free(part.data);
        }
        assert_int_equal(at, T);
        ap_var *y = ap_codec_decode_scaled(s.tape, s.codec, z, scale, S);
        assert_true(ap_shape_same(y->value.shape, AP_SHAPE(ITEMS, 2, S)));
        free(x.data);
        destroy(s);
    }
}

/* A recording four times as loud comes back four times as loud: the network hears the same. What it hears of
 * a segment is the mid's volume, which that of silence does not divide by zero. */
static void volume_goes_around_the_network(void **state)
{
    (void)state;
    enum { S = 3 * STRIDE };
    setup s = create(&CODEC);
    ap_tensor x = random_tensor(1, 1, AP_SHAPE(1, 2, S));
    const double factors[] = {1, 4, 0};
    ap_real first[2 * S];
    for (int i = 0; i < 3; i++) {
        ap_tensor scaled = random_tensor(1, 1, AP_SHAPE(1, 2, S));
        for (int k = 0; k < 2 * S; k++) scaled.data[k] = (ap_real)factors[i] * x.data[k];
        ap_var *scale, *z = ap_codec_encode_scaled(s.tape, s.codec, ap_tape_constant(s.tape, scaled), &scale);
        ap_var *y = ap_codec_decode_scaled(s.tape, s.codec, z, scale, S);
        double square = 0, want[2 * S];
        for (int t = 0; t < SEGMENT; t++)
            square += pow(0.5 * ((double)scaled.data[t] + (double)scaled.data[S + t]), 2) / SEGMENT;
        assert_true(fabs((double)scale->value.data[0] - sqrt(square)) < 1e-6 * (sqrt(square) + 1));
        if (i == 0) memcpy(first, y->value.data, sizeof first);
        for (int k = 0; k < 2 * S; k++) want[k] = factors[i] * (double)first[k];
        check_close("louder", 2 * S, y->value.data, want, 1e-4);
        free(scaled.data);
    }
    free(x.data);
    destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_are_counted_as_encodec_does),
        cmocka_unit_test(each_segment_is_what_it_is_alone),
        cmocka_unit_test(volume_goes_around_the_network),
    };
    return cmocka_run_group_tests_name("segments", tests, NULL, NULL);
}
