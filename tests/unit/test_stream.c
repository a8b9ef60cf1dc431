/* Composing hop by hop, as music comes in: the same as composing a whole recording, and in time with it. */
#include "compose/live.h"
#include "compose/stream.h"

#include "antiphon/compose.h"
#include "antiphon/rate.h"
#include "support/check.h"
#include "support/settings.h"

#include <math.h>
#include <omp.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#define HOP 320
#define HOPS 60
/* Silence until a frame hangs on nothing from before the stream. */
#define SILENT_HOPS 80
#define SAMPLES ((SILENT_HOPS + HOPS) * HOP)

static ap_config small_config(const char *type, const char *past, const char *delays)
{
    ap_config config = ap_config_default();
    const char *const settings[][2] = {{"codec.type", type},
                                       {"codec.dim", "16"},
                                       {"agent.component", "4"},
                                       {"agent.model", "32"},
                                       {"agent.attention_heads", "2"},
                                       {"agent.layers", "2"},
                                       {"agent.ff", "64"},
                                       {"agent.positions", "false"},
                                       {"agent.past", past},
                                       {"agent.output", "gates"},
                                       {"agent.gate_delays", delays},
                                       {"agent.gate_new", "100"}};
    set_all(&config, sizeof settings / sizeof *settings, settings);
    return config;
}

static ap_model *model_of(const ap_config *config)
{
    ap_model *model;
    assert_string_equal(ap_model_create(config, 1, &model).message, "");
    return model;
}

/* ---------------------------------------------------------------- the stream */

/* Music that begins after silence, as a whole recording has it. */
static ap_real *music(uint64_t seed)
{
    ap_tensor noise = random_tensor(seed, (ap_real)0.1, AP_SHAPE(HOPS * HOP));
    ap_real *x = calloc(SAMPLES, sizeof *x);
    assert_non_null(x);
    memcpy(x + SILENT_HOPS * HOP, noise.data, HOPS * HOP * sizeof *x);
    free(noise.data);
    return x;
}

static void check_stream(const char *type, const char *past, const char *delays)
{
    ap_config config = small_config(type, past, delays);
    ap_model *model = model_of(&config);
    ap_real *input = music(1), *target = music(2), *whole = calloc(SAMPLES, sizeof *whole);
    assert_non_null(whole);
    ap_tape *tape = ap_tape_create(0);
    ap_compose_window(model, tape, SAMPLES, input, target, whole);
    ap_stream *stream;
    assert_string_equal(ap_stream_create(&config, model, AP_SAMPLE_RATE, &stream).message, "");
    assert_int_equal(ap_stream_hop(stream), HOP);
    float heard[2][HOP], answer[HOP];
    double power = 0;
    for (int64_t at = SILENT_HOPS * HOP; at < SAMPLES; at += HOP) {
        for (int64_t i = 0; i < HOP; i++) {
            heard[0][i] = (float)input[at + i];
            heard[1][i] = (float)target[at + i];
        }
        ap_stream_next(stream, heard[0], heard[1], answer);
        for (int64_t i = 0; i < HOP; i++) {
            double wanted = (double)whole[at - HOP + i];
            assert_true(fabs((double)answer[i] - wanted) < 1e-4);
            power += wanted * wanted / (HOPS * HOP);
        }
    }
    assert_true(sqrt(power) > 0.01);
    ap_stream_free(stream);
    ap_tape_free(tape);
    ap_model_free(model);
    free(input);
    free(target);
    free(whole);
}

static void a_stream_is_the_whole_in_hops(void **state)
{
    (void)state;
    check_stream("mdct", "20", "[0,3]");
    check_stream("mclt", "20", "[0,3]");
    check_stream("mdct", "1", "[0,3]");  /* it hangs on what the heads hear */
    check_stream("mdct", "1", "[0,40]"); /* and on what the gates let through late */
}

