// Sampling at points as the door sees it.
#pragma once
#include "door.h"
#include "grid.h"

namespace wengert::arrays {

inline Grid grid_of(const Args& a) {
  const ptrdiff_t* n = a.number;
  return {n[0], n[1], n[2], n[3], n[4], (int)n[5], (int)n[6], n[7] != 0};
}

// Samples, channels, height, width, points, mode, padding, whether corners are aligned; arrays image, points, out.
template <class T>
void enter_grid_sample(const Args& a) {
  grid_sample<T>(grid_of(a), a.at<T>(0), a.at<T>(1), a.at<T>(2));
}

// Arrays grad, image, points, out.
template <class T>
void enter_grid_sample_points(const Args& a) {
  grid_sample_points<T>(grid_of(a), a.at<T>(0), a.at<T>(1), a.at<T>(2), a.at<T>(3));
}

// Arrays grad, points, out.
template <class T>
void enter_grid_sample_image(const Args& a) {
  grid_sample_image<T>(grid_of(a), a.at<T>(0), a.at<T>(1), a.at<T>(2));
}

constexpr Entry grid_entries[] = {
    {"grid_sample", 3, 8, 0, WENGERT_FLOATS(enter_grid_sample)},
    {"grid_sample_points", 4, 8, 0, WENGERT_FLOATS(enter_grid_sample_points)},
    {"grid_sample_image", 3, 8, 0, WENGERT_FLOATS(enter_grid_sample_image)},
};

}  // namespace wengert::arrays
