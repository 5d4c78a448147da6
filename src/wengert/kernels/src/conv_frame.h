// Geometry of convolutions: a block of an image with its zero padding, and which taps of the kernel meet which places.
#pragma once
#include <algorithm>
#include <vector>

#include "tile.h"

namespace wengert::arrays {

using Sizes = ptrdiff_t[3];  // depth, height, width; convolutions of fewer dimensions have 1 in front

struct Conv {
  ptrdiff_t samples, channels, outs, groups;
  Sizes size, out, kernel, stride, padding, dilation;
  ptrdiff_t inner() const { return channels / groups; }
  ptrdiff_t outer() const { return outs / groups; }
  ptrdiff_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  ptrdiff_t pixels() const { return size[0] * size[1] * size[2]; }
  ptrdiff_t places() const { return out[0] * out[1] * out[2]; }
};

// Most divisors are 1, and divisions a good part of the work on a small image.
inline ptrdiff_t floor_div(ptrdiff_t a, ptrdiff_t b) { return b == 1 ? a : a / b - (a % b != 0 && (a < 0) != (b < 0)); }
inline ptrdiff_t ceil_div(ptrdiff_t a, ptrdiff_t b) { return -floor_div(-a, b); }

// Rows of n elements, every step-th of those at `from`.  Most rows are a few dozen elements: a call of memcpy would cost more than
// the copy.
template <class T, int BYTES>
inline void copy_chunks(const T* from, ptrdiff_t apart, ptrdiff_t rows, ptrdiff_t n, T* to, ptrdiff_t apart_to) {
  constexpr ptrdiff_t chunk = BYTES / sizeof(T);
  for (; rows > 0; rows--, from += apart, to += apart_to) {
    for (ptrdiff_t j = 0; j + chunk < n; j += chunk) memcpy(to + j, from + j, BYTES);
    memcpy(to + n - chunk, from + n - chunk, BYTES);
  }
}

template <class T>
inline void copy_rows(const T* __restrict from, ptrdiff_t apart, ptrdiff_t step, ptrdiff_t rows, ptrdiff_t n, T* __restrict to,
                      ptrdiff_t apart_to) {
  if (step == 1 && n >= Vec<T>::lanes) return copy_chunks<T, VECTOR_BYTES>(from, apart, rows, n, to, apart_to);
  if (step == 1 && n >= 16 / (ptrdiff_t)sizeof(T)) return copy_chunks<T, 16>(from, apart, rows, n, to, apart_to);
  for (; rows > 0; rows--, from += apart, to += apart_to) {
    if (step == 1)
      for (ptrdiff_t j = 0; j < n; j++) to[j] = from[j];
    else if (step == 2)
      for (ptrdiff_t j = 0; j < n; j++) to[j] = from[2 * j];
    else
      for (ptrdiff_t j = 0; j < n; j++) to[j] = from[step * j];
  }
}

// A padded block of one channel after the other.  A place (z, y, x) of the block begins at element step * place of the frame.
// With `phase` > 1, elements phase apart lie side by side, so that successive places read successive elements.
struct Frame {
  Sizes size, before, phase, step, extent, row;  // image; padding before it; ...; elements of a phase; their distances
  ptrdiff_t apart[3], plane;                     // distance of phases; elements of a channel
  ptrdiff_t slack;                               // elements that vectors may read past the last channel

  // Windows reach `reach` elements beyond their first; successive ones begin `stride` apart; `block` places per dimension.
  void lay(const Sizes& image, const Sizes& pad, const Sizes& reach, const Sizes& stride, const Sizes& block, bool phased,
           bool full_rows) {
    for (int i = 0; i < 3; i++) {
      size[i] = image[i];
      before[i] = pad[i];
      phase[i] = phased ? stride[i] : 1;
      step[i] = phased ? 1 : stride[i];
      extent[i] = (block[i] - 1) * step[i] + reach[i] / phase[i] + 1;
    }
    // The zeros after a whole row are those before the next one.
    if (full_rows && phase[2] == 1 && pad[2] > 0) extent[2] = std::min(extent[2], std::max(size[2] + pad[2], extent[2] - pad[2]));
    row[2] = 1;
    row[1] = extent[2];
    row[0] = extent[1] * extent[2];
    apart[2] = extent[0] * row[0];
    apart[1] = phase[2] * apart[2];
    apart[0] = phase[1] * apart[1];
    plane = phase[0] * apart[0];
    slack = extent[2] + VECTOR_BYTES;  // at least four vectors
  }

