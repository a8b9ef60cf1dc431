/* antiphon live: a client of JACK that answers while someone plays. */
#include "cli/verbs.h"

#include "antiphon/status.h"

#ifdef AP_HAVE_JACK
#include "antiphon/stop.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/print.h"
#include "base/sort.h"
#include "cli/checkpoint.h"
#include "compose/live.h"
#include "compose/stream.h"

#include <dlfcn.h>
#include <jack/jack.h>
#include <jack/thread.h>
#include <math.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

/* The library is loaded when the verb runs: the program needs it for nothing else, and PipeWire brings one of
 * its own under the same name. */
#define LIBRARY "libjack.so.0"
/* clang-format off */
#define FUNCTIONS(X)                                                                                         \
    X(set_error_function) X(set_info_function) X(client_open) X(client_close) X(get_client_name)             \
    X(get_sample_rate) X(get_buffer_size) X(client_real_time_priority) X(port_register) X(port_get_buffer)   \
    X(set_process_callback) X(set_buffer_size_callback) X(set_latency_callback) X(on_shutdown)               \
    X(port_get_latency_range) X(port_set_latency_range) X(activate) X(deactivate)
/* clang-format on */
#define FUNCTION(name) __typeof__(jack_##name) *name;
static struct {
    FUNCTIONS(FUNCTION)
} jack;
#undef FUNCTION

static ap_status load_jack(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW);
    if (!library) return ap_error(AP_FAILED, "%s: install JACK, or PipeWire's pipewire-jack", dlerror());
