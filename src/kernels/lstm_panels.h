/* The recurrent weights of an LSTM as its steps read them: a panel for each group of AP_LANES units, with the
 * weights of all four gates. */
#ifndef ANTIPHON_KERNELS_LSTM_PANELS_H
#define ANTIPHON_KERNELS_LSTM_PANELS_H

#include "antiphon/real.h"
#include "kernels/simd.h"

#include <stdbool.h>
#include <stdint.h>

#define AP_LSTM_GATES 4
/* Items of the batch that share one pass over a panel, or panels that an item goes through at a time: their
 * sums fit the registers. */
#define AP_LSTM_TOGETHER 4

/* The groups of H units, and the numbers that the panel of one takes. */
int64_t ap_lstm_groups(int64_t H);
int64_t ap_lstm_panel_count(int64_t H);

/* panels [groups, panel] from weight_hh [4H, H], which may hold infinities and NaN: for the way forward,
 * where a group's units collect what the state before gives them; or `back`, where they collect what is
 * passed on by the gates of each unit of the step after. Units beyond H weigh nothing. */
void ap_lstm_panels_pack(int64_t H, const ap_real *weight_hh, bool back, ap_real *panels);

/* sums[p + item][gate] = the sum over k < H of panel_p[k][gate] v[item item_step + gate gate_step + k], for 1
 * to AP_LSTM_TOGETHER items of one panel, or as many panels, one after the other, of one item; gate_step is 0
 * forward and H on the way back. One thread. */
void ap_lstm_panel_product(int64_t panels, int64_t items, int64_t gate_step, int64_t H, const ap_real *panel,
                           const ap_real *v, int64_t item_step, ap_vec sums[AP_LSTM_TOGETHER][AP_LSTM_GATES]);

#endif