/* The same tones at another rate have the same frames, and so the same answer. */
static void the_rate_makes_no_difference(void **state)
{
    (void)state;
    static const int rates[] = {24000, 44100, 48000, 96000};
    ap_config config = small_config("mdct", "20", "[0,3]");
    ap_model *model = model_of(&config);
    double power[4] = {0};
    for (int k = 0; k < 4; k++) {
        ap_stream *stream;
        assert_string_equal(ap_stream_create(&config, model, rates[k], &stream).message, "");
        const int64_t hop = ap_stream_hop(stream);
        assert_int_equal(hop * AP_SAMPLE_RATE, HOP * rates[k]);
        float *x[3];
        for (int s = 0; s < 3; s++) assert_non_null(x[s] = calloc((size_t)hop, sizeof(float)));
        for (int64_t h = 0; h < HOPS; h++) {
            for (int64_t i = 0; i < hop; i++) {
                double t = ((double)(h * hop + i) + 0.5) / rates[k];
                x[0][i] = (float)(0.2 * sin(2 * M_PI * 110 * t) * exp(-8 * fmod(t, 0.25)));
                x[1][i] = (float)(0.2 * sin(2 * M_PI * 330 * t));
            }
            ap_stream_next(stream, x[0], x[1], x[2]);
            for (int64_t i = 0; i < hop; i++) power[k] += (double)x[2][i] * (double)x[2][i] / (double)hop;
        }
        for (int s = 0; s < 3; s++) free(x[s]);
        ap_stream_free(stream);
    }
    assert_true(power[0] > 0.1);
    for (int k = 1; k < 4; k++) assert_true(fabs(power[k] / power[0] - 1) < 1e-3);
    ap_model_free(model);
}

static void models_that_look_ahead_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value, *says;
        int rate;
    } cases[] = {
        {"agent.past", "0",
         "the model looks ahead (agent.past is 0): train one with configs/live.json, which sets agent.past",
         48000},
        {"agent.positions", "true",
         "the model counts from its window's beginning (agent.positions), and a stream has none", 48000},
        {"agent.output", "takes", "the model's output part looks ahead: train one with agent.output gates",
         48000},
        {"codec.bands", "4", "a stream wants the codec mdct or mclt, with codec.bands 0", 48000},
        {"agent.past", "20", "at 22051 Hz a hop of 320 / 24000 s is no whole number of samples", 22051},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        ap_config config = small_config("mdct", "20", "[0,3]");
        ap_model *model = model_of(&config);
        set(&config, cases[k].key, cases[k].value);
        ap_stream *stream;
        ap_status status = ap_stream_create(&config, model, cases[k].rate, &stream);
        assert_int_equal(status.code, AP_MISUSE);
        assert_string_equal(status.message, cases[k].says);
        ap_model_free(model);
    }
}

/* ---------------------------------------------------------------- in time */

#define RATE 48000
#define PERIOD 128
#define MARGIN 384
#define CLICK_AT 15011
#define END 18500

/* A composer that answers with the target a hop late, as a stream does, and may be held. */
typedef struct echo {
    float last[2 * HOP];
    sem_t gate;
} echo;

static void echo_hop(void *context, const float *input, const float *target, float *output)
{
    (void)input;
    echo *e = context;
    while (sem_wait(&e->gate)) continue;
    memcpy(output, e->last, sizeof e->last);
    memcpy(e->last, target, sizeof e->last);
}

static ap_live *start(ap_live_compose *compose, void *context)
{
    const ap_live_plan plan = {compose, context, 2 * HOP, 2 * HOP, PERIOD, MARGIN, 0};
    ap_live *live;
    assert_string_equal(ap_live_start(&plan, &live).message, "");
    return live;
}

static void wait_for(const ap_live *live)
{
    while (ap_live_waiting(live) >= 2 * HOP) sched_yield();
}

/* Where the output is loudest. */
typedef struct peak {
    int64_t at;
    float size;
} peak;

/* Exchanges n samples from `at` on, with a click in both sources. */
static void exchange(ap_live *live, int64_t at, int64_t n, peak *heard)
{
    float x[PERIOD] = {0}, y[PERIOD];
    if (CLICK_AT >= at && CLICK_AT < at + n) x[CLICK_AT - at] = 1;
    ap_live_exchange(live, n, x, x, y);
    for (int64_t i = 0; i < n; i++)
        if (fabsf(y[i]) > heard->size) *heard = (peak){at + i, fabsf(y[i])};
}

