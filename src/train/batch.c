#include "train/batch.h"

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

/* copies `numbers`, times a gain, into row k of a tensor with one row per item; skips latents that are not
 * kept */
static void put(ap_tensor *tensor, int64_t B, int64_t k, const ap_real *numbers, ap_real gain)
{
    if (!tensor->data) return;
    tensor->shape.at[0] = 1;
    int64_t n = ap_shape_count(tensor->shape);
    ap_real *row = tensor->data + k * n;
    for (int64_t i = 0; i < n; i++) row[i] = gain * numbers[i];
    tensor->shape.at[0] = B;
}

void ap_batch_fill(ap_batch *batch, const ap_dataset *dataset, int64_t count, const ap_choice *choices)
{
    batch->B = count;
    batch->unity = true;
    for (int64_t k = 0; k < count; k++) {
        const ap_choice *c = &choices[k];
        const ap_item *i = &dataset->items[c->input], *t = &dataset->items[c->target];
        bool second = c->unity && c->target_side, first = c->unity && !c->target_side;
        put(&batch->input, count, k, second ? t->target : i->input, c->input_gain);
        put(&batch->target, count, k, first ? i->input : t->target, c->target_gain);
        put(&batch->zi, count, k, second ? t->zt : i->zi, c->input_gain);
        put(&batch->zt, count, k, first ? i->zi : t->zt, c->target_gain);
        batch->unity &= c->unity;
    }
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
    h.output = ap_codec_decode(tape, codec, h.composed.latents, batch->input.shape.at[2]);
    return h;
}
