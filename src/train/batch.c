#include "train/batch.h"

#include "assembly/arrangement.h"
#include "base/memory.h"
#include "model/attacks.h"

#include <stdlib.h>
#include <string.h>

static ap_tensor room(ap_shape shape)
{
    return (ap_tensor){shape, ap_allocate((size_t)ap_shape_count(shape), sizeof(ap_real))};
}

ap_batch ap_batch_init(const ap_dataset *dataset, int64_t capacity)
{
    ap_batch batch = {.capacity = capacity,
                      .input_gains = ap_allocate((size_t)capacity, sizeof(ap_real)),
                      .target_gains = ap_allocate((size_t)capacity, sizeof(ap_real))};
    batch.input = room(AP_SHAPE(capacity, 1, dataset->S));
    batch.target = room(AP_SHAPE(capacity, 1, dataset->S));
    if (dataset->T) {
        batch.zi = room(AP_SHAPE(capacity, dataset->D, dataset->T));
        batch.zt = room(AP_SHAPE(capacity, dataset->D, dataset->T));
    }
    return batch;
}

void ap_batch_free(ap_batch *batch)
{
    free(batch->input.data);
    free(batch->target.data);
    free(batch->zi.data);
    free(batch->zt.data);
    free(batch->input_gains);
    free(batch->target_gains);
    *batch = (ap_batch){0};
}

/* The place of row k in a tensor with one row per item. */
static ap_real *row_of(const ap_tensor *rows, int64_t k)
{
    return rows->data + k * rows->shape.at[1] * rows->shape.at[2];
}

/* One side of item k. */
static ap_status read_row(const ap_dataset *dataset, ap_place place, ap_pair_side side,
                          const ap_tensor *audio, const ap_tensor *z, int64_t k)
{
    AP_TRY(ap_dataset_read(dataset, place, side, row_of(audio, k)));
    return z->data && dataset->latents != AP_LATENTS_COMPUTED
               ? ap_dataset_latents(dataset, place, side, row_of(z, k))
               : ap_ok();
}

static ap_status read_item(ap_batch *batch, const ap_dataset *dataset, const ap_choice *c, int64_t k)
{
    ap_place input = c->input, target = c->target;
    ap_pair_side first = c->answered ? AP_PAIR_TARGET : AP_PAIR_INPUT, second = AP_PAIR_TARGET;
    if (c->unity && c->target_side) {
        input = target;
        first = second;
    } else if (c->unity) {
        target = input;
        second = first;
    }
    batch->input_gains[k] = c->input_gain;
    batch->target_gains[k] = c->target_gain;
    AP_TRY(read_row(dataset, input, first, &batch->input, &batch->zi, k));
    return read_row(dataset, target, second, &batch->target, &batch->zt, k);
}

ap_status ap_batch_read(ap_batch *batch, const ap_dataset *dataset, int64_t count, const ap_choice *choices)
{
    ap_tensor *const parts[] = {&batch->input, &batch->target, &batch->zi, &batch->zt};
    batch->B = count;
    batch->unity = batch->answered = true;
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
        if (parts[p]->data) parts[p]->shape.at[0] = count;
    for (int64_t k = 0; k < count; k++) {
        AP_TRY(read_item(batch, dataset, &choices[k], k));
        batch->unity &= choices[k].unity;
        batch->answered &= choices[k].answered;
    }
    return ap_ok();
}

static void encode_rows(const ap_dataset *dataset, ap_tensor audio, ap_tensor z)
{
    ap_tape_reset(dataset->tape);
    ap_var *latents = ap_codec_encode(dataset->tape, dataset->codec, ap_tape_constant(dataset->tape, audio));
    memcpy(z.data, latents->value.data, (size_t)ap_var_count(latents) * sizeof *z.data);
}

static void scale_rows(const ap_tensor *rows, const ap_real *gains)
{
    int64_t n = rows->shape.at[1] * rows->shape.at[2];
    for (int64_t k = 0; rows->data && k < rows->shape.at[0]; k++)
        for (int64_t i = 0; gains[k] != 1 && i < n; i++) row_of(rows, k)[i] *= gains[k];
}

void ap_batch_finish(ap_batch *batch, const ap_dataset *dataset)
{
    if (batch->zi.data && dataset->latents == AP_LATENTS_COMPUTED) {
        if (!batch->answered)
            encode_rows(dataset, batch->input, batch->zi); /* the step encodes the attacks */
        if (!batch->unity) encode_rows(dataset, batch->target, batch->zt);
    }
    scale_rows(&batch->input, batch->input_gains);
    scale_rows(&batch->zi, batch->input_gains);
    scale_rows(&batch->target, batch->target_gains);
    scale_rows(&batch->zt, batch->target_gains);
}

ap_status ap_batch_fill(ap_batch *batch, const ap_dataset *dataset, int64_t count, const ap_choice *choices)
{
    AP_TRY(ap_batch_read(batch, dataset, count, choices));
    ap_batch_finish(batch, dataset);
    return ap_ok();
}

/* From a recording and another window of it: the input that it answers are its own attacks. */
static void ask(ap_tape *tape, ap_heard *h)
{
    h->answer = h->input;
    h->input = ap_attacks(tape, h->answer);
}

static ap_var *latents(ap_tape *tape, ap_codec *codec, ap_var *audio, ap_tensor kept)
{
    return kept.data ? ap_tape_constant(tape, kept) : ap_codec_encode(tape, codec, audio);
}

ap_heard ap_batch_forward(ap_tape *tape, ap_model *model, const ap_batch *batch)
{
    ap_codec *codec = ap_model_codec(model);
    ap_heard h = {.input = ap_tape_constant(tape, batch->input),
                  .target = ap_tape_constant(tape, batch->target)};
    ap_tape_section(tape, "encode");
    if (batch->answered) ask(tape, &h);
    h.zi = latents(tape, codec, h.input, batch->answered ? (ap_tensor){.data = NULL} : batch->zi);
    h.zt = batch->unity ? h.zi : latents(tape, codec, h.target, batch->zt);
    h.composed = ap_model_compose(tape, model, h.zi, h.zt);
    ap_tape_section(tape, "decode");
    if (ap_model_arranges(model)) {
        const ap_tensor *x = &h.input->value;
        h.input_onsets = ap_onset_times_of(ap_tape_arena(tape), x->shape.at[0], x->shape.at[2], x->data);
    }
    /* in training the grains change from step to step; validation always hears the same */
    bool draw = ap_tape_training(tape) && ap_model_arranges(model);
    uint64_t seed = draw ? ap_rng_next(ap_tape_rng(tape)) : 0;
    if (draw)
        seed += (uint64_t)ap_tape_origin(tape, batch->B); /* of the whole batch, wherever its rows are */
    h.output = ap_model_sound(tape, model, &h.composed, h.input, h.input_onsets, h.target, seed);
    return h;
}
