// Gradient of the weight of a convolution: products of output gradients and windows, added up over places and samples.
#pragma once
#include "conv.h"

namespace wengert::arrays {

// How the work is cut: never by the number of threads, so that sums are the same for any.
struct Cut {
  ptrdiff_t parts;  // of the samples; each has sums of its own
  ptrdiff_t bands;  // of the input channels of a group
};

inline Cut cut_weight(const Conv& c, ptrdiff_t columns, ptrdiff_t bytes) {
  ptrdiff_t sums = c.groups * c.inner() * c.taps() * columns * bytes;
  Cut cut;
  cut.parts = std::max<ptrdiff_t>(1, std::min<ptrdiff_t>({8, c.samples, (1 << 21) / (sums + 1), ceil_div(32, c.groups)}));
  cut.bands = std::min(c.inner(), ceil_div(8, cut.parts * c.groups));
  return cut;
}

// The forward pass of a convolution with fewer input channels: a band of those of one group.
inline Pass band_pass(const Conv& c, ptrdiff_t channels, bool phased, ptrdiff_t bytes) {
  Conv band = c;
  band.groups = 1, band.channels = channels, band.outs = c.outer();
  return forward_pass(band, phased, bytes, FRAME_BYTES);
}

template <class T>
void fill_band(const Conv& c, const Pass& pass, const Spot& spot, ptrdiff_t channel, ptrdiff_t channels, const T* x, T* frame) {
  Sizes origin;
  origin_of(pass, spot, origin);
  const T* image = x + (spot.sample * c.channels + spot.group * c.inner() + channel) * c.pixels();
  pass.frame.fill(image, channels, origin, frame);
}

// The gradients (channels x places) of a spot as packed panels (places x channels).
template <class T>
void pack_grad(const Conv& c, const Sizes& first, const Sizes& count, const T* grad, ptrdiff_t depth, ptrdiff_t begin, T* to) {
  constexpr ptrdiff_t L = Vec<T>::lanes;
  ptrdiff_t outer = c.outer(), columns = whole_vectors<T>(outer), plane = c.places();
  for (ptrdiff_t j = 0; j < columns;) {
    ptrdiff_t width = panel_vectors((columns - j) / L) * L, have = std::min(width, outer - j);
    T* panel = to + j * depth + begin * width;
    for (ptrdiff_t z = 0; z < count[0]; z++)
      for (ptrdiff_t r = 0; r < count[1]; r++, panel += count[2] * width) {
        ptrdiff_t at = ((first[0] + z) * c.out[1] + first[1] + r) * c.out[2] + first[2];
        transpose_block(grad + j * plane + at, plane, panel, width, have, count[2]);
        if (have < width)
          for (ptrdiff_t p = 0; p < count[2]; p++) std::fill(panel + p * width + have, panel + (p + 1) * width, T(0));
      }
    j += width;
  }
}

// Sums (channels * taps x outer channels) of one part and band.
template <class T>
void weight_sums(const Conv& c, const Pass& pass, ptrdiff_t group, ptrdiff_t channel, ptrdiff_t channels, ptrdiff_t first,
                 ptrdiff_t last, const T* x, const T* grad, T* sums) {
  ptrdiff_t columns = whole_vectors<T>(c.outer()), most = pass.block[0] * pass.block[1] * pass.block[2];
  ptrdiff_t whole = channels * pass.frame.plane + pass.frame.slack, together = std::max<ptrdiff_t>(1, 256 / most);
  T* frame = scratch<T>(whole * together, 0);
  T* turned = scratch<T>(most * together * columns, 1);
  Tables table(pass, pass.classes[0]);
  std::vector<ptrdiff_t> rows(table.frame.begin(), table.frame.begin() + channels * c.taps());
  std::vector<int32_t> at;
  ptrdiff_t blocks = pass.blocks[0] * pass.blocks[1] * pass.blocks[2];
  for (ptrdiff_t n = first; n < last; n += together)
    for (ptrdiff_t b = 0; b < blocks; b++) {
      ptrdiff_t samples = std::min(together, last - n);
      Spot spot = spot_of(pass, b);
      spot.group = group;
      Sizes count;
      ptrdiff_t places = clip(pass, pass.classes[0], spot, count), depth = places * samples;
      at.clear();
      for (ptrdiff_t s = 0; s < samples; s++) {
        spot.sample = n + s;
        fill_band(c, pass, spot, channel, channels, x, frame + s * whole);
        pack_grad(c, spot.first, count, grad + ((n + s) * c.outs + group * c.outer()) * c.places(), depth, s * places, turned);
        for (ptrdiff_t z = 0; z < count[0]; z++)
          for (ptrdiff_t r = 0; r < count[1]; r++)
            for (ptrdiff_t p = 0; p < count[2]; p++)
              at.push_back((int32_t)(s * whole + z * pass.frame.step[0] * pass.frame.row[0] +
                                     r * pass.frame.step[1] * pass.frame.row[1] + p * pass.frame.step[2]));
      }
      product<T, true>((ptrdiff_t)rows.size(), columns, depth, frame, rows.data(), at.data(), turned, nullptr, sums, columns,
                       true);
    }
}

// Lines of whole vectors, and how far they lie apart in the frame and in the gradient.
struct Lines {
  ptrdiff_t count, length, apart, apart_grad;
};

// ROWS vectors of sums, lane by lane.
template <class T, int ROWS>
static void dots(const Lines& lines, const T* A, const ptrdiff_t* ra, const T* b, T* sums) {
  using V = typename Vec<T>::v;
  using U = typename Vec<T>::u;
  constexpr int L = Vec<T>::lanes;
  V sum[ROWS];
#pragma GCC unroll 9
  for (int i = 0; i < ROWS; i++) sum[i] = *(const U*)(sums + i * L);
  for (ptrdiff_t line = 0; line < lines.count; line++, A += lines.apart, b += lines.apart_grad)
    for (ptrdiff_t p = 0; p < lines.length; p += L) {
      V other = *(const U*)(b + p);
#pragma GCC unroll 9
      for (int i = 0; i < ROWS; i++) sum[i] += other * *(const U*)(A + ra[i] + p);
    }
#pragma GCC unroll 9
  for (int i = 0; i < ROWS; i++) *(U*)(sums + i * L) = sum[i];
}

// The same for few outer channels: vectors run over places, where the gradient is zero between rows.  Lanes are added up last.
template <class T>
void weight_dots(const Conv& c, const Pass& pass, ptrdiff_t group, ptrdiff_t channel, ptrdiff_t channels, ptrdiff_t first,
                 ptrdiff_t last, const T* x, const T* grad, ptrdiff_t columns, T* sums) {
  constexpr ptrdiff_t L = Vec<T>::lanes;
  const Frame& f = pass.frame;
  ptrdiff_t run = whole_vectors<T>((pass.block[1] - 1) * f.row[1] + pass.block[2]), rows = channels * c.taps();
  T* frame = scratch<T>(channels * f.plane + f.slack, 0);
  T* wide_grad = scratch<T>(run, 1);
  T* lanes = scratch<T>(c.outer() * rows * L, 2);
  std::fill_n(lanes, c.outer() * rows * L, T(0));
  std::fill_n(wide_grad, run, T(0));
  Tables table(pass, pass.classes[0]);
  std::vector<ptrdiff_t> at(table.frame.begin(), table.frame.begin() + rows);
  ptrdiff_t blocks = pass.blocks[0] * pass.blocks[1] * pass.blocks[2];
  for (ptrdiff_t n = first; n < last; n++)
    for (ptrdiff_t b = 0; b < blocks; b++) {
      Spot spot = spot_of(pass, b);
      spot.group = group, spot.sample = n;
      Sizes count;
      clip(pass, pass.classes[0], spot, count);
      fill_band(c, pass, spot, channel, channels, x, frame);
      const bool whole = count[2] % L == 0;  // rows of the gradient are read where they are
      if (blocks > 1 && !whole) std::fill_n(wide_grad, run, T(0));  // a block at an edge is smaller than the others
      for (ptrdiff_t o = 0; o < c.outer(); o++)
        for (ptrdiff_t z = 0; z < count[0]; z++) {
          const T* from = grad + (n * c.outs + group * c.outer() + o) * c.places() +
                          ((spot.first[0] + z) * c.out[1] + spot.first[1]) * c.out[2] + spot.first[2];
          if (!whole) copy_rows(from, c.out[2], 1, count[1], count[2], wide_grad, f.row[1]);
          const Lines lines = whole ? Lines{count[1], count[2], f.row[1], c.out[2]} : Lines{1, run, 0, 0};
          const T *g = whole ? from : wide_grad, *A = frame + z * f.row[0];
          T* to = lanes + o * rows * L;
          ptrdiff_t i = 0;
          for (; i + 9 <= rows; i += 9) dots<T, 9>(lines, A, at.data() + i, g, to + i * L);
          for (; i + 4 <= rows; i += 4) dots<T, 4>(lines, A, at.data() + i, g, to + i * L);
          for (; i < rows; i++) dots<T, 1>(lines, A, at.data() + i, g, to + i * L);
        }
    }
  for (ptrdiff_t o = 0; o < c.outer(); o++)
    for (ptrdiff_t i = 0; i < rows; i++)
      sums[i * columns + o] += folded<Sum, T, L>(*(const typename Vec<T>::v*)(lanes + (o * rows + i) * L));
}

template <class T>
void conv_grad_weight(const Conv& c, const T* grad, const T* x, T* gw) {
  bool few = c.outer() * 2 < Vec<T>::lanes;
  ptrdiff_t columns = few ? c.outer() : whole_vectors<T>(c.outer()), depth = c.inner() * c.taps();
  Cut cut = cut_weight(c, columns, sizeof(T));
  ptrdiff_t per = ceil_div(c.inner(), cut.bands);
  Pass pass = band_pass(c, per, few, sizeof(T));
  Loan<T> memory(cut.parts * c.groups * depth * columns);
  parallel_for(cut.parts * c.groups * cut.bands, [&](ptrdiff_t task) {
    ptrdiff_t band = task % cut.bands, group = task / cut.bands % c.groups, part = task / cut.bands / c.groups;
    ptrdiff_t channel = band * per, channels = std::min(per, c.inner() - channel);
    ptrdiff_t first = c.samples * part / cut.parts, last = c.samples * (part + 1) / cut.parts;
    if (channels <= 0) return;
    T* sums = memory.data + ((part * c.groups + group) * depth + channel * c.taps()) * columns;
    std::fill_n(sums, channels * c.taps() * columns, T(0));
    if (few)
      weight_dots(c, pass, group, channel, channels, first, last, x, grad, columns, sums);
    else
      weight_sums(c, pass, group, channel, channels, first, last, x, grad, sums);
  });
  const ptrdiff_t lot = whole_vectors<T>(1 + PIECE / (columns + 1)), lots = pieces(depth, lot), apart = c.groups * depth * columns;
  parallel_for(c.groups * lots, [&](ptrdiff_t task) {  // the parts are added up in their order
    ptrdiff_t group = task / lots, begin = task % lots * lot, rows = std::min(lot, depth - begin);
    T* sums = memory.data + (group * depth + begin) * columns;
    for (ptrdiff_t part = 1; part < cut.parts; part++)
      for (ptrdiff_t i = 0; i < rows * columns; i++) sums[i] += sums[part * apart + i];
    transpose_block(sums, columns, gw + group * c.outer() * depth + begin, depth, rows, c.outer());
  });
}

}  // namespace wengert::arrays
