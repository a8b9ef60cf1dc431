#include "train/sets.h"

#include "antiphon/audio.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "train/notes.h"

#include <inttypes.h>
#include <math.h>

/* Warns of windows whose maxima hardly move, where the correlation cost does not work. */
static ap_status note_still(const ap_config *c, const ap_observer *observer, const ap_dataset *set)
{
    int64_t still;
    if (c->loss.corr_weight <= 0 || c->loss.corr_envelope != AP_ENVELOPE_MAX ||
        set->S < c->loss.corr_segments)
        return ap_ok();
    AP_TRY(ap_dataset_still(set, c->loss.corr_segments, &still));
    if (still)
        ap_observer_note(observer,
                         "in %" PRId64 " of %" PRId64
                         " windows a source's maxima hardly move (full scale throughout, or very quiet): "
                         "copying its "
                         "loudness costs nothing there; loss.corr_envelope \"rms\" tells more",
                         still, set->windows);
    return ap_ok();
}

ap_status ap_sets_load(const ap_config *c, const ap_observer *observer, ap_dataset *train,
                       ap_dataset *validation)
{
    int64_t S = llround(c->data.seconds * AP_SAMPLE_RATE);
    bool there;
    AP_TRY(ap_file_is_there(c->data.path, &there));
    if (!there)
        return ap_error(AP_FAILED,
                        "%s: no such pair set (data.path); make one with antiphon synth or antiphon prepare",
                        c->data.path);
    AP_TRY(ap_dataset_load(c->data.path, "train", S, train));
    AP_TRY(ap_dataset_load(c->data.path, "val", S, validation));
    size_t lone = train->lone + validation->lone;
    if (lone)
        ap_observer_note(observer, "%s: left out: %zu recording%s without a partner", c->data.path, lone,
                         ap_plural((int64_t)lone));
    ap_observer_note(observer,
                     "%" PRId64 " pair%s in %" PRId64 " window%s of %.1f s to train on, %" PRId64
                     " in %" PRId64 " to validate",
                     train->count, ap_plural(train->count), train->windows, ap_plural(train->windows),
                     c->data.seconds, validation->count, validation->windows);
    return note_still(c, observer, train);
}
