#include "train/precision.h"

#include "kernels/kernel.h"
#include "train/notes.h"

static const char *name_of(ap_precision precision)
{
    return precision == AP_PRECISION_FAST ? "fast" : "float";
}

void ap_precision_begin(const ap_config *config, const ap_observer *observer)
{
    bool fast = config->train.precision == AP_PRECISION_FAST;
    ap_kernel_set_fast(fast);
    if (fast && !ap_kernel_is_fast() && observer)
        ap_observer_note(
            observer,
            "train.precision is fast, but the kernel %s has no faster products on this processor: they are "
            "those of float",
            ap_kernel_name());
}

void ap_precision_end(void)
{
    ap_kernel_set_fast(false);
}

void ap_precision_compare(const ap_config *before, const ap_config *now, const ap_observer *observer)
{
    if (before->train.precision != now->train.precision)
        ap_observer_note(observer, "train.precision was %s and is %s from here on",
                         name_of(before->train.precision), name_of(now->train.precision));
}
