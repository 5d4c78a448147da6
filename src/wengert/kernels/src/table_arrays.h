// Pooling, rows by number, normalisation, sums and running sums as the door sees them.
#pragma once
#include <limits>

#include "borders.h"
#include "bytes.h"
#include "casts.h"
#include "door.h"
#include "norms.h"
#include "pooling.h"
#include "ramps.h"
#include "reduce.h"
#include "rows.h"
#include "scan.h"
#include "softmax.h"
#include "strided.h"

namespace wengert::arrays {

// planes; then depth, height, width of size, out, kernel, stride, padding, dilation.
inline Pooling pooling_of(const Args& args) {
  Pooling g;
  g.planes = args.number[0];
  ptrdiff_t* sizes[6] = {g.size, g.out, g.kernel, g.stride, g.padding, g.dilation};
  for (int i = 0; i < 6; i++)
    for (int d = 0; d < 3; d++) sizes[i][d] = args.number[1 + 3 * i + d];
  return g;
}

template <class T>
void enter_max_pool(const Args& a) {
  max_pool<T>(pooling_of(a), a.at<T>(0), a.at<T>(1), a.at<int64_t>(2));
}

template <class T>
void enter_max_parts(const Args& a) {
  max_parts<T>(pooling_of(a), a.at<T>(0), a.at<T>(1), a.at<int64_t>(2));
}

template <class T>
void enter_mean_parts(const Args& a) {
  mean_parts<T>(pooling_of(a), a.at<T>(0), a.at<T>(1));
}

template <class T>
void enter_mean_parts_backward(const Args& a) {
  mean_parts_backward<T>(pooling_of(a), a.at<T>(0), a.at<T>(1));
}

template <class T>
void enter_put_back(const Args& a) {
  put_back<T>(a.number[0], a.number[1], a.number[2], a.at<T>(0), a.at<int64_t>(1), a.at<T>(2), a.bad_index);
}

// After the pooling: whether the padding counts, and the divisor given, or 0.
template <class T>
void enter_avg_pool(const Args& a) {
  avg_pool<T>(pooling_of(a), a.number[19] != 0, a.number[20], a.at<T>(0), a.at<T>(1));
}

template <class T>
void enter_avg_pool_backward(const Args& a) {
  avg_pool_backward<T>(pooling_of(a), a.number[19] != 0, a.number[20], a.at<T>(0), a.at<T>(1));
}

// Arrays table, index, out; rows, bytes of a row, and rows of the table.
inline void enter_take_rows(const Args& a) {
  take_rows(a.number[0], a.number[1], a.number[2], a.at<char>(0), a.at<int64_t>(1), a.at<char>(2), a.bad_index);
}

// Arrays rows, index, target; rows, their width, and those of the target.
template <class T>
void enter_add_rows(const Args& a) {
  add_rows<T>(a.number[0], a.number[1], a.number[2], a.at<int64_t>(1), a.at<T>(0), a.at<T>(2), a.bad_index);
}

// Arrays x, index, out; outer, n, size, inner.
template <class T>
void enter_gather(const Args& a) {
  gather<T>(a.number[0], a.number[1], a.number[2], a.number[3], a.at<T>(0), a.at<int64_t>(1), a.at<T>(2), a.bad_index);
}

// Arrays x, index, factors, products (or none), out; outer, n, inner, step of the factors.
template <class T>
void enter_picked_sum(const Args& a) {
  const ptrdiff_t* n = a.number;
  picked_sum<T>(n[0], n[1], n[2], n[3], a.at<T>(0), a.at<int64_t>(1), a.at<T>(2), a.at<T>(3), a.at<T>(4), a.bad_index);
}

// Arrays source, index, target; outer, n, size, inner, step of the source, and how elements are joined.
template <class T>
void enter_scatter(const Args& a) {
  const ptrdiff_t* n = a.number;
  constexpr decltype(&scatter<WRITE, T>) all[] = {scatter<WRITE, T>, scatter<ADD, T>, scatter<MULTIPLY, T>, scatter<LARGER, T>,
                                                  scatter<SMALLER, T>};
  all[n[5]](n[0], n[1], n[2], n[3], n[4], a.at<T>(0), a.at<int64_t>(1), a.at<T>(2), a.bad_index);
}

// Arrays table, index, starts, ends, factors (or none), out; bags, width, rows of the table, the one that does not count.
template <class T>
void enter_bag_sums(const Args& a) {
  bag_sums<T>(a.number[0], a.number[1], a.number[2], a.number[3], a.at<T>(0), a.at<int64_t>(1), a.at<int64_t>(2),
              a.at<int64_t>(3), a.at<T>(4), a.at<T>(5), a.bad_index);
}

// Arrays x, index, weight, out; outer, old size, new size, taps, inner.
template <class T>
void enter_weighted_rows(const Args& a) {
  const ptrdiff_t* n = a.number;
  weighted_rows<T>(n[0], n[1], n[2], n[3], n[4], a.at<T>(0), a.at<int64_t>(1), a.at<T>(2), a.at<T>(3), a.bad_index);
}

// Arrays x, out; reduction, outer, n, inner.
template <class T>
void enter_reduce(const Args& a) {
  const ptrdiff_t* n = a.number;
  reduce_middle<T>(n[0], n[1], n[2], n[3], a.at<T>(0), a.at<T>(1));
}

// Arrays x, weight, bias, y, mean, variance, scale; rows, columns; eps.
template <class T>
void enter_normalize_rows(const Args& a) {
  normalize_rows<T>(a.number[0], a.number[1], a.real[0], a.at<T>(0), a.at<T>(1), a.at<T>(2), a.at<T>(3), a.at<T>(4),
                    a.at<T>(5), a.at<T>(6));
}

// Arrays grad, x, weight, mean, scale, slope, slopes of weight and bias (or none); rows, columns.
template <class T>
void enter_normalize_rows_slopes(const Args& a) {
  normalize_rows_slopes<T>(a.number[0], a.number[1], a.at<T>(0), a.at<T>(1), a.at<T>(2), a.at<T>(3), a.at<T>(4), a.at<T>(5),
                           a.at<T>(6), a.at<T>(7));
}

// Arrays x, weight, bias (or none), y, mean, variance, scale; samples, groups, channels of a group, their size; eps.
template <class T>
void enter_normalize_groups(const Args& a) {
  const ptrdiff_t* n = a.number;
  normalize_groups<T>(n[0], n[1], n[2], n[3], a.real[0], a.at<T>(0), a.at<T>(1), a.at<T>(2), a.at<T>(3), a.at<T>(4), a.at<T>(5),
                      a.at<T>(6));
}

// Arrays grad, x, weight (or none), mean, scale, slope, shares of the slopes of weight and bias; numbers as before.
template <class T>
void enter_normalize_groups_slopes(const Args& a) {
  const ptrdiff_t* n = a.number;
  normalize_groups_slopes<T>(n[0], n[1], n[2], n[3], a.at<T>(0), a.at<T>(1), a.at<T>(2), a.at<T>(3), a.at<T>(4), a.at<T>(5),
                             a.at<T>(6), a.at<T>(7));
}

// Planes, their height and width, those of the new planes, first and end; places of rows and columns are two more arrays.
inline Borders borders_of(const Args& a, int rows) {
  const ptrdiff_t* n = a.number;
  return {n[0], n[1], n[2], n[3], n[4], n[5], n[6], a.at<int64_t>(rows), a.at<int64_t>(rows + 1)};
}

// Arrays x, out, places of rows, places of columns; see borders_of; the number to fill with.
template <class T>
void enter_bordered(const Args& a) {
  bordered<T>(borders_of(a, 2), static_cast<T>(a.real[0]), a.at<T>(0), a.at<T>(1));
}

template <class T>
void enter_bordered_slope(const Args& a) {
  bordered_slope<T>(borders_of(a, 2), a.at<T>(0), a.at<T>(1));
}

// Arrays x, y; rows, columns.
template <class T>
void enter_softmax_rows(const Args& a) {
  softmax_rows<T>(a.number[0], a.number[1], a.at<T>(0), a.at<T>(1));
}

template <class T>
void enter_logsumexp_rows(const Args& a) {
  logsumexp_rows<T>(a.number[0], a.number[1], a.at<T>(0), a.at<T>(1));
}

template <class T>
void enter_log_softmax_rows(const Args& a) {
  log_softmax_rows<T>(a.number[0], a.number[1], a.at<T>(0), a.at<T>(1));
}

// Arrays grad, y, slope; rows, columns.
template <class T>
void enter_softmax_rows_slope(const Args& a) {
  softmax_rows_slope<T>(a.number[0], a.number[1], a.at<T>(0), a.at<T>(1), a.at<T>(2));
}

template <class T>
void enter_log_softmax_rows_slope(const Args& a) {
  log_softmax_rows_slope<T>(a.number[0], a.number[1], a.at<T>(0), a.at<T>(1), a.at<T>(2));
}

// Arrays x, y; outer, n, inner, and whether the logarithm.
template <class T>
void enter_softmax_columns(const Args& a) {
  (a.number[3] ? softmax_columns<true, T> : softmax_columns<false, T>)(a.number[0], a.number[1], a.number[2], a.at<T>(0),
                                                                       a.at<T>(1));
}

// Arrays grad, y, slope; the same numbers.
template <class T>
void enter_softmax_columns_slope(const Args& a) {
  (a.number[3] ? softmax_columns_slope<true, T> : softmax_columns_slope<false, T>)(
      a.number[0], a.number[1], a.number[2], a.at<T>(0), a.at<T>(1), a.at<T>(2));
}

// Arrays x, mean, rest, spread; rows, columns.
template <class T>
void enter_column_moments(const Args& a) {
  column_moments<T>(a.number[0], a.number[1], a.at<T>(0), a.at<T>(1), a.at<T>(2), a.at<T>(3));
}

// Arrays y, places, values, slope; rows, columns.
template <class T>
void enter_log_softmax_rows_slope_picked(const Args& a) {
  log_softmax_rows_slope_picked<T>(a.number[0], a.number[1], a.at<T>(0), a.at<int64_t>(1), a.at<T>(2), a.at<T>(3),
                                   a.bad_index);
}

// Arrays x, out; outer, n, inner, whether from the end.
template <class Op, class T>
void enter_scan(const Args& a) {
  scan<Op, T>(a.number[0], a.number[1], a.number[2], a.number[3] != 0, a.at<T>(0), a.at<T>(1));
}

#define WENGERT_SCANS(Op) enter_scan<Op, float>, enter_scan<Op, double>

// Arrays x, values, places; outer, n, inner, whether the largest.
template <class T>
void enter_running_extreme(const Args& a) {
  const ptrdiff_t* n = a.number;
  (n[3] ? running_extreme<true, T> : running_extreme<false, T>)(n[0], n[1], n[2], a.at<T>(0), a.at<T>(1), a.at<int64_t>(2));
}

constexpr Entry array_entries[] = {
    {"max_pool", 3, 19, 0, WENGERT_FLOATS(enter_max_pool)},
    {"max_parts", 3, 19, 0, WENGERT_FLOATS(enter_max_parts)},
    {"mean_parts", 2, 19, 0, WENGERT_FLOATS(enter_mean_parts)},
    {"mean_parts_backward", 2, 19, 0, WENGERT_FLOATS(enter_mean_parts_backward)},
    {"put_back", 3, 3, 0, WENGERT_FLOATS(enter_put_back)},
    {"avg_pool", 2, 21, 0, WENGERT_FLOATS(enter_avg_pool)},
    {"avg_pool_backward", 2, 21, 0, WENGERT_FLOATS(enter_avg_pool_backward)},
    {"join_rows", 1 + BESIDE, 1 + BESIDE, 0, WENGERT_WORDS(enter_join_rows), enter_join_rows<uint8_t>},
    {"copy_strided", 2, 0, 0, WENGERT_WORDS(enter_copy_strided), enter_copy_strided<uint8_t>, true},
    {"ramp", 1, 2, 2, WENGERT_FLOATS(enter_ramp)},
    {"cast", 2, 0, 0, WENGERT_WORDS(enter_cast), enter_cast<bool>},
    {"to_half", 2, 0, 0, TURNS_HALVES ? enter_to_half : nullptr},
    {"from_half", 2, 0, 0, TURNS_HALVES ? enter_from_half : nullptr},
    {"take_rows", 3, 3, 0, WENGERT_ANY(enter_take_rows)},
    {"add_rows", 3, 3, 0, WENGERT_WORDS(enter_add_rows)},
    {"gather", 3, 4, 0, WENGERT_WORDS(enter_gather)},
    {"picked_sum", 5, 4, 0, WENGERT_FLOATS(enter_picked_sum)},
    {"scatter", 3, 6, 0, WENGERT_WORDS(enter_scatter)},
    {"bag_sums", 6, 4, 0, WENGERT_FLOATS(enter_bag_sums)},
    {"weighted_rows", 4, 5, 0, WENGERT_FLOATS(enter_weighted_rows)},
    {"reduce", 2, 4, 0, WENGERT_FLOATS(enter_reduce)},
    {"normalize_rows", 7, 2, 1, WENGERT_FLOATS(enter_normalize_rows)},
    {"normalize_rows_slopes", 8, 2, 0, WENGERT_FLOATS(enter_normalize_rows_slopes)},
    {"normalize_groups", 7, 4, 1, WENGERT_FLOATS(enter_normalize_groups)},
    {"normalize_groups_slopes", 8, 4, 0, WENGERT_FLOATS(enter_normalize_groups_slopes)},
    {"bordered", 4, 7, 1, WENGERT_WORDS(enter_bordered)},
    {"bordered_slope", 4, 7, 0, WENGERT_FLOATS(enter_bordered_slope)},
    {"softmax_rows", 2, 2, 0, WENGERT_FLOATS(enter_softmax_rows)},
    {"logsumexp_rows", 2, 2, 0, WENGERT_FLOATS(enter_logsumexp_rows)},
    {"softmax_rows_slope", 3, 2, 0, WENGERT_FLOATS(enter_softmax_rows_slope)},
    {"log_softmax_rows", 2, 2, 0, WENGERT_FLOATS(enter_log_softmax_rows)},
    {"log_softmax_rows_slope", 3, 2, 0, WENGERT_FLOATS(enter_log_softmax_rows_slope)},
    {"log_softmax_rows_slope_picked", 4, 2, 0, WENGERT_FLOATS(enter_log_softmax_rows_slope_picked)},
    {"softmax_columns", 2, 4, 0, WENGERT_FLOATS(enter_softmax_columns)},
    {"softmax_columns_slope", 3, 4, 0, WENGERT_FLOATS(enter_softmax_columns_slope)},
    {"column_moments", 4, 2, 0, WENGERT_FLOATS(enter_column_moments)},
    {"running_sum", 2, 4, 0, WENGERT_SCANS(Plus), nullptr, enter_scan<Plus, int64_t>},
    {"running_product", 2, 4, 0, WENGERT_SCANS(Times), nullptr, enter_scan<Times, int64_t>},
    {"running_logsumexp", 2, 4, 0, WENGERT_SCANS(LogPlus)},
    {"running_extreme", 3, 4, 0, WENGERT_FLOATS(enter_running_extreme)},
};

}  // namespace wengert::arrays
