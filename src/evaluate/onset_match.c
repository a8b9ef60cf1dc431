#include "antiphon/arena.h"
#include "antiphon/metrics.h"

#include <stddef.h>

/* The onsets of b that may pair with an onset of a form an interval, and the ends of these intervals ascend
 * with time. Pairing the earliest two that fit never costs a pair later, so a single pass finds a maximum
 * matching. */
int64_t ap_onset_match(ap_onsets a, ap_onsets b, double window)
{
    int64_t pairs = 0;
    for (int64_t i = 0, j = 0; i < a.count && j < b.count;) {
        if (a.times[i] < b.times[j] - window) {
            i++;
        } else if (a.times[i] > b.times[j] + window) {
            j++;
        } else {
            pairs++, i++, j++;
        }
    }
    return pairs;
}

/* 2 P R / (P + R) with P = pairs / estimates and R = pairs / references */
double ap_onset_f1(ap_onsets reference, ap_onsets estimate)
{
    if (!reference.count || !estimate.count) return 0;
    int64_t pairs = ap_onset_match(reference, estimate, AP_ONSET_WINDOW);
    return 2 * (double)pairs / (double)(reference.count + estimate.count);
}

double ap_onset_f1_chance(ap_arena *arena, ap_onsets reference, ap_onsets estimate, double duration)
{
    ap_onsets shifted = {reference.count, ap_arena_alloc(arena, (size_t)reference.count * sizeof(double))};
    double sum = 0;
    for (int k = 1; k <= AP_ONSET_SHIFTS; k++) {
        double shift = duration * k / (AP_ONSET_SHIFTS + 1);
        int64_t wrapped = 0; /* the onsets that wrap around to the beginning, which are the last ones */
        while (wrapped < reference.count &&
               reference.times[reference.count - 1 - wrapped] + shift >= duration)
            wrapped++;
        for (int64_t i = 0; i < reference.count; i++) {
            int64_t from = (i + reference.count - wrapped) % reference.count;
            shifted.times[i] = reference.times[from] + shift - (i < wrapped ? duration : 0);
        }
        sum += ap_onset_f1(shifted, estimate);
    }
    ap_arena_recycle(arena, shifted.times, (size_t)reference.count * sizeof(double));
    return sum / AP_ONSET_SHIFTS;
}
