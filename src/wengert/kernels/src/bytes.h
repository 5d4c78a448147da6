// Memory that is cleared, and copied in part, by all threads.
#pragma once
#include <algorithm>
#include <cstring>

#include "pool.h"

namespace wengert::arrays {

constexpr ptrdiff_t STRETCH = 1 << 16;  // bytes, as many as a piece of float32 has elsewhere: threads keep their part

inline void clear_bytes(ptrdiff_t n, char* out) {
  parallel_for((n + STRETCH - 1) / STRETCH, [&](ptrdiff_t i) {
    memset(out + i * STRETCH, 0, std::min(STRETCH, n - i * STRETCH));
  });
}

// One triangle of matrices of elements of so many bytes, 0 beside it: columns from row + diagonal on, or up to there.
inline void triangle(ptrdiff_t count, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t bytes, ptrdiff_t diagonal, bool upper,
                     const char* x, char* out) {
  in_pieces(count * rows, columns, [=](ptrdiff_t r) {
    const ptrdiff_t at = std::clamp<ptrdiff_t>(r % rows + diagonal + !upper, 0, columns) * bytes, all = columns * bytes;
    const char* from = x + r * all;
    char* to = out + r * all;
    memcpy(upper ? to + at : to, upper ? from + at : from, upper ? all - at : at);
    memset(upper ? to : to + at, 0, upper ? at : all - at);
  });
}

}  // namespace wengert::arrays
