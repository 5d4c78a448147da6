// Convolution in up to three dimensions without building its columns: value and gradient of the input.
//
// Two arrangements of the same product.  NARROW: rows of the tile are outer channels, vectors run over places; for few
// channels.  WIDE: rows are places, vectors run over outer channels, whose weights are packed once; no vector is half empty
// at the end of a short row, and strides cost nothing.
#pragma once
#include "conv_frame.h"
#include "products.h"
#include "recycle.h"

namespace wengert::arrays {

constexpr ptrdiff_t FRAME_BYTES = 1 << 19;  // of a block: stays in the second-level cache, beside a panel of weights
constexpr ptrdiff_t TASK_WORK = 1 << 18;    // multiplications below which a task is not worth handing to a thread

// The values of one class of places in a block, before they go to their positions in the result.
template <class T>
struct Made {
  const T* values;
  ptrdiff_t channel, depth, row;  // distances
  Sizes count;
};

// One block of places of one sample.
struct Spot {
  ptrdiff_t sample, group;
  Sizes first;  // place
};

inline Spot spot_of(const Pass& pass, ptrdiff_t item) {
  ptrdiff_t per = pass.blocks[0] * pass.blocks[1] * pass.blocks[2], b = item % per;
  if (per == 1) return {item / pass.groups, item % pass.groups, {}};
  Spot spot;
  spot.group = item / per % pass.groups;
  spot.sample = item / per / pass.groups;
  spot.first[0] = b / (pass.blocks[1] * pass.blocks[2]) * pass.block[0];
  spot.first[1] = b / pass.blocks[2] % pass.blocks[1] * pass.block[1];
  spot.first[2] = b % pass.blocks[2] * pass.block[2];
  return spot;
}

inline ptrdiff_t clip(const Pass& pass, const Class& same, const Spot& spot, Sizes& count) {
  for (int i = 0; i < 3; i++)
    count[i] = std::max<ptrdiff_t>(0, std::min(same.count[i] - spot.first[i], pass.block[i]));
  return count[0] * count[1] * count[2];
}

// Offsets of the elements of weight and frame that are multiplied, inner channel after inner channel.
struct Tables {
  std::vector<int32_t> weight, frame;
  Tables(const Pass& pass, const Class& same) {
    for (ptrdiff_t c = 0; c < pass.inner; c++)
      for (size_t t = 0; t < same.tap.size(); t++) {
        weight.push_back((int32_t)(c * pass.weight_inner + same.tap[t]));
        frame.push_back((int32_t)(c * pass.frame.plane + same.offset[t]));
      }
  }
  ptrdiff_t depth() const { return (ptrdiff_t)weight.size(); }
};

// Where the first window of a spot begins in the source, without padding.
inline void origin_of(const Pass& pass, const Spot& spot, Sizes& origin) {
  for (int i = 0; i < 3; i++) origin[i] = spot.first[i] * pass.frame.step[i] * pass.frame.phase[i];
}

template <class T>
void fill_frames(const Pass& pass, const Spot& spot, const T* x, T* frame) {
  Sizes origin;
  origin_of(pass, spot, origin);
  const T* image = x + (spot.sample * pass.groups + spot.group) * pass.inner * pass.sources();
  pass.frame.fill(image, pass.inner, origin, frame);
}

// One row of the result from the values of the classes that take turns in it.
template <class T>
void write_row(const Made<T>* made, ptrdiff_t classes, ptrdiff_t channel, ptrdiff_t z, ptrdiff_t y, T* to) {
  ptrdiff_t last = made[classes - 1].count[2];
  const T* from[2];
  for (ptrdiff_t c = 0; c < std::min<ptrdiff_t>(classes, 2); c++)
    from[c] = made[c].values + channel * made[c].channel + z * made[c].depth + y * made[c].row;
  if (classes == 1) {
    memcpy(to, from[0], last * sizeof(T));
  } else if (classes == 2) {
    const T *a = from[0], *b = from[1];
    for (ptrdiff_t j = 0; j < last; j++) to[2 * j] = a[j], to[2 * j + 1] = b[j];
    if (made[0].count[2] > last) to[2 * last] = a[last];
  } else {
    for (ptrdiff_t c = 0; c < classes; c++) {
      const T* a = made[c].values + channel * made[c].channel + z * made[c].depth + y * made[c].row;
      for (ptrdiff_t j = 0; j < made[c].count[2]; j++) to[j * classes + c] = a[j];
    }
  }
}

template <class T>
void write_block(const Pass& pass, const Spot& spot, const Made<T>* made, T* y) {
  ptrdiff_t turns = pass.step[2];
  y += (spot.sample * pass.groups + spot.group) * pass.outer * pass.results();
  for (size_t k = 0; k < pass.classes.size(); k += turns) {
    const Sizes& start = pass.classes[k].start;
    for (ptrdiff_t o = 0; o < pass.outer; o++)
      for (ptrdiff_t z = 0; z < made[k].count[0]; z++)
        for (ptrdiff_t r = 0; r < made[k].count[1]; r++) {
          ptrdiff_t iz = start[0] + (spot.first[0] + z) * pass.step[0], iy = start[1] + (spot.first[1] + r) * pass.step[1];
          ptrdiff_t ix = spot.first[2] * pass.step[2];
          write_row(made + k, turns, o, z, r, y + ((o * pass.result[0] + iz) * pass.result[1] + iy) * pass.result[2] + ix);
        }
  }
}

// Whether a convolution is a product of matrices as they lie in memory: with one tap, and neither strides nor padding, nor
// places that transposed ones add behind the last.
inline bool bare(const Conv& c) {
  for (int i = 0; i < 3; i++)
    if (c.kernel[i] != 1 || c.stride[i] != 1 || c.padding[i] != 0 || c.out[i] != c.size[i]) return false;
  return true;
}

template <class T>
void bare_pass(const Pass& pass, const T* x, const T* w, const T* bias, T* y) {
  Product<T> p;
  p.rows = pass.outer, p.columns = pass.results(), p.depth = pass.inner;
  p.a.data = w, p.a.row = pass.weight_outer, p.a.column = pass.weight_inner;
  p.b.data = x, p.b.row = pass.results(), p.b.column = 1;
  p.start.data = bias, p.start.row = 1, p.start.column = 0;
  for (ptrdiff_t i = 0; i < pass.samples * pass.groups; i++) {
    p.a.offset.push_back(i % pass.groups * pass.inner * pass.outer);
    p.b.offset.push_back(i * pass.inner * pass.results());
    p.start.offset.push_back(i % pass.groups * pass.outer);
  }
  p.c = y;
  multiply(p);
}

template <class T>
void narrow_item(const Pass& pass, const std::vector<Tables>& tables, const std::vector<ptrdiff_t>& rows, const T* x,
                 const T* w, const T* bias, T* y, const Spot& spot) {
  T* frame = scratch<T>(pass.inner * pass.frame.plane + pass.frame.slack, 0);
  fill_frames(pass, spot, x, frame);
  std::vector<Made<T>> made(pass.classes.size());
  std::vector<ptrdiff_t> begin(pass.classes.size());
  ptrdiff_t total = 0;
  for (size_t k = 0; k < made.size(); k++) {
    Made<T>& m = made[k];
    clip(pass, pass.classes[k], spot, m.count);
    m.row = pass.frame.row[1];
    m.channel = whole_vectors<T>(std::max<ptrdiff_t>(0, (m.count[1] - 1) * m.row + m.count[2]));
    m.depth = m.channel * pass.outer;
    begin[k] = total;
    total += m.depth * m.count[0];
  }
  T* values = scratch<T>(total, 1);
  for (size_t k = 0; k < made.size(); k++) {
    Made<T>& m = made[k];
    m.values = values + begin[k];
    for (ptrdiff_t z = 0; z < m.count[0]; z++) {
      T* to = values + begin[k] + z * m.depth;
      for (ptrdiff_t o = 0; o < pass.outer; o++)
        if (bias || tables[k].depth() == 0)
          std::fill_n(to + o * m.channel, m.channel, bias ? bias[spot.group * pass.outer + o] : T(0));
      product<T, false>(pass.outer, m.channel, tables[k].depth(), w, rows.data(), tables[k].weight.data(),
                        frame + z * pass.frame.row[0], tables[k].frame.data(), to, m.channel, bias != nullptr);
    }
  }
  write_block(pass, spot, made.data(), y);
}

// Where the first value of a block goes whose values lie side by side in the result.
template <class T>
T* straight_row(const Pass& pass, const Spot& spot, ptrdiff_t sample, T* y) {
  ptrdiff_t place = (spot.first[0] * pass.result[1] + spot.first[1]) * pass.result[2] + spot.first[2];
  return y + (sample * pass.groups + spot.group) * pass.outer * pass.results() + place;
}

// VECTORS vectors of the sum over taps of weight[tap] * frame[offset[tap]], so far apart in the frame and in the result.
template <int VECTORS, class T>
static void correlate(ptrdiff_t taps, const T* weight, const Class& same, const T* frame, ptrdiff_t apart, T start, T* to,
                      ptrdiff_t apart_to) {
  using V = typename Vec<T>::v;
  using U = typename Vec<T>::u;
  const int32_t *tap = same.tap.data(), *offset = same.offset.data();
  V sum[VECTORS];
#pragma GCC unroll 8
  for (int v = 0; v < VECTORS; v++) sum[v] = V{} + start;
  for (ptrdiff_t t = 0; t < taps; t++) {
    T factor = weight[tap[t]];
#pragma GCC unroll 8
    for (int v = 0; v < VECTORS; v++) sum[v] += factor * *(const U*)(frame + offset[t] + v * apart);
  }
#pragma GCC unroll 8
  for (int v = 0; v < VECTORS; v++) *(U*)(to + v * apart_to) = sum[v];
}

// One channel from one channel, all places of one class: what depthwise convolutions do for every channel.  Rows that fill
// vectors are computed into the result, the last vector of a row overlapping the one before; shorter ones side by side, with
// what is between them.
template <class T>
void single_item(const Pass& pass, const T* x, const T* w, const T* bias, T* y, const Spot& spot) {
  constexpr ptrdiff_t L = Vec<T>::lanes;
  const Frame& f = pass.frame;
  const Class& same = pass.classes[0];
  T* frame = scratch<T>(f.plane + f.slack, 0);
  fill_frames(pass, spot, x, frame);
  Sizes count;
  clip(pass, same, spot, count);
  const ptrdiff_t run = whole_vectors<T>(std::max<ptrdiff_t>(0, (count[1] - 1) * f.row[1] + count[2]));
  const ptrdiff_t taps = (ptrdiff_t)same.tap.size(), across = pass.result[2];
  const T start = bias ? bias[spot.group] : T(0);
  T* values = count[2] < L ? scratch<T>(run, 1) : nullptr;
  for (ptrdiff_t z = 0; z < count[0]; z++) {
    const T* from = frame + z * f.row[0];
    T* to = straight_row(pass, spot, spot.sample, y) + z * pass.result[1] * across;
    if (count[2] >= L) {
      for (ptrdiff_t column = 0; column < count[2]; column += L) {
        const ptrdiff_t p = std::min(column, count[2] - L);
        ptrdiff_t r = 0;
        for (; r + 8 <= count[1]; r += 8)
          correlate<8>(taps, w, same, from + r * f.row[1] + p, f.row[1], start, to + r * across + p, across);
        for (; r < count[1]; r++) correlate<1>(taps, w, same, from + r * f.row[1] + p, 0, start, to + r * across + p, 0);
      }
      continue;
    }
    ptrdiff_t p = 0;
    for (; p + 4 * L <= run; p += 4 * L) correlate<4>(taps, w, same, from + p, L, start, values + p, L);
    for (; p < run; p += L) correlate<1>(taps, w, same, from + p, L, start, values + p, L);
    copy_rows(values, f.row[1], 1, count[1], count[2], to, across);
  }
}

template <class T>
void narrow(const Pass& pass, const T* x, const T* w, const T* bias, T* y) {
  std::vector<Tables> tables;
  for (const Class& same : pass.classes) tables.emplace_back(pass, same);
  std::vector<ptrdiff_t> rows(pass.outer);
  for (ptrdiff_t o = 0; o < pass.outer; o++) rows[o] = o * pass.weight_outer;
  ptrdiff_t items = pass.samples * pass.groups * pass.blocks[0] * pass.blocks[1] * pass.blocks[2];
  ptrdiff_t work = pass.inner * pass.outer * pass.taps * pass.block[0] * pass.block[1] * pass.block[2];
  ptrdiff_t chunk = 1 + TASK_WORK / (work + 1), weights = pass.inner * pass.outer * pass.taps;
  bool single = pass.inner == 1 && pass.outer == 1 && pass.classes.size() == 1;
  parallel_for(ceil_div(items, chunk), [&](ptrdiff_t task) {
    for (ptrdiff_t i = task * chunk; i < std::min(items, (task + 1) * chunk); i++) {
      Spot spot = spot_of(pass, i);
      if (single)
        single_item(pass, x, w + spot.group * weights, bias, y, spot);
      else
        narrow_item(pass, tables, rows, x, w + spot.group * weights, bias, y, spot);
    }
  });
}

// The weights of one class and group as panels of outer channels, zeros where the last vector has no channel.
template <class T>
void pack(const Pass& pass, const Tables& table, const T* w, T* to) {
  constexpr ptrdiff_t L = Vec<T>::lanes;
  const ptrdiff_t columns = whole_vectors<T>(pass.outer), depth = table.depth(), per = 1 + PIECE / (columns + 1);
  parallel_for(pieces(depth, per), [&](ptrdiff_t task) {
    for (ptrdiff_t j = 0; j < columns;) {
      ptrdiff_t width = panel_vectors((columns - j) / L) * L, have = std::min(width, pass.outer - j);
      for (ptrdiff_t k = task * per; k < std::min(depth, (task + 1) * per); k++) {
        const T* from = w + j * pass.weight_outer + table.weight[k];
        T* row = to + j * depth + k * width;
        for (ptrdiff_t o = 0; o < have; o++) row[o] = from[o * pass.weight_outer];
        for (ptrdiff_t o = have; o < width; o++) row[o] = 0;
      }
      j += width;
    }
  });
}

// Samples of one group side by side: one product for several small images.
template <class T>
void wide_item(const Pass& pass, const std::vector<Tables>& tables, const std::vector<const T*>& packed, const T* x,
               const T* bias, T* y, Spot spot, ptrdiff_t samples) {
  ptrdiff_t columns = whole_vectors<T>(pass.outer), whole = pass.inner * pass.frame.plane + pass.frame.slack;
  ptrdiff_t most = pass.block[0] * pass.block[1] * pass.block[2], first = spot.sample;
  T* frame = scratch<T>(whole * samples, 0);
  for (ptrdiff_t s = 0; s < samples; s++) {
    spot.sample = first + s;
    fill_frames(pass, spot, x, frame + s * whole);
  }
  T* sums = scratch<T>(most * samples * columns, 1);
  T* turned = scratch<T>(most * samples * pass.outer * (ptrdiff_t)pass.classes.size(), 2);
  std::vector<Made<T>> made(pass.classes.size() * samples);
  std::vector<ptrdiff_t> rows;
  bool straight = pass.classes.size() == 1 && pass.blocks[2] == 1 && (pass.blocks[1] == 1 || pass.block[0] == 1);
  for (size_t k = 0; k < pass.classes.size(); k++) {
    Sizes count;
    ptrdiff_t places = clip(pass, pass.classes[k], spot, count), all = places * samples;
    rows.clear();
    for (ptrdiff_t s = 0; s < samples; s++)
      for (ptrdiff_t z = 0; z < count[0]; z++)
        for (ptrdiff_t r = 0; r < count[1]; r++)
          for (ptrdiff_t c = 0; c < count[2]; c++)
            rows.push_back(s * whole + z * pass.frame.step[0] * pass.frame.row[0] +
                           r * pass.frame.step[1] * pass.frame.row[1] + c * pass.frame.step[2]);
    bool preset = bias != nullptr || tables[k].depth() == 0;
    if (preset)
      for (ptrdiff_t p = 0; p < all; p++)
        for (ptrdiff_t o = 0; o < columns; o++)
          sums[p * columns + o] = bias && o < pass.outer ? bias[spot.group * pass.outer + o] : T(0);
    product<T, true>(all, columns, tables[k].depth(), frame, rows.data(), tables[k].frame.data(), packed[k], nullptr, sums,
                     columns, preset);
    if (straight) {
      for (ptrdiff_t s = 0; s < samples; s++)
        transpose_block(sums + s * places * columns, columns, straight_row(pass, spot, first + s, y), pass.results(), places,
                        pass.outer);
      return;
    }
    T* to = turned + k * most * samples * pass.outer;
    transpose_block(sums, columns, to, all, all, pass.outer);
    for (ptrdiff_t s = 0; s < samples; s++) {
      Made<T>& m = made[s * pass.classes.size() + k];
      m.values = to + s * places, m.channel = all, m.depth = count[1] * count[2], m.row = count[2];
      std::copy(count, count + 3, m.count);
    }
  }
  for (ptrdiff_t s = 0; s < samples; s++) {
    spot.sample = first + s;
    write_block(pass, spot, made.data() + s * pass.classes.size(), y);
  }
}

template <class T>
void wide(const Pass& pass, const T* x, const T* w, const T* bias, T* y) {
  std::vector<Tables> tables;
  ptrdiff_t columns = whole_vectors<T>(pass.outer), depth = 0;
  for (const Class& same : pass.classes) {
    tables.emplace_back(pass, same);
    depth += tables.back().depth();
  }
  Loan<T> memory(pass.groups * depth * columns);
  T* base = memory.data;
  ptrdiff_t weights = pass.inner * pass.outer * pass.taps;
  std::vector<std::vector<const T*>> packed(pass.groups);
  for (ptrdiff_t g = 0; g < pass.groups; g++)
    for (const Tables& table : tables) {
      packed[g].push_back(base);
      pack(pass, table, w + g * weights, base);
      base += table.depth() * columns;
    }
  ptrdiff_t places = pass.block[0] * pass.block[1] * pass.block[2];
  ptrdiff_t per = pass.groups * pass.blocks[0] * pass.blocks[1] * pass.blocks[2];
  ptrdiff_t together = places >= 128 ? 1 : std::min(ceil_div(128, places), ceil_div(pass.samples, 4));
  ptrdiff_t lots = ceil_div(pass.samples, together), items = lots * per;
  ptrdiff_t chunk = 1 + TASK_WORK / (pass.inner * pass.outer * pass.taps * places * together + 1);
  parallel_for(ceil_div(items, chunk), [&](ptrdiff_t task) {
    for (ptrdiff_t i = task * chunk; i < std::min(items, (task + 1) * chunk); i++) {
      Spot spot = spot_of(pass, i);
      spot.sample *= together;
      wide_item(pass, tables, packed[spot.group], x, bias, y, spot, std::min(together, pass.samples - spot.sample));
    }
  });
}

// Whether vectors over outer channels are fuller than vectors over places, and the tile nearer to its full size.
template <class T>
bool prefers_wide(const Pass& pass, bool strided) {
  ptrdiff_t vectors = whole_vectors<T>(pass.outer) / Vec<T>::lanes;
  if (pass.outer * 2 < Vec<T>::lanes) return false;
  double channels = (double)pass.outer / (vectors * Vec<T>::lanes) * (vectors == 1 ? 0.7 : vectors % 2 ? 1.0 : 0.95);
  ptrdiff_t run = (std::min(pass.block[1], pass.result[1]) - 1) * pass.frame.row[1] + pass.block[2];
  double places = (double)(pass.block[1] * pass.block[2]) / whole_vectors<T>(run);
  return (strided ? 1.3 : 1.0) * channels * (pass.inner * pass.taps >= 48 ? 1.0 : 0.8) > places;
}

inline bool any_stride(const Conv& c) { return c.stride[0] > 1 || c.stride[1] > 1 || c.stride[2] > 1; }

template <class T>
void conv_forward(const Conv& c, const T* x, const T* w, const T* bias, T* y) {
  Pass pass = forward_pass(c, true, sizeof(T), FRAME_BYTES);
  if (bare(c))
    bare_pass(pass, x, w, bias, y);
  else if (prefers_wide<T>(pass, any_stride(c)))
    wide(forward_pass(c, false, sizeof(T), FRAME_BYTES), x, w, bias, y);
  else
    narrow(pass, x, w, bias, y);
}

template <class T>
void conv_grad_input(const Conv& c, const T* grad, const T* w, T* gx) {
  Pass pass = input_pass(c, sizeof(T), FRAME_BYTES);
  if (bare(c))
    bare_pass<T>(pass, grad, w, nullptr, gx);
  else if (prefers_wide<T>(pass, false))
    wide<T>(pass, grad, w, nullptr, gx);
  else
    narrow<T>(pass, grad, w, nullptr, gx);
}

}  // namespace wengert::arrays
