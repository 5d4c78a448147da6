// Distances as the door sees them.
#pragma once
#include "distances.h"
#include "door.h"

namespace wengert::arrays {

// Arrays x, y, out; matrices, rows of x, rows of y, features, order (1 or 2).
template <class T>
void enter_distances(const Args& a) {
  auto run = a.number[4] == 2 ? distances<2, T> : distances<1, T>;
  run(a.number[0], a.number[1], a.number[2], a.number[3], a.at<T>(0), a.at<T>(1), a.at<T>(2));
}

// Arrays x, y, weight, out; as before, then the distances of rows and of columns of the weight.
template <class T>
void enter_distance_sums(const Args& a) {
  auto run = a.number[4] == 2 ? distance_sums<2, T> : distance_sums<1, T>;
  run(a.number[0], a.number[1], a.number[2], a.number[3], a.number[5], a.number[6], a.at<T>(0), a.at<T>(1), a.at<T>(2),
      a.at<T>(3));
}

constexpr Entry distance_entries[] = {
    {"distances", 3, 5, 0, WENGERT_FLOATS(enter_distances)},
    {"distance_sums", 4, 7, 0, WENGERT_FLOATS(enter_distance_sums)},
};

}  // namespace wengert::arrays
