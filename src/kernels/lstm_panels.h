/* The recurrent weights of an LSTM in the layout its steps read: one panel per group of AP_LANES units, with
 * the weights of all four gates. */
#ifndef ANTIPHON_KERNELS_LSTM_PANELS_H
#define ANTIPHON_KERNELS_LSTM_PANELS_H

#include "antiphon/real.h"
#include "kernels/simd.h"

#include <stdbool.h>
#include <stdint.h>

#define AP_LSTM_GATES 4
/* Items of the batch that share a pass over a panel, or panels that an item passes at a time: the sums fit
 * the registers. */
#define AP_LSTM_TOGETHER 4

/* The number of groups of H units, and the size of a panel in numbers. */
static inline int64_t ap_lstm_groups(int64_t H)
{
    return (H + AP_LANES - 1) / AP_LANES;
}

static inline int64_t ap_lstm_panel_count(int64_t H)
{
    return (H + 1) * AP_LSTM_GATES * AP_LANES;
}

/* The sums of one group's four gates. */
typedef ap_real ap_lstm_sums[AP_LSTM_GATES][AP_LANES];

/* panels [groups, panel] from weight_hh [4H, H], which may contain infinities and NaN: for the forward pass,
 * in which the units of a group receive the previous state, or (`back`) for the backward pass, in which they
 * receive the gradients of the gates of the next step. Units beyond H have zero weights. */
void ap_lstm_panels_pack(int64_t H, const ap_real *weight_hh, bool back, ap_real *panels);

/* sums[p + item][gate][lane] = the sum over k < H of panel_p[k][gate] v[item item_step + gate gate_step + k],
 * for 1 to AP_LSTM_TOGETHER items and one panel, or for as many successive panels and one item. gate_step is
 * 0 forward and H backward. One thread. */
void ap_lstm_panel_product(int64_t panels, int64_t items, int64_t gate_step, int64_t H, const ap_real *panel,
                           const ap_real *v, int64_t item_step, ap_lstm_sums *sums);

#endif
