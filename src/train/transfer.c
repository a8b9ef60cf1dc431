#include "train/transfer.h"

#include "antiphon/safetensors.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/table.h"

#include <stdlib.h>
#include <string.h>

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

/* ---------------------------------------------------------------- a checkpoint that does not fit */

/* Whether the checkpoint's tensors, its optimiser's aside, are not those of the model, in name or shape. */
static bool is_of_another_model(const char *checkpoint, const ap_params *params)
{
    ap_safetensors *file;
    ap_status status = ap_safetensors_open(checkpoint, &file);
    bool other = false;
    if (ap_failed(&status)) return false;
    for (size_t i = 0; i < ap_params_count(params) && !other; i++) {
        const ap_param *param = ap_params_at(params, i);
        const long at = ap_safetensors_find(file, param->name);
        other = at < 0 || !ap_shape_same(ap_safetensors_shape(file, (size_t)at), param->value.shape);
    }
    for (size_t i = 0; i < ap_safetensors_count(file) && !other; i++) {
        const char *name = ap_safetensors_name(file, i);
        other = strncmp(name, "optimiser.", strlen("optimiser.")) != 0 && !ap_params_find(params, name);
    }
    ap_safetensors_close(file);
    return other;
}

/* Whether a key may determine names and shapes of tensors: not what is a plain number or a text. */
static bool shapes_model(const char *name)
{
    static const char *const sections[] = {"codec.", "agent.", "cascade."};
    const config_type type = ap_config_key_find(name)->type;
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        if (strncmp(name, sections[i], strlen(sections[i])) == 0)
            return type != TYPE_NUMBER && type != TYPE_TEXT;
    return false;
}

/* Appends to a text that lives on the heap. */
static char *append(char *text, const char *more)
{
    char *longer = ap_format_text("%s%s", text, more);
    free(text);
    free((char *)more);
    return longer;
}

/* At most this many keys are named. */
#define KEYS_MOST 4

ap_status ap_transfer_explain(ap_status status, const char *checkpoint, const ap_config *config,
                              ap_model *model, const char *otherwise)
{
    ap_config before;
    size_t count = 0;
    ap_status read = ap_checkpoint_config(checkpoint, &before);
    if (!ap_failed(&status) || ap_failed(&read) || !is_of_another_model(checkpoint, ap_model_params(model)))
        return status;
    char *differ = ap_copy_text(""), *same = ap_copy_text("");
    for (size_t i = 0; i < ap_config_count(); i++) {
        char was[AP_CONFIG_TEXT], is[AP_CONFIG_TEXT];
        const char *name = ap_config_name(i);
        ap_config_value(&before, i, was);
        ap_config_value(config, i, is);
        if (strcmp(was, is) == 0 || !shapes_model(name) || ++count > KEYS_MOST) continue;
        differ =
            append(differ, ap_format_text("%s%s is %s there, %s here", count > 1 ? "; " : "", name, was, is));
        same = append(same, ap_format_text("%s--%s=%s", count > 1 ? " " : "", name, was));
    }
    if (count > KEYS_MOST) {
        differ = append(differ, ap_format_text("; and %zu more", count - KEYS_MOST));
        same = append(same, ap_format_text(" ... (antiphon info --metadata config prints all)"));
    }
    if (count > 0)
        status = ap_error(AP_FAILED, "%s: is of another model: %s. Give it the same, %s, or %s", checkpoint,
                          differ, same, otherwise);
    free(differ);
    free(same);
    return status;
}

/* ---------------------------------------------------------------- its weights */

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
