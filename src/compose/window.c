#include "compose/window.h"

#include "antiphon/compose.h"
#include "antiphon/rate.h"
#include "assembly/arrangement.h"
#include "audio/resample.h"

#include <string.h>

ap_compose_format ap_compose_format_of(const ap_config *config)
{
    const ap_compose_format wanted = {config->data.sample_rate, config->data.channels};
    switch (config->agent.output) {
    case AP_OUTPUT_TAKES:
        return wanted;
    case AP_OUTPUT_GATES:
        return (ap_compose_format){AP_SAMPLE_RATE, wanted.channels};
    default:
        return (ap_compose_format){AP_SAMPLE_RATE, 1};
    }
}

static void begin(ap_tape *tape)
{
    ap_tape_reset(tape);
    ap_tape_training_set(tape, false);
    ap_tape_gradients_set(tape, false);
}

static ap_var *hear(ap_tape *tape, int64_t S, ap_real *x)
{
    return ap_tape_constant(tape, (ap_tensor){AP_SHAPE(1, 1, S), x});
}

static ap_var *encode(ap_tape *tape, ap_codec *codec, int64_t S, ap_real *x)
{
    return ap_codec_encode(tape, codec, hear(tape, S, x));
}

/* The answer to two signals, on the tape. */
static ap_var *answer_to(ap_model *model, ap_tape *tape, int64_t S, ap_real *input, ap_real *target)
{
    ap_codec *codec = ap_model_codec(model);
    begin(tape);
    ap_var *heard[2] = {hear(tape, S, input), hear(tape, S, target)};
    ap_composition composed = ap_model_compose(tape, model, ap_codec_encode(tape, codec, heard[0]),
                                               ap_codec_encode(tape, codec, heard[1]));
    return ap_model_sound(tape, model, &composed, heard[0], NULL, heard[1], 0);
}

void ap_compose_window(ap_model *model, ap_tape *tape, int64_t S, ap_real *input, ap_real *target,
                       ap_real *output)
{
    ap_var *y = answer_to(model, tape, S, input, target);
    memcpy(output, y->value.data, (size_t)S * sizeof *output);
}

static ap_real *scratch(ap_tape *tape, int64_t count)
{
    return ap_arena_alloc(ap_tape_arena(tape), (size_t)count * sizeof(ap_real));
}

/* Channel c of a source at AP_SAMPLE_RATE. */
static ap_real *narrow(ap_tape *tape, const ap_window *w, int source, int c)
{
    if (w->channels == 1) return w->mid[source];
    ap_real *x = scratch(tape, w->mid_count);
    ap_resample(w->rate, AP_SAMPLE_RATE, w->count, w->channel[source][c], w->mid_count, x);
    return x;
}

/* Writes an answer at AP_SAMPLE_RATE to channel c of the output. */
static void widen(ap_window *w, int c, const ap_real *answer)
{
    ap_resample(AP_SAMPLE_RATE, w->rate, w->mid_count, answer, w->count, w->channel[AP_OUTPUT][c]);
}

static void compose_one(ap_model *model, ap_tape *tape, ap_window *w)
{
    ap_var *y = answer_to(model, tape, w->mid_count, w->mid[AP_INPUT], w->mid[AP_TARGET]);
    for (int c = 0; c < w->channels; c++) widen(w, c, y->value.data);
}

static void compose_each(ap_model *model, ap_tape *tape, ap_window *w)
{
    ap_codec *codec = ap_model_codec(model);
    const int64_t S = w->mid_count;
    begin(tape);
    ap_var *zi = encode(tape, codec, S, w->mid[AP_INPUT]), *zt = encode(tape, codec, S, w->mid[AP_TARGET]);
    ap_composition heard = ap_model_compose(tape, model, zi, zt);
    for (int c = 0; c < w->channels; c++) {
        ap_var *ci = encode(tape, codec, S, narrow(tape, w, AP_INPUT, c));
        ap_var *ct = encode(tape, codec, S, narrow(tape, w, AP_TARGET, c));
        ap_var *y = ap_codec_decode(tape, codec, ap_model_output(tape, model, heard.z, ci, ct), S);
        widen(w, c, y->value.data);
    }
}

static void arrange(ap_model *model, ap_tape *tape, ap_window *w)
{
    begin(tape);
    const ap_arrangement *arrangement =
        ap_model_arrange(tape, model, hear(tape, w->mid_count, w->mid[AP_INPUT]),
                         hear(tape, w->mid_count, w->mid[AP_TARGET]), &w->knobs, w->mid_begin);
    ap_arrangement_play(ap_tape_arena(tape), arrangement, w->rate, w->channels, w->count,
                        (const ap_real *const *)w->channel[AP_INPUT],
                        (const ap_real *const *)w->channel[AP_TARGET], w->channel[AP_OUTPUT]);
}

void ap_window_compose(const ap_config *config, ap_model *model, ap_tape *tape, ap_window *w)
{
    if (ap_model_arranges(model))
        arrange(model, tape, w);
    else if (config->agent.output == AP_OUTPUT_GATES && w->channels > 1)
        compose_each(model, tape, w);
    else
        compose_one(model, tape, w);
}