  // Where element `tap` (counted from the first of a window) lies, seen from the place of the window.
  ptrdiff_t at(int dim, ptrdiff_t tap) const { return tap % phase[dim] * apart[dim] + tap / phase[dim] * row[dim]; }

  // Channels whose first element is at `image`, one after the other, for the block whose first window begins at `origin`
  // (without padding), and the slack behind them.
  template <class T>
  void fill(const T* image, ptrdiff_t channels, const Sizes& origin, T* to) const {
    memset(to, 0, (channels * plane + slack) * sizeof(T));
    for (ptrdiff_t z = 0; z < phase[0]; z++)
      for (ptrdiff_t y = 0; y < phase[1]; y++)
        for (ptrdiff_t x = 0; x < phase[2]; x++, to += apart[2])
          fill_phase(image, channels, {origin[0] - before[0] + z, origin[1] - before[1] + y, origin[2] - before[2] + x}, to);
  }

  // The elements at `start`, phase further, twice that, and so on.
  template <class T>
  void fill_phase(const T* image, ptrdiff_t channels, const Sizes& start, T* to) const {
    Sizes first, last;
    for (int i = 0; i < 3; i++) {
      first[i] = std::min(extent[i], std::max<ptrdiff_t>(0, ceil_div(-start[i], phase[i])));
      last[i] = std::max(first[i], std::min(extent[i], ceil_div(size[i] - start[i], phase[i])));
    }
    const T* from = image + start[2] + first[2] * phase[2];
    to += first[2];
    for (ptrdiff_t c = 0; c < channels; c++, from += size[0] * size[1] * size[2], to += plane)
      for (ptrdiff_t z = first[0]; z < last[0]; z++)
        copy_rows(from + ((start[0] + z * phase[0]) * size[1] + start[1] + first[1] * phase[1]) * size[2], phase[1] * size[2],
                  phase[2], last[1] - first[1], last[2] - first[2], to + z * row[0] + first[1] * row[1], row[1]);
  }
};

// The places of the result that meet the same taps: all of a convolution; of the input gradient one class for every
// remainder of the position by the stride (place p of the class is position start + step * p).
struct Class {
  Sizes start, count;
  std::vector<int32_t> tap, offset;  // number of the tap in the kernel; where it lies in the frame
};

// One of the two passes that multiply a kernel with windows: the value, and the gradient of the input.
struct Pass {
  Frame frame;
  std::vector<Class> classes;
  Sizes source, result, step, block, blocks;  // sizes of what is read and written; ...; blocks of places
  ptrdiff_t samples, groups, inner, outer;    // inner channels are summed over, outer ones made; of a group
  ptrdiff_t weight_inner, weight_outer;       // distance of channels in the weight
  ptrdiff_t taps;
  ptrdiff_t sources() const { return source[0] * source[1] * source[2]; }
  ptrdiff_t results() const { return result[0] * result[1] * result[2]; }
};

// Blocks of at most `most` bytes of frame, and several of them when there is more than one task's worth of work.
inline void cut_blocks(Pass& pass, const Sizes& largest, ptrdiff_t bytes, ptrdiff_t most) {
  for (int i = 0; i < 3; i++) pass.block[i] = std::max<ptrdiff_t>(1, largest[i]);
  for (;;) {
    ptrdiff_t places = pass.block[0] * pass.block[1] * pass.block[2], tasks = pass.samples * pass.groups;
    for (int i = 0; i < 3; i++) tasks *= ceil_div(std::max<ptrdiff_t>(1, largest[i]), pass.block[i]);
    bool large = std::max(pass.inner * pass.taps / 4, std::max(pass.inner, pass.outer)) * places * bytes > most;
    bool alone = tasks < 8 && places * pass.inner * pass.outer * pass.taps > (1 << 21);
    if (places < 64 || !(large || alone)) break;
    int dim = pass.block[0] > 1 ? 0 : pass.block[1] > 1 ? 1 : 2;
    pass.block[dim] = (pass.block[dim] + 1) / 2;
  }
  for (int i = 0; i < 3; i++) pass.blocks[i] = ceil_div(std::max<ptrdiff_t>(1, largest[i]), pass.block[i]);
}

inline Pass forward_pass(const Conv& c, bool phased, ptrdiff_t bytes, ptrdiff_t most) {
  Pass pass;
  pass.samples = c.samples, pass.groups = c.groups, pass.inner = c.inner(), pass.outer = c.outer();
  pass.taps = c.taps(), pass.weight_inner = c.taps(), pass.weight_outer = c.inner() * c.taps();
  Sizes reach;
  Class all;
  for (int i = 0; i < 3; i++) {
    pass.source[i] = c.size[i], pass.result[i] = c.out[i], pass.step[i] = 1;
    all.start[i] = 0, all.count[i] = c.out[i];
    reach[i] = (c.kernel[i] - 1) * c.dilation[i];
  }
  cut_blocks(pass, c.out, bytes, most);
  pass.frame.lay(c.size, c.padding, reach, c.stride, pass.block, phased, pass.blocks[2] == 1);
  for (ptrdiff_t t = 0; t < pass.taps; t++) {
    ptrdiff_t z = t / (c.kernel[1] * c.kernel[2]), y = t / c.kernel[2] % c.kernel[1], x = t % c.kernel[2];
    all.tap.push_back((int32_t)t);
    all.offset.push_back((int32_t)(pass.frame.at(0, z * c.dilation[0]) + pass.frame.at(1, y * c.dilation[1]) +
                                   pass.frame.at(2, x * c.dilation[2])));
  }
  pass.classes.push_back(all);
  return pass;
}

// Position i of the input meets tap k at place (i + padding - k * dilation) / stride where that is whole.
inline Pass input_pass(const Conv& c, ptrdiff_t bytes, ptrdiff_t most) {
  Pass pass;
  pass.samples = c.samples, pass.groups = c.groups, pass.inner = c.outer(), pass.outer = c.inner();
  pass.taps = c.taps(), pass.weight_inner = c.inner() * c.taps(), pass.weight_outer = c.taps();
  Sizes before, reach, largest, one = {1, 1, 1};
  for (int i = 0; i < 3; i++) {
    pass.source[i] = c.out[i], pass.result[i] = c.size[i], pass.step[i] = c.stride[i];
    ptrdiff_t low = floor_div(c.padding[i] - (c.kernel[i] - 1) * c.dilation[i], c.stride[i]);
    before[i] = -low;
    reach[i] = floor_div(c.stride[i] - 1 + c.padding[i], c.stride[i]) - low;
    largest[i] = ceil_div(c.size[i], c.stride[i]);
  }
  cut_blocks(pass, largest, bytes, most);
  pass.frame.lay(c.out, before, reach, one, pass.block, false, pass.blocks[2] == 1);
  for (ptrdiff_t r = 0; r < c.stride[0] * c.stride[1] * c.stride[2]; r++) {
    Class same;
    same.start[0] = r / (c.stride[1] * c.stride[2]);
    same.start[1] = r / c.stride[2] % c.stride[1];
    same.start[2] = r % c.stride[2];
    for (int i = 0; i < 3; i++) same.count[i] = std::max<ptrdiff_t>(0, ceil_div(c.size[i] - same.start[i], c.stride[i]));
    for (ptrdiff_t t = 0; t < pass.taps; t++) {
      Sizes k = {t / (c.kernel[1] * c.kernel[2]), t / c.kernel[2] % c.kernel[1], t % c.kernel[2]};
      ptrdiff_t offset = 0;
      bool meets = true;
      for (int i = 0; i < 3; i++) {
        ptrdiff_t far = same.start[i] + c.padding[i] - k[i] * c.dilation[i];
        meets = meets && floor_div(far, c.stride[i]) * c.stride[i] == far;
        offset += pass.frame.at(i, floor_div(far, c.stride[i]) + before[i]);
      }
      if (!meets) continue;
      same.tap.push_back((int32_t)t);
      same.offset.push_back((int32_t)offset);
    }
    pass.classes.push_back(same);
  }
  return pass;
}

}  // namespace wengert::arrays