/* From `at` on to the end, with a composer that is always in time. */
static int64_t play(ap_live *live, int64_t at, int64_t n)
{
    peak heard = {0};
    for (; at < END; at += n) {
        exchange(live, at, n, &heard);
        wait_for(live);
    }
    return heard.at;
}

static void a_click_comes_when_it_is_said_to(void **state)
{
    (void)state;
    ap_config config = small_config("mdct", "20", "[0,3]");
    set(&config, "codec.dim", "256");
    set(&config, "agent.gate_new", "0");
    ap_model *model = model_of(&config);
    ap_stream *stream;
    assert_string_equal(ap_stream_create(&config, model, RATE, &stream).message, "");
    ap_live *live = start((ap_live_compose *)(void *)ap_stream_next, stream);
    assert_int_equal(ap_live_delay(live), 2 * HOP + PERIOD + MARGIN + 2 * HOP);
    assert_int_equal(play(live, 0, PERIOD), CLICK_AT + ap_live_delay(live));
    assert_int_equal(ap_live_missed(live), 0);
    ap_live_stop(live);
    ap_stream_free(stream);
    ap_model_free(model);
}

/* However periods and hops meet, and wherever rings begin anew, all comes through in time. */
static void odd_periods_miss_nothing(void **state)
{
    (void)state;
    ap_tensor music = random_tensor(9, 1, AP_SHAPE(END + PERIOD));
    for (int64_t n = PERIOD; n > 100; n -= 9) {
        echo e = {{0}, {{0}}};
        sem_init(&e.gate, 0, 1000);
        ap_live *live = start(echo_hop, &e);
        const int64_t delay = ap_live_delay(live);
        for (int64_t at = 0; at < END; at += n) {
            float x[PERIOD], y[PERIOD];
            for (int64_t i = 0; i < n; i++) x[i] = (float)music.data[at + i];
            ap_live_exchange(live, n, x, x, y);
            for (int64_t i = 0; i < n; i++)
                assert_true(y[i] == (at + i < delay ? 0 : (float)music.data[at + i - delay]));
            wait_for(live);
        }
        assert_int_equal(ap_live_missed(live), 0);
        ap_live_stop(live);
        sem_destroy(&e.gate);
    }
    free(music.data);
}

/* A composer that is held too long leaves silence; then it is in time again, even when it was held for so
 * long that what it should have heard is lost. */
static void what_comes_too_late_leaves_silence(void **state)
{
    (void)state;
    for (int64_t held = 20 * PERIOD; held < CLICK_AT - 10 * HOP; held += 50 * PERIOD) {
        echo e = {{0}, {{0}}};
        sem_init(&e.gate, 0, 0);
        ap_live *live = start(echo_hop, &e);
        peak heard = {0};
        for (int64_t at = 0; at < held; at += PERIOD) exchange(live, at, PERIOD, &heard);
        assert_int_equal(ap_live_missed(live), held - (2 * HOP + PERIOD + MARGIN)); /* all but the lead */
        for (int k = 0; k < 1000; k++) sem_post(&e.gate);
        wait_for(live);
        assert_int_equal(play(live, held, PERIOD), CLICK_AT + ap_live_delay(live));
        assert_true(ap_live_missed(live) < held);
        ap_live_stop(live);
        sem_destroy(&e.gate);
    }
}

int main(void)
{
    omp_set_num_threads(1); /* as the thread that composes does */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_is_the_whole_in_hops),
        cmocka_unit_test(the_rate_makes_no_difference),
        cmocka_unit_test(models_that_look_ahead_are_refused),
        cmocka_unit_test(a_click_comes_when_it_is_said_to),
        cmocka_unit_test(odd_periods_miss_nothing),
        cmocka_unit_test(what_comes_too_late_leaves_silence),
    };
    return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
