// Random numbers and the largest elements as the door sees them.
#pragma once
#include "coins.h"
#include "door.h"
#include "random.h"
#include "select.h"

namespace wengert::arrays {

inline void enter_mt_seed(const Args& a) { mt_seed((uint32_t)a.number[0], a.at<uint32_t>(0)); }
inline void enter_mt_temper(const Args& a) { mt_temper(a.at<uint32_t>(0), a.at<uint32_t>(1)); }
inline void enter_mt_words(const Args& a) { mt_words(a.number[0], a.at<uint32_t>(0), a.at<uint32_t>(1)); }

// Arrays out, words; n, whether from 0 to 1; low, high.
template <class T>
void enter_uniforms(const Args& a) {
  uniforms(a.number[0], a.at<uint32_t>(1), a.number[1] != 0, a.real[0], a.real[1], a.at<T>(0));
}

template <class T>
void enter_normals(const Args& a) {
  normals(a.number[0], a.real[0], a.real[1], a.at<T>(0));
}

template <class T>
void enter_exponentials(const Args& a) {
  exponentials(a.number[0], a.real[0], a.at<uint32_t>(1), a.at<T>(0));
}

// Arrays mask, state, x and out (or none); n, words used; p, value.
template <class T>
void enter_coins(const Args& a) {
  coins<T>(a.number[0], a.at<uint32_t>(1), a.number[1], a.real[0], (T)a.real[1], a.at<T>(0), a.at<T>(2), a.at<T>(3));
}

inline void enter_shuffle(const Args& a) {
  shuffle(a.number[0], a.number[1], a.number[2], a.at<uint32_t>(1), a.at<int64_t>(0));
}

// Arrays weights, uniforms, found; rows, n, samples.
template <class T>
void enter_search_weights(const Args& a) {
  search_weights(a.number[0], a.number[1], a.number[2], a.at<T>(0), a.at<double>(1), a.at<int64_t>(2));
}

// Arrays x, values, places; rows, n, k, whether the largest.
template <class T>
void enter_top_rows(const Args& a) {
  if (a.number[3])
    top_rows<true, T>(a.number[0], a.number[1], a.number[2], a.at<T>(0), a.at<T>(1), a.at<int64_t>(2));
  else
    top_rows<false, T>(a.number[0], a.number[1], a.number[2], a.at<T>(0), a.at<T>(1), a.at<int64_t>(2));
}

// Arrays x, values (or none), places; outer, n, inner, whether the largest.
template <class T>
void enter_extreme(const Args& a) {
  if (a.number[3])
    extreme<true, T>(a.number[0], a.number[1], a.number[2], a.at<T>(0), a.at<T>(1), a.at<int64_t>(2));
  else
    extreme<false, T>(a.number[0], a.number[1], a.number[2], a.at<T>(0), a.at<T>(1), a.at<int64_t>(2));
}

constexpr Entry random_entries[] = {
    {"mt_seed", 1, 1, 0, nullptr, nullptr, enter_mt_seed},
    {"mt_temper", 2, 0, 0, nullptr, nullptr, enter_mt_temper},
    {"mt_words", 2, 1, 0, nullptr, nullptr, enter_mt_words},
    {"uniforms", 2, 2, 2, WENGERT_FLOATS(enter_uniforms)},
    {"normals", 1, 1, 2, WENGERT_FLOATS(enter_normals)},
    {"exponentials", 2, 1, 1, WENGERT_FLOATS(enter_exponentials)},
    {"coins", 4, 2, 2, WENGERT_WORDS(enter_coins), enter_coins<int8_t>},
    {"shuffle", 2, 3, 0, nullptr, nullptr, nullptr, enter_shuffle},
    {"search_weights", 3, 3, 0, WENGERT_FLOATS(enter_search_weights)},
    {"top_rows", 3, 4, 0, WENGERT_WORDS(enter_top_rows)},
    {"extreme", 3, 4, 0, WENGERT_WORDS(enter_extreme)},
};

}  // namespace wengert::arrays
