// Parts of neural networks as the door sees them: attention, a step of an LSTM.
#pragma once
#include "attention.h"
#include "door.h"
#include "lstm.h"

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

// Arrays arguments, cell, gates, next cell, shown; rows, width.
template <class T>
void enter_lstm_step(const Args& a) {
  lstm_step<T>(a.number[0], a.number[1], a.at<T>(0), a.at<T>(1), a.at<T>(2), a.at<T>(3), a.at<T>(4));
}

// Arrays of_shown, of_cell, gates, cell, next cell, slopes; rows, width.
template <class T>
void enter_lstm_step_backward(const Args& a) {
  lstm_step_backward<T>(a.number[0], a.number[1], a.at<T>(0), a.at<T>(1), a.at<T>(2), a.at<T>(3), a.at<T>(4), a.at<T>(5));
}

constexpr Entry network_entries[] = {
    {"attention", 6, 1, 1, WENGERT_FLOATS(enter_attention), nullptr, nullptr, nullptr, true},
    {"attention_backward", 9, 1, 1, WENGERT_FLOATS(enter_attention_backward), nullptr, nullptr, nullptr, true},
    {"lstm_step", 5, 2, 0, WENGERT_FLOATS(enter_lstm_step)},
    {"lstm_step_backward", 6, 2, 0, WENGERT_FLOATS(enter_lstm_step_backward)},
};

}  // namespace wengert::arrays
