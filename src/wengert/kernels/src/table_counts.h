// Histograms, orders, runs, margins and triangles as the door sees them.
#pragma once
#include "bytes.h"
#include "counts.h"
#include "door.h"
#include "order.h"
#include "search.h"
#include "whole_sums.h"

namespace wengert::arrays {

// Arrays x, edges, counts; elements, bins.
template <class T>
void enter_histogram(const Args& a) {
  histogram<T>(a.number[0], a.number[1], a.at<T>(0), a.at<T>(1), a.at<int64_t>(2));
}

// Arrays x, mask, out.
template <class T>
void enter_where_true(const Args& a) {
  where_true<T>(PyArray_SIZE(a.source[0]), a.at<T>(0), a.at<bool>(1), a.at<T>(2));
}

// Arrays x, out; outer, n, inner.
template <class T>
void enter_whole_sums(const Args& a) {
  whole_sums<T>(a.number[0], a.number[1], a.number[2], a.at<T>(0), a.at<int64_t>(1));
}

// Array x; the numbers from and to before which all elements lie, or else an IndexError follows.
template <class T>
void enter_check_between(const Args& a) {
  check_between<T>(PyArray_SIZE(a.source[0]), a.number[0], a.number[1], a.at<T>(0), a.bad_index);
}

// Arrays rows, values, out; rows, elements and values of each, whether behind equal elements.
template <class T>
void enter_look_up(const Args& a) {
  const ptrdiff_t* n = a.number;
  (n[3] ? look_up<true, T> : look_up<false, T>)(n[0], n[1], n[2], a.at<T>(0), a.at<T>(1), a.at<int64_t>(2));
}

// Arrays mask, out; dimensions, rows, columns, the sizes of the first seven dimensions.
inline void enter_true_places(const Args& a) {
  const ptrdiff_t* n = a.number;
  true_places(n[0], n[1], n[2], n + 3, a.at<bool>(0), a.at<int64_t>(1));
}

// Arrays x, target, chosen, loss, slope; rows, columns.
template <class T>
void enter_label_margins(const Args& a) {
  label_margins<T>(a.number[0], a.number[1], a.at<T>(0), a.at<int64_t>(1), a.at<T>(2), a.at<T>(3), a.at<T>(4), a.bad_index);
}

// Arrays x, out; matrices, rows, columns, bytes of an element, the diagonal, whether the upper triangle.
inline void enter_triangle(const Args& a) {
  const ptrdiff_t* n = a.number;
  triangle(n[0], n[1], n[2], n[3], n[4], n[5] != 0, a.at<char>(0), a.at<char>(1));
}

// Arrays x, values, places; rows, columns, whether the largest come first.
template <class T>
void enter_sort_rows(const Args& a) {
  sort_rows<T>(a.number[0], a.number[1], a.number[2] != 0, a.at<T>(0), a.at<T>(1), a.at<int64_t>(2));
}

constexpr Entry count_entries[] = {
    {"histogram", 3, 2, 0, WENGERT_FLOATS(enter_histogram)},
    {"where_true", 3, 0, 0, WENGERT_WORDS(enter_where_true), enter_where_true<uint8_t>},
    {"whole_sums", 2, 3, 0, nullptr, nullptr, enter_whole_sums<int32_t>, enter_whole_sums<int64_t>, enter_whole_sums<uint8_t>},
    {"check_between", 1, 2, 0, nullptr, nullptr, enter_check_between<int32_t>, enter_check_between<int64_t>},
    {"look_up", 3, 4, 0, WENGERT_WORDS(enter_look_up)},
    {"sort_rows", 3, 3, 0, WENGERT_WORDS(enter_sort_rows)},
    {"true_places", 2, 10, 0, nullptr, nullptr, nullptr, nullptr, enter_true_places},
    {"label_margins", 5, 2, 0, WENGERT_FLOATS(enter_label_margins)},
    {"triangle", 2, 6, 0, WENGERT_ANY(enter_triangle)},
};

}  // namespace wengert::arrays
