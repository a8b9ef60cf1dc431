#include "train/transfer.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>

/* At most this many tensors are named, the rest counted. */
#define NAMED_MOST 10

ap_status ap_transfer_config(const char *checkpoint, const ap_config *config, ap_config *model)
{
    ap_config before;
    AP_TRY(ap_checkpoint_config(checkpoint, &before));
    *model = *config;
    if (before.codec.type == AP_CODEC_SEANET) model->codec.weights[0] = '\0';
    return ap_ok();
}

/* The tensors of one kind: the first with names, all in the count. */
typedef struct tensors {
    char *named[NAMED_MOST]; /* with their shapes; owned */
    size_t count;
} tensors;

enum { NEW, LEFT_OUT, KINDS };

static void on_told(void *context, bool left_out, const char *name, ap_shape shape)
{
    tensors *t = &((tensors *)context)[left_out ? LEFT_OUT : NEW];
    if (t->count < NAMED_MOST)
        t->named[t->count] = ap_format_text("  %s %s", name, ap_shape_print(shape).text);
    t->count++;
}

static void note(const ap_observer *observer, char *line)
{
    if (observer->note) observer->note(observer->context, line);
    free(line);
}

static void tell(const ap_observer *observer, const tensors *t, const char *what)
{
    if (t->count == 0) return;
    note(observer, ap_format_text("%zu tensor%s %s:", t->count, ap_plural((int64_t)t->count), what));
    for (size_t k = 0; k < t->count && k < NAMED_MOST; k++) note(observer, ap_copy_text(t->named[k]));
    if (t->count > NAMED_MOST) note(observer, ap_format_text("  and %zu more", t->count - NAMED_MOST));
}

ap_status ap_transfer_weights(const char *checkpoint, ap_model *model, const ap_observer *observer)
{
    tensors unshared[KINDS] = {0};
    size_t taken;
    ap_status status = ap_checkpoint_weights(checkpoint, model, on_told, unshared, &taken);
    if (!ap_failed(&status)) {
        size_t count = ap_params_count(ap_model_params(model));
        note(observer, ap_format_text("weights of %zu of %zu tensors from %s", taken, count, checkpoint));
        tell(observer, &unshared[NEW], "missing from it and initialised at random");
        tell(observer, &unshared[LEFT_OUT], "in it that this model does not have");
    }
    for (int kind = 0; kind < KINDS; kind++)
        for (int k = 0; k < NAMED_MOST; k++) free(unshared[kind].named[k]);
    return status;
}
