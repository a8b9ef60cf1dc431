#include "train/batch.h"

#include "assembly/arrangement.h"
#include "base/memory.h"

#include <stdlib.h>

static ap_tensor room(ap_shape shape)
{
    return (ap_tensor){shape, ap_allocate((size_t)ap_shape_count(shape), sizeof(ap_real))};
}

ap_batch ap_batch_init(const ap_dataset *dataset, int64_t capacity)
{
    ap_batch batch = {.capacity = capacity};
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
    *batch = (ap_batch){0};
}

/* The place of row k in a tensor with one row per item. */
static ap_real *row_of(const ap_tensor *rows, int64_t k)
{
    return rows->data + k * rows->shape.at[1] * rows->shape.at[2];
}

static void scale_row(const ap_tensor *rows, int64_t k, ap_real gain)
{
    ap_real *row = row_of(rows, k);
    int64_t n = rows->shape.at[1] * rows->shape.at[2];
    for (int64_t i = 0; gain != 1 && i < n; i++) row[i] *= gain;
}

/* One side of item k: its window, and its latents if they are kept, times a gain. */
static ap_status fill_row(const ap_dataset *dataset, ap_place place, ap_pair_side side, ap_real gain,
                          const ap_tensor *audio, const ap_tensor *z, int64_t k)
{
    AP_TRY(ap_dataset_read(dataset, place, side, row_of(audio, k)));
    scale_row(audio, k, gain);
    if (!z->data) return ap_ok();
    ap_dataset_latents(dataset, place, side, row_of(z, k));
    scale_row(z, k, gain);
    return ap_ok();
}

static ap_status fill_item(ap_batch *batch, const ap_dataset *dataset, const ap_choice *c, int64_t k)
{
    ap_place input = c->input, target = c->target;
    ap_pair_side first = AP_PAIR_INPUT, second = AP_PAIR_TARGET;
    if (c->unity && c->target_side) {
        input = target;
        first = second;
    } else if (c->unity) {
        target = input;
        second = first;
    }
    AP_TRY(fill_row(dataset, input, first, c->input_gain, &batch->input, &batch->zi, k));
    return fill_row(dataset, target, second, c->target_gain, &batch->target, &batch->zt, k);
}

ap_status ap_batch_fill(ap_batch *batch, const ap_dataset *dataset, int64_t count, const ap_choice *choices)
{
    ap_tensor *const parts[] = {&batch->input, &batch->target, &batch->zi, &batch->zt};
    batch->B = count;
    batch->unity = true;
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
        if (parts[p]->data) parts[p]->shape.at[0] = count;
    for (int64_t k = 0; k < count; k++) {
        AP_TRY(fill_item(batch, dataset, &choices[k], k));
        batch->unity &= choices[k].unity;
    }
    return ap_ok();
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
    h.zi = latents(tape, codec, h.input, batch->zi);
    h.zt = batch->unity ? h.zi : latents(tape, codec, h.target, batch->zt);
    h.composed = ap_model_compose(tape, model, h.zi, h.zt);
    ap_tape_section(tape, "decode");
    /* in training the grains change from step to step; validation always hears the same */
    bool draw = ap_tape_training(tape) && ap_model_arranges(model);
    uint64_t seed = draw ? ap_rng_next(ap_tape_rng(tape)) : 0;
    h.output = ap_model_sound(tape, model, &h.composed, h.input, h.target, seed);
    return h;
}