#define FUNCTION(name)                                                                                       \
    if (!(jack.name = (__typeof__(jack.name))dlsym(library, "jack_" #name)))                                 \
        return ap_error(AP_FAILED, LIBRARY " has no jack_" #name);
    FUNCTIONS(FUNCTION)
#undef FUNCTION
    return ap_ok();
}

enum { INPUT, TARGET, OUTPUT, PORTS };
static const char *const port_names[PORTS] = {"input", "target", "output"};

typedef struct session {
    jack_client_t *client;
    jack_port_t *ports[PORTS];
    ap_stream *stream;
    ap_live *live;
    int rate;
    jack_nframes_t period; /* the longest that has been planned for */
    atomic_bool gone, grown;
} session;

/* ---------------------------------------------------------------- called by JACK */

static int process(jack_nframes_t n, void *context)
{
    session *s = context;
    float *buffer[PORTS];
    for (int k = 0; k < PORTS; k++) buffer[k] = jack.port_get_buffer(s->ports[k], n);
    ap_live_exchange(s->live, n, buffer[INPUT], buffer[TARGET], buffer[OUTPUT]);
    return 0;
}

static int period_changed(jack_nframes_t n, void *context)
{
    session *s = context;
    if (n > s->period) atomic_store(&s->grown, true);
    return 0;
}

static void server_gone(void *context)
{
    session *s = context;
    atomic_store(&s->gone, true);
}

/* What is heard at the output is as old as what the inputs hear, and the answer's delay. */
static void tell_latency(jack_latency_callback_mode_t mode, void *context)
{
    session *s = context;
    const jack_nframes_t delay = (jack_nframes_t)ap_live_delay(s->live);
    jack_latency_range_t range, other;
    jack.port_get_latency_range(s->ports[mode == JackCaptureLatency ? INPUT : OUTPUT], mode, &range);
    if (mode == JackCaptureLatency) {
        jack.port_get_latency_range(s->ports[TARGET], mode, &other);
        if (other.min < range.min) range.min = other.min;
        if (other.max > range.max) range.max = other.max;
    }
    range.min += delay;
    range.max += delay;
    for (int k = 0; k < PORTS; k++)
        if ((k == OUTPUT) == (mode == JackCaptureLatency))
            jack.port_set_latency_range(s->ports[k], mode, &range);
}

static void say_nothing(const char *message)
{
    (void)message;
}

/* ---------------------------------------------------------------- composing */

/* Beyond this, peaks are bent, so that they stay below full scale. Nothing can be turned down in advance. */
#define BEND 0.8f

static float bent(float x)
{
    float size = fabsf(x);
    return size <= BEND ? x : copysignf(BEND + (1 - BEND) * tanhf((size - BEND) / (1 - BEND)), x);
}

static void compose(void *context, const float *input, const float *target, float *output)
{
    session *s = context;
    ap_stream_next(s->stream, input, target, output);
    for (int64_t i = 0; i < ap_stream_hop(s->stream); i++) output[i] = bent(output[i]);
}

/* ---------------------------------------------------------------- from start to end */

static ap_status open_client(session *s, const char *name)
{
    AP_TRY(load_jack());
    jack.set_error_function(say_nothing);
    jack.set_info_function(say_nothing);
    s->client = jack.client_open(name, JackNoStartServer, NULL);
    if (!s->client)
        return ap_error(AP_FAILED, "no JACK server answers: start one, as jackd -d alsa -r 48000 -p 128");
    s->rate = (int)jack.get_sample_rate(s->client);
    s->period = jack.get_buffer_size(s->client);
    for (int k = 0; k < PORTS; k++) {
        s->ports[k] = jack.port_register(s->client, port_names[k], JACK_DEFAULT_AUDIO_TYPE,
                                         k == OUTPUT ? JackPortIsOutput : JackPortIsInput, 0);
        if (!s->ports[k]) return ap_error(AP_FAILED, "JACK has no room for the port %s", port_names[k]);
    }
    return ap_ok();
}

/* How long a hop takes to compose, in ms: the median of as many as a second has. Also asks the system for all
 * the memory that composing takes. */
static double measure(session *s)
{
    enum { ROUNDS = 75 };
    double took[ROUNDS];
    const int64_t hop = ap_stream_hop(s->stream);
    float *silence = ap_allocate((size_t)hop, sizeof *silence),
          *answer = ap_allocate((size_t)hop, sizeof *answer);
    omp_set_num_threads(1); /* as the thread that composes */
    for (int i = 0; i < ROUNDS; i++) {
        double begun = ap_clock_seconds();
        ap_stream_next(s->stream, silence, silence, answer);
        took[i] = 1e3 * (ap_clock_seconds() - begun);
    }
    free(silence);
    free(answer);
    ap_sort(ROUNDS, took);
    return took[ROUNDS / 2];
}

static ap_status start(session *s, double margin)
{
    const double takes = measure(s);
    const ap_live_plan plan = {.compose = compose,
                               .context = s,
                               .hop = ap_stream_hop(s->stream),
                               .behind = ap_stream_hop(s->stream),
                               .period = s->period,
                               .margin = llround(margin * s->rate / 1e3),
                               .priority = jack.client_real_time_priority(s->client) - 1};
    AP_TRY(ap_live_start(&plan, &s->live));
    jack.set_process_callback(s->client, process, s);
    jack.set_buffer_size_callback(s->client, period_changed, s);
    jack.set_latency_callback(s->client, tell_latency, s);
    jack.on_shutdown(s->client, server_gone, s);
    if (jack.activate(s->client)) return ap_error(AP_FAILED, "the JACK server refuses the client");
    ap_text_print_wrapped(stdout,
                          "playing at %d Hz: connect %s:input, %s:target and %s:output. The answer comes "
                          "%.1f ms later, and what JACK's periods of %u samples add. Composing a hop takes "
                          "%.1f ms, and may take %.1f (--margin). Ctrl-C ends it.\n",
                          s->rate, jack.get_client_name(s->client), jack.get_client_name(s->client),
                          jack.get_client_name(s->client), 1e3 * (double)ap_live_delay(s->live) / s->rate,
                          (unsigned)s->period, takes, margin);
    fflush(stdout);
    return ap_ok();
}

/* Says once a second what was missed. */
static ap_status watch(session *s)
{
    int64_t told = 0;
    while (!ap_stop_asked()) {
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
        if (atomic_load(&s->gone)) return ap_error(AP_FAILED, "the JACK server has gone");
        if (atomic_load(&s->grown))
            return ap_error(AP_FAILED, "JACK's period has grown beyond %u samples: start again",
                            (unsigned)s->period);
        const int64_t missed = ap_live_missed(s->live);
        if (missed > told)
            ap_text_print(stderr, "antiphon live: %.0f ms of silence: composing took too long (--margin)\n",
                          1e3 * (double)(missed - told) / s->rate);
        told = missed;
    }
    return ap_ok();
}

static void end(session *s)
{
    if (s->client && !atomic_load(&s->gone)) {
        jack.deactivate(s->client);
        jack.client_close(s->client);
    }
    ap_live_stop(s->live);
    ap_stream_free(s->stream);
}

static ap_status run(const parsed_options *options)
{
    ap_config config;
    ap_model *model;
    session s = {0};
    AP_TRY(checkpoint_load_agent(option_text(options, "checkpoint"), &config, &model));
    ap_status status = ap_stream_check(&config);
    if (!ap_failed(&status)) status = open_client(&s, option_text(options, "name"));
    if (!ap_failed(&status)) status = ap_stream_create(&config, model, s.rate, &s.stream);
    if (!ap_failed(&status)) status = start(&s, option_number(options, "margin"));
    if (!ap_failed(&status)) status = watch(&s);
    end(&s);
    ap_model_free(model);
    return status;
}
#else
static ap_status run(const parsed_options *options)
{
    (void)options;
    return ap_error(AP_FAILED,
                    "this program was built without JACK (Debian: libjack-jackd2-dev or libjack-dev)");
}
#endif

static const verb_option table[] = {
    {.name = "checkpoint",
     .placeholder = "FILE|RUN_DIR",
     .kind = OPTION_TEXT,
     .required = true,
     .help = "a checkpoint of a causal model (configs/live.json), or a run's folder"},
    {.name = "name",
     .placeholder = "NAME",
     .kind = OPTION_TEXT,
     .fallback = "antiphon",
     .help = "what JACK calls the program"},
    {.name = "margin",
     .placeholder = "MS",
     .kind = OPTION_NUMBER,
     .fallback = "8",
     .least = 1,
     .most = 1000,
     .help = "how long composing may take, in ms: more makes the answer later, less leaves gaps"},
    {.name = NULL},
};

const verb verb_live = {
    .name = "live",
    .summary = "answer while someone plays, as a client of JACK",
    .arguments = "--checkpoint FILE|RUN_DIR [--name NAME] [--margin MS]",
    .details =
        "Opens three ports: input (drums), target (a piano) and output. Other programs, such as "
        "jack_connect\n"
        "or qjackctl, connect them. The model must be one that looks back alone, trained with agent.past\n"
        "(configs/live.json). Nothing is levelled: peaks near full scale are bent.",
    .options = table,
    .least_arguments = 0,
    .most_arguments = 0,
    .run = run,
};
