// Memory that is cleared or copied, by all threads.
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

inline void copy_bytes(ptrdiff_t n, const char* x, char* out) {
  parallel_for((n + STRETCH - 1) / STRETCH, [&](ptrdiff_t i) {
    memcpy(out + i * STRETCH, x + i * STRETCH, std::min(STRETCH, n - i * STRETCH));
  });
}

}  // namespace wengert::arrays
