// Parts of neural networks as the door sees them: attention, recurrent layers.
#pragma once
#include "attention.h"
#include "door.h"
#include "recurrent.h"

namespace wengert::arrays {

// An array of four dimensions, or of two that are the last ones, as far as it is broadcast to this shape.
template <class T>
Four<T> four_of(const Args& args, int i) {
  Four<T> found;
  found.data = args.at<T>(i);
  if (!found.data) return found;
  PyArrayObject* array = args.source[i];
  int lead = 4 - PyArray_NDIM(array);
  for (int d = lead; d < 4; d++)
    if (PyArray_DIM(array, d - lead) > 1) found.step[d] = PyArray_STRIDE(array, d - lead) / (ptrdiff_t)sizeof(T);
  return found;
}

// Arrays q, k, v (samples, heads, length, width), mask or none; whether causal; scale.
template <class T>
Attention<T> attention_of(const Args& args) {
  Attention<T> t;
  const npy_intp *q = PyArray_DIMS(args.source[0]), *v = PyArray_DIMS(args.source[2]);
  t.samples = q[0], t.heads = q[1], t.queries = q[2], t.width = q[3], t.keys = v[2], t.values = v[3];
  t.causal = args.number[0] != 0, t.scale = (T)args.real[0];
  t.q = four_of<T>(args, 0), t.k = four_of<T>(args, 1), t.v = four_of<T>(args, 2), t.mask = four_of<T>(args, 3);
  return t;
}

// Then out and logs.
template <class T>
void enter_attention(const Args& args) {
  attention(attention_of<T>(args), four_of<T>(args, 4), args.at<T>(5));
}

// Then the gradient of out, logs, and the gradients of q, k, v.
template <class T>
void enter_attention_backward(const Args& args) {
  attention_backward(attention_of<T>(args), four_of<T>(args, 4), args.at<T>(5), args.at<T>(6), args.at<T>(7), args.at<T>(8));
}

// The array of sizes comes last; the first numbers say how many there are, and whether time runs backwards.
inline Steps steps_of(const Args& a, int sizes) { return Steps(a.at<int64_t>(sizes), a.number[0], a.number[1] != 0); }

// Arrays weight, projection, first cell; numbers width, width of the states.
template <class T>
Lstm<T> lstm_of(const Args& a, int sizes) {
  return {steps_of(a, sizes), a.number[2], a.number[3], a.at<T>(0), a.at<T>(1), a.at<T>(2)};
}

// Then first state, gates, cells, shown, out.
template <class T>
void enter_lstm_forward(const Args& a) {
  lstm_forward(lstm_of<T>(a, 8), a.at<T>(3), a.at<T>(4), a.at<T>(5), a.at<T>(6), a.at<T>(7));
}

// Then of_out, gates, cells, dh, dc, slopes, of_states.
template <class T>
void enter_lstm_backward(const Args& a) {
  lstm_backward(lstm_of<T>(a, 10), a.at<T>(3), a.at<T>(4), a.at<T>(5), a.at<T>(6), a.at<T>(7), a.at<T>(8), a.at<T>(9));
}

// Arrays weight, bias, first state, gates, proposals, out; width.
template <class T>
void enter_gru_forward(const Args& a) {
  gru_forward(steps_of(a, 6), a.number[2], a.at<T>(0), a.at<T>(1), a.at<T>(2), a.at<T>(3), a.at<T>(4), a.at<T>(5));
}

// Arrays weight, first state, of_out, gates, proposals, out, dh, outer, inner; width.
template <class T>
void enter_gru_backward(const Args& a) {
  gru_backward(steps_of(a, 9), a.number[2], a.at<T>(0), a.at<T>(1), a.at<T>(2), a.at<T>(3), a.at<T>(4), a.at<T>(5), a.at<T>(6),
               a.at<T>(7), a.at<T>(8));
}

// Arrays weight, first state, out; width, whether relu.
template <class T>
void enter_rnn_forward(const Args& a) {
  rnn_forward(steps_of(a, 3), a.number[2], a.number[3] != 0, a.at<T>(0), a.at<T>(1), a.at<T>(2));
}

// Arrays weight, of_out, out, dh, slopes; width, whether relu.
template <class T>
void enter_rnn_backward(const Args& a) {
  rnn_backward(steps_of(a, 5), a.number[2], a.number[3] != 0, a.at<T>(0), a.at<T>(1), a.at<T>(2), a.at<T>(3), a.at<T>(4));
}

constexpr Entry network_entries[] = {
    {"attention", 6, 1, 1, WENGERT_FLOATS(enter_attention), nullptr, nullptr, nullptr, true},
    {"attention_backward", 9, 1, 1, WENGERT_FLOATS(enter_attention_backward), nullptr, nullptr, nullptr, true},
    {"lstm_forward", 9, 4, 0, WENGERT_FLOATS(enter_lstm_forward)},
    {"lstm_backward", 11, 4, 0, WENGERT_FLOATS(enter_lstm_backward)},
    {"gru_forward", 7, 3, 0, WENGERT_FLOATS(enter_gru_forward)},
    {"gru_backward", 10, 3, 0, WENGERT_FLOATS(enter_gru_backward)},
    {"rnn_forward", 4, 4, 0, WENGERT_FLOATS(enter_rnn_forward)},
    {"rnn_backward", 6, 4, 0, WENGERT_FLOATS(enter_rnn_backward)},
};

}  // namespace wengert::arrays
