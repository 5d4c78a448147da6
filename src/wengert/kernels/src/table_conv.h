// Convolution as the door sees it.
#pragma once
#include "conv_weight.h"
#include "door.h"

namespace wengert::arrays {

// samples, channels, outs, groups; then depth, height, width of size, out, kernel, stride, padding, dilation.
inline Conv conv_of(const Args& args) {
  Conv c;
  const ptrdiff_t* n = args.number;
  c.samples = n[0], c.channels = n[1], c.outs = n[2], c.groups = n[3];
  ptrdiff_t* sizes[6] = {c.size, c.out, c.kernel, c.stride, c.padding, c.dilation};
  for (int i = 0; i < 6; i++)
    for (int d = 0; d < 3; d++) sizes[i][d] = n[4 + 3 * i + d];
  return c;
}

template <class T>
void enter_conv_forward(const Args& a) {
  conv_forward<T>(conv_of(a), a.at<T>(0), a.at<T>(1), a.at<T>(2), a.at<T>(3));
}

template <class T>
void enter_conv_grad_input(const Args& a) {
  conv_grad_input<T>(conv_of(a), a.at<T>(0), a.at<T>(1), a.at<T>(2));
}

template <class T>
void enter_conv_grad_weight(const Args& a) {
  conv_grad_weight<T>(conv_of(a), a.at<T>(0), a.at<T>(1), a.at<T>(2));
}

constexpr Entry conv_entries[] = {
    {"conv_forward", 4, 22, 0, WENGERT_FLOATS(enter_conv_forward)},
    {"conv_grad_input", 3, 22, 0, WENGERT_FLOATS(enter_conv_grad_input)},
    {"conv_grad_weight", 3, 22, 0, WENGERT_FLOATS(enter_conv_grad_weight)},
};

}  // namespace wengert::arrays
