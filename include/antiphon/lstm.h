/** @file lstm.h
 * Long short-term memory (Hochreiter, Schmidhuber, 1997; with forget gates, gates in PyTorch's order i, f, g, o).
 */
#ifndef ANTIPHON_LSTM_H
#define ANTIPHON_LSTM_H

#include "antiphon/api.h"
#include "antiphon/tape.h"

AP_API_BEGIN

/** One layer over time, from a zero state: y [B, H, T] from x [B, C, T], weight_ih [4H, C], weight_hh [4H, H],
 * bias_ih and bias_hh [4H]:
 * i, f, o = sigmoid, g = tanh of (weight_ih x_t + bias_ih + weight_hh h_(t-1) + bias_hh),
 * c_t = f c_(t-1) + i g, h_t = o tanh(c_t), y_t = h_t. */
ap_var *ap_lstm(ap_tape *tape, ap_var *x, ap_var *weight_ih, ap_var *weight_hh, ap_var *bias_ih, ap_var *bias_hh);

AP_API_END

#endif
