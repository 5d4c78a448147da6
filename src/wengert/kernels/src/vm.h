// A register machine for fused elementwise and row programs.
//
// A program computes outputs from inputs that are broadcast to one frame, row dimensions first, then column dimensions.
// Its values are vectors (one number per column) or scalars (one per row).  It runs block by block, so that registers stay
// in the first-level cache:
//   flat     no reduction: blocks of FLAT_BYTES;
//   whole    with reductions over rows of up to WHOLE_ROW columns: registers hold a row;
//   staged   with reductions over longer rows: one pass over the blocks per level of reductions, values computed again in
//            each pass rather than stored.
// Pieces and partial sums are the same for any number of threads.  The state of a call is on the stack or in scratch memory
// of the thread: programs are shared and never written to.  How the Python side makes programs: kernels/tracing.py.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "log.h"
#include "pool.h"
#include "rests.h"
#include "special.h"
#include "trig.h"
#include "vectors.h"
#include "vmath.h"

namespace wengert {

constexpr int MAX_DIMS = 8, MAX_OPERANDS = 16, MAX_SLOTS = 128;
constexpr Index FLAT_BYTES = 4096;    // of a register of a flat program
constexpr Index FINE_BYTES = 1024;    // of one that reads from several places in memory, see block_bytes
constexpr Index ROOM = 1024;          // behind a register of gathered elements, see fill_vectors
constexpr Index LONG_COLUMNS = 1 << 16;
constexpr Index WHOLE_ROW = 8192;     // columns: longer rows go in stages
constexpr Index ACCUMULATORS = 16;    // partial column sums of a call, at most
constexpr Index FEW_ROWS = 64;        // whose column sums are added up in the dtype

template <class T> T clamped(T x, T low, T high) {
  x = (x < low) | (low != low) ? low : x;
  return (x > high) | (high != high) ? high : x;
}
template <class T> WENGERT_INLINE T sign(T x) { return x != x ? x : T(x > 0) - T(x < 0); }
// Half the square, and beyond the limit its tangent.
template <class T> WENGERT_INLINE T huber(T x, T limit) {
  const T size = std::fabs(x), bent = size <= limit ? size : limit;
  return bent * (size - bent * T(0.5));
}
template <class T> WENGERT_INLINE T softshrink(T x, T by) { return x > by ? x - by : x < -by ? x + by : x * T(0); }

// Name and value of every instruction; Python knows them by name.
#define WENGERT_UNARY(X) \
  X(move, x) X(negative, -x) X(absolute, std::fabs(x)) X(sqrt, std::sqrt(x)) X(exp, vmath::exp(x)) \
  X(expm1, vmath::expm1(x)) X(log1p, vmath::log1p(x)) X(tanh, vmath::tanh(x)) \
  X(sigmoid, vmath::sigmoid(x)) X(erf, vmath::erf(x)) X(reciprocal, T(1) / x) X(square, x * x) X(sign, sign(x)) \
  X(floor, std::floor(x)) X(ceil, std::ceil(x)) X(trunc, std::trunc(x)) X(rint, std::rint(x)) X(isnan, T(x != x)) \
  X(logical_not, T(x == 0)) X(tan, std::tan(x)) X(arcsin, std::asin(x)) X(arccos, std::acos(x)) X(arctan, std::atan(x)) \
  X(sinh, std::sinh(x)) X(cosh, std::cosh(x)) X(arcsinh, std::asinh(x)) X(arccosh, std::acosh(x)) \
  X(arctanh, std::atanh(x)) X(exp2, vmath::exp2(x)) X(log2, std::log2(x)) X(log10, std::log10(x)) X(erfc, special::erfc(x)) \
  X(erfcx, special::erfcx(x)) X(gelu, vmath::gelu(x)) X(gelu_slope, vmath::gelu_slope(x)) X(silu, vmath::silu(x)) \
  X(silu_slope, vmath::silu_slope(x)) X(hardswish, vmath::hardswish(x)) X(hardsigmoid, vmath::hardsigmoid(x)) \
  X(signum, T(x > 0) - T(x < 0)) X(frac, x - std::trunc(x))
// Those that look at several elements at a time, and their functions of n numbers.
#define WENGERT_MANY(X) \
  X(log, logs::logarithms) X(sin, trig::sines<0>) X(cos, trig::sines<1>) X(erfinv, special::erfinvs) \
  X(lgamma, special::gammas<special::Lgamma>) X(digamma, special::gammas<special::Digamma>) \
  X(trigamma, special::gammas<special::Trigamma>) X(tetragamma, special::gammas<special::Tetragamma>) \
  X(i0, special::bessels<0, false>) X(i1, special::bessels<1, false>) X(i0e, special::bessels<0, true>) \
  X(i1e, special::bessels<1, true>)
#define WENGERT_BINARY(X) \
  X(add, x + y) X(subtract, x - y) X(multiply, x * y) X(divide, x / y) X(maximum, Largest::join(x, y)) \
  X(minimum, Smallest::join(x, y)) X(greater, T(x > y)) X(greater_equal, T(x >= y)) X(equal, T(x == y)) \
  X(not_equal, T(x != y)) X(copysign, std::copysign(x, y)) \
  X(power, std::pow(x, y)) X(arctan2, std::atan2(x, y)) X(hypot, vmath::hypot(x, y)) X(leaky_relu, x > 0 ? x : x * y) \
  X(softshrink, softshrink(x, y)) X(unless_nan, x != x ? y : x) X(heaviside, x == 0 ? y : T(x > 0)) \
  X(nextafter, vmath::nextafter(x, y))
#define WENGERT_OTHERS(X) X(fmod) X(clamp) X(elu)
#define WENGERT_TERNARY(X) \
  X(divide_add, x / y + z) X(lerp, (y - x) * z + x) \
  X(fma, x * y + z) X(fms, x * y - z) X(fnma, z - x * y) X(where, x != 0 ? y : z) X(where_positive, x > 0 ? y : z) \
  X(outside, (y >= -z) & (y <= z) ? T(0) : x) X(huber, huber(x - y, z))
#define WENGERT_REDUCTION(X) X(row_sum) X(row_max) X(row_min) X(row_product) X(column_sum)

enum Opcode : uint8_t {
#define X(name, ...) OP_##name,
  WENGERT_UNARY(X) WENGERT_MANY(X) WENGERT_BINARY(X) WENGERT_TERNARY(X)
#undef X
#define X(name) OP_##name,
  WENGERT_OTHERS(X) WENGERT_REDUCTION(X)
#undef X
  OPCODES
};

inline const char* opcode_name(int op) {
  static const char* const names[] = {
#define X(name, ...) #name,
      WENGERT_UNARY(X) WENGERT_MANY(X) WENGERT_BINARY(X) WENGERT_TERNARY(X)
#undef X
#define X(name) #name,
      WENGERT_OTHERS(X) WENGERT_REDUCTION(X)
#undef X
  };
  return names[op];
}

struct Instruction {
  uint8_t op;
  int16_t out, a, b, c;
};

// Instructions with their own numbering of registers.
struct Code {
  std::vector<Instruction> instructions;
  int registers = 0;
  uint32_t used = 0;         // inputs that are read, one bit each
  std::vector<int> reduced;  // slots of the reductions that this stage makes
};

enum class Kind : uint8_t { vector, scalar, columns };  // of an output; columns: one number per column

// Slots: inputs, outputs, constants, scalars (one per row), registers.
struct Program {
  int inputs = 0, outputs = 0, scalars = 0, count_constant = -1;  // that constant is the number of columns
  uint32_t vector_inputs = 0;                                     // one bit each; the others do not vary within a row
  Kind output_kind[MAX_OPERANDS] = {};
  uint32_t hazards[MAX_OPERANDS] = {};  // inputs that are read after the output was written, one bit each
  std::vector<double> constants;
  Code whole;
  std::vector<Code> stages;  // more than one if there are reductions

  int first_constant() const { return inputs + outputs; }
  int first_scalar() const { return first_constant() + static_cast<int>(constants.size()); }
  int first_register() const { return first_scalar() + scalars; }
};

// How the columns of an operand lie in memory.
enum class Access : uint8_t { direct, single, gathered };

struct Operand {
  char* base = nullptr;
  Index stride[MAX_DIMS] = {};  // bytes
  bool is_bool = false;
  bool repeats = false;  // only the last dimension matters
  Access access = Access::direct;
};

struct Call {
  const Program* program = nullptr;
  int dims = 0, row_dims = 0;
  Index shape[MAX_DIMS] = {};
  Operand operand[MAX_OPERANDS];  // inputs, then outputs
  Index rows = 1, columns = 1;
};

// ---- arithmetic over one block ---------------------------------------------------------------------------------------

// A function for each operator: in one large function with all of them gcc left the loop of erf in double precision scalar,
// seven times as slow.
template <class T, class F> __attribute__((noinline)) void map1(T* out, const T* a, Index n, F f) {
#pragma GCC ivdep
  for (Index i = 0; i < n; i++) out[i] = f(a[i]);
}

template <bool A, bool B, class T, class F> __attribute__((noinline)) void map2(T* out, const T* a, const T* b, Index n, F f) {
  T x = *a, y = *b;
#pragma GCC ivdep
  for (Index i = 0; i < n; i++) out[i] = f(A ? a[i] : x, B ? b[i] : y);
}

template <bool A, bool B, bool C, class T, class F>
WENGERT_INLINE void map3(T* out, const T* a, const T* b, const T* c, Index n, F f) {
  T x = *a, y = *b, z = *c;
#pragma GCC ivdep
  for (Index i = 0; i < n; i++) out[i] = f(A ? a[i] : x, B ? b[i] : y, C ? c[i] : z);
}

// The same of operands which may be one number each.
template <class T, class F> void binary(T* out, const T* a, bool va, const T* b, bool vb, Index n, F f) {
  if (va && vb) map2<true, true>(out, a, b, n, f);
  else if (va) map2<true, false>(out, a, b, n, f);
  else if (vb) map2<false, true>(out, a, b, n, f);
  else map2<false, false>(out, a, b, n, f);
}

template <class T, class F>
void ternary(T* out, const T* a, bool va, const T* b, bool vb, const T* c, bool vc, Index n, F f) {
  if (va && vb && vc) map3<true, true, true>(out, a, b, c, n, f);
  else if (va && vb) map3<true, true, false>(out, a, b, c, n, f);
  else if (va && vc) map3<true, false, true>(out, a, b, c, n, f);
  else if (va) map3<true, false, false>(out, a, b, c, n, f);
  else if (vb && vc) map3<false, true, true>(out, a, b, c, n, f);
  else if (vb) map3<false, true, false>(out, a, b, c, n, f);
  else if (vc) map3<false, false, true>(out, a, b, c, n, f);
  else map3<false, false, false>(out, a, b, c, n, f);
}

// Bounds are mostly two numbers: two instructions instead of those that ask whether they are any.
template <class T> void clamp(T* out, const T* a, bool va, const T* b, bool vb, const T* c, bool vc, Index n) {
  if (va && !vb && !vc && *b == *b && *c == *c)
    map3<true, false, false>(out, a, b, c, n, [](T x, T low, T high) {
      x = low > x ? low : x;
      return high < x ? high : x;
    });
  else ternary(out, a, va, b, vb, c, vc, n, clamped<T>);
}

// x, below 0 a multiple of exp(steep x) - 1, which is not computed among elements without any.
template <class T> void elu(T* out, const T* a, bool va, const T* b, bool vb, const T* c, bool vc, Index n) {
  constexpr Index SOME = 64;
  const auto value = [](T x, T factor, T steep) { return x < 0 ? vmath::expm1(x * steep) * factor : x; };
  if (!va || vb || vc) return ternary(out, a, va, b, vb, c, vc, n, value);
  for (Index start = 0; start < n; start += SOME) {
    const Index count = std::min(SOME, n - start);
    int below = 0;
    for (Index i = start; i < start + count; i++) below |= a[i] < 0;
    if (below) map3<true, false, false>(out + start, a + start, b, c, count, value);
    else if (out != a) std::copy_n(a + start, count, out + start);
  }
}

template <class T> T sum(const T* a, Index n) { return static_cast<T>(reduced_in_blocks<Sum>(a, n)); }

template <class T> void step(const Instruction& code, T* const* slot, const bool* vec, Index n) {
  T* out = slot[code.out];
  const T *a = slot[code.a], *b = slot[code.b], *c = slot[code.c];
  const bool va = vec[code.a], vb = vec[code.b], vc = vec[code.c];
  const Index m = vec[code.out] ? n : 1;
  switch (code.op) {
#define X(name, value) \
  case OP_##name: { \
    auto f = [](T x) { return static_cast<T>(value); }; \
    if (va || m == 1) map1(out, a, m, f); \
    else std::fill_n(out, m, f(*a)); \
    break; \
  }
    WENGERT_UNARY(X)
#undef X
#define X(name, ...) \
  case OP_##name: \
    __VA_ARGS__(out, a, va ? m : 1); \
    if (!va) std::fill_n(out + 1, m - 1, *out); \
    break;
    WENGERT_MANY(X)
#undef X
#define X(name, value) \
  case OP_##name: binary(out, a, va, b, vb, m, [](T x, T y) { return static_cast<T>(value); }); break;
    WENGERT_BINARY(X)
#undef X
#define X(name, value) \
  case OP_##name: ternary(out, a, va, b, vb, c, vc, m, [](T x, T y, T z) { return static_cast<T>(value); }); break;
    WENGERT_TERNARY(X)
#undef X
    case OP_clamp: clamp(out, a, va, b, vb, c, vc, m); break;
    case OP_elu: elu(out, a, va, b, vb, c, vc, m); break;
    case OP_fmod: rests::fmods(out, a, va, b, vb, m); break;
    case OP_row_sum: *out = sum(a, n); break;
    case OP_row_max: *out = reduced<Largest>(a, n); break;
    case OP_row_min: *out = reduced<Smallest>(a, n); break;
    case OP_row_product: *out = reduced<Product>(a, n); break;
    case OP_column_sum:
#pragma GCC ivdep
      for (Index i = 0; i < n; i++) out[i] += a[i];
      break;
    default: break;
  }
}

// ---- operands ----------------------------------------------------------------------------------------------------------

// Byte offset of row r.
inline Index row_offset(const Call& call, const Operand& o, Index r) {
  Index offset = 0;
  for (int d = call.row_dims - 1; d > 0; d--) {
    offset += r % call.shape[d] * o.stride[d];
    r /= call.shape[d];
  }
  return call.row_dims ? offset + r * o.stride[0] : 0;
}

// Walks the columns [start, start + n) of one row in runs of the last dimension, several of one length at a time:
// f(pointer, length, count, apart, done) for `count` runs, `apart` bytes from one another.
template <class F> inline void runs(const Call& call, const Operand& o, char* row, Index start, Index n, const F& f) {
  const int last = call.dims - 1;
  const Index whole = call.shape[last];
  Index index[MAX_DIMS], rest = start;
  char* p = row;
  for (int d = last; d >= call.row_dims; d--) {
    index[d] = rest % call.shape[d];
    rest /= call.shape[d];
    p += index[d] * o.stride[d];
  }
  for (Index done = 0;;) {
    const Index length = std::min(n - done, whole - index[last]);
    Index count = 1, apart = 0;
    if (length == whole && last > call.row_dims) {
      count = std::min((n - done) / whole, call.shape[last - 1] - index[last - 1]);
      apart = o.stride[last - 1];
      index[last - 1] += count - 1;
    }
    f(p, length, count, apart, done);
    done += length * count;
    if (done == n) return;
    p += (count - 1) * apart - index[last] * o.stride[last];
    index[last] = 0;
    for (int d = last - 1;; d--) {  // carry
      p += o.stride[d];
      if (++index[d] < call.shape[d]) break;
      p -= index[d] * o.stride[d];
      index[d] = 0;
    }
  }
}

// Writes whole vectors: what is too much is written over by what comes next, and behind the end there is room for one.
template <class T> WENGERT_INLINE void fill_vectors(T* out, Index n, T value) {
  using U = typename Vec<T>::u;
  const typename Vec<T>::v all = value - typename Vec<T>::v{};  // of -0.0 the sum would be 0.0
  for (Index i = 0; i < n; i += Vec<T>::lanes) *reinterpret_cast<U*>(out + i) = all;
}

template <class T> void gather(const Call& call, const Operand& o, char* row, Index start, Index n, T* to) {
  const Index stride = o.stride[call.dims - 1];
  runs(call, o, row, start, n, [&](const char* p, Index length, Index count, Index apart, Index done) {
    T* out = to + done;
    if (o.is_bool) {
      for (Index r = 0; r < count; r++, p += apart, out += length)
        for (Index i = 0; i < length; i++) out[i] = static_cast<T>(p[i * stride] != 0);
    } else if (stride == sizeof(T)) {
      for (Index r = 0; r < count; r++, p += apart, out += length) std::memcpy(out, p, length * sizeof(T));
    } else if (stride == 0) {
      for (Index r = 0; r < count; r++, p += apart, out += length) fill_vectors(out, length, *reinterpret_cast<const T*>(p));
    } else {
      for (Index r = 0; r < count; r++, p += apart, out += length)
        for (Index i = 0; i < length; i++) out[i] = *reinterpret_cast<const T*>(p + i * stride);
    }
  });
}

template <class T> void scatter(const Call& call, const Operand& o, char* row, Index start, Index n, const T* from) {
  const Index stride = o.stride[call.dims - 1];
  runs(call, o, row, start, n, [&](char* p, Index length, Index count, Index apart, Index done) {
    const T* in = from + done;
    for (Index r = 0; r < count; r++, p += apart, in += length)
      if (o.is_bool) {
        for (Index i = 0; i < length; i++) p[i * stride] = in[i] != 0;
      } else if (stride == sizeof(T)) {
        std::memcpy(p, in, length * sizeof(T));
      } else {
        for (Index i = 0; i < length; i++) *reinterpret_cast<T*>(p + i * stride) = in[i];
      }
  });
}

// Drops dimensions of size 1 and joins neighbours that every operand walks through in one stride.
inline void coalesce(Call& call) {
  const int operands = call.program->inputs + call.program->outputs;
  int kept = 0, kept_rows = 0;
  for (int d = 0; d < call.dims; d++) {
    if (call.shape[d] == 1) continue;
    const bool is_row = d < call.row_dims;
    bool join = kept > (is_row ? 0 : kept_rows);
    for (int o = 0; join && o < operands; o++)
      join = call.operand[o].stride[kept - 1] == call.operand[o].stride[d] * call.shape[d];
    if (!join) kept++;
    if (is_row) kept_rows = kept;
    call.shape[kept - 1] = join ? call.shape[kept - 1] * call.shape[d] : call.shape[d];
    for (int o = 0; o < operands; o++) call.operand[o].stride[kept - 1] = call.operand[o].stride[d];
  }
  if (kept == kept_rows) {  // a single column
    call.shape[kept] = 1;
    for (int o = 0; o < operands; o++) call.operand[o].stride[kept] = 0;
    kept++;
  }
  call.dims = kept;
  call.row_dims = kept_rows;
  call.rows = call.columns = 1;
  for (int d = 0; d < kept; d++) (d < kept_rows ? call.rows : call.columns) *= call.shape[d];
}

template <class T> bool columns_are_dense(const Call& call, const Operand& o) {
  Index step = sizeof(T);
  for (int d = call.dims - 1; d >= call.row_dims; step *= call.shape[d--])
    if (call.shape[d] != 1 && o.stride[d] != step) return false;
  return true;
}

// Where nothing is reduced (`flat`), what is the same for all columns of a row is one number, like what a program knows to be one.
template <class T> void choose_access(Call& call, bool flat) {
  const Program& program = *call.program;
  for (int i = 0; i < program.inputs + program.outputs; i++) {
    Operand& o = call.operand[i];
    const auto stays = [](Index step) { return step == 0; };
    const bool is_output = i >= program.inputs;
    const bool varies = is_output ? program.output_kind[i - program.inputs] == Kind::vector
                                  : (program.vector_inputs >> i & 1) &&
                                        !(flat && std::all_of(o.stride + call.row_dims, o.stride + call.dims, stays));
    const bool unit = call.columns == 1 || columns_are_dense<T>(call, o);
    o.repeats = std::all_of(o.stride, o.stride + call.dims - 1, stays);
    o.access = !varies ? Access::single : unit && !o.is_bool ? Access::direct : Access::gathered;
  }
}

// ---- running -------------------------------------------------------------------------------------------------------------

// Registers of the calling thread, aligned to cache lines.
template <class T> T* scratch(Index count) {
  static thread_local std::vector<char> memory;
  const size_t bytes = count * sizeof(T) + 64;
  if (memory.size() < bytes) memory.resize(bytes);
  return reinterpret_cast<T*>((reinterpret_cast<uintptr_t>(memory.data()) + 63) & ~uintptr_t(63));
}

// The slots of one thread while it works on a piece.
template <class T> struct Frame {
  const Call& call;
  const Program& program;
  const Code& code;
  Index width;  // of a register
  T* slot[MAX_SLOTS];
  bool vec[MAX_SLOTS];
  T* gathered[MAX_OPERANDS];
  Index there[MAX_OPERANDS] = {};  // columns, from the first of a run on, that were gathered and stay valid
  T single[MAX_OPERANDS];  // booleans that do not vary within a row, as numbers
  T* scalars;
  bool walks;  // from one block to the next without asking where operands are
  Index at = -1, index[MAX_DIMS];  // the row whose operands begin at:
  char* begin[MAX_OPERANDS];
  int walking = 0, walker[MAX_OPERANDS];
  Index before = 0, after = -1;

  Frame(const Call& call, const Code& code, Index block)
      : call(call), program(*call.program), code(code), width((block + 15) / 16 * 16) {
    const int operands = program.inputs + program.outputs;
    int extra = 0;
    for (int i = 0; i < operands; i++) extra += call.operand[i].access == Access::gathered;
    T* next = scratch<T>(code.registers * width + extra * (width + ROOM / sizeof(T)) + MAX_SLOTS);
    scalars = next;
    next += MAX_SLOTS;
    for (int s = 0; s < program.first_register(); s++) {
      vec[s] = false;
      slot[s] = scalars + s;
    }
    for (size_t i = 0; i < program.constants.size(); i++)
      scalars[program.first_constant() + i] = static_cast<T>(program.constants[i]);
    if (program.count_constant >= 0) scalars[program.first_constant() + program.count_constant] = static_cast<T>(call.columns);
    for (int r = 0; r < code.registers; r++, next += width) {
      vec[program.first_register() + r] = true;
      slot[program.first_register() + r] = next;
    }
    walks = extra == 0 && call.row_dims == 0 && operands == program.inputs + 1;
    for (int i = 0; i < operands; i++) {
      vec[i] = call.operand[i].access != Access::single;
      gathered[i] = next;
      if (call.operand[i].access == Access::gathered) next += width + ROOM / sizeof(T);
      if (call.operand[i].access == Access::direct) walker[walking++] = i;
    }
  }

  // To row r, mostly the next one.
  void go_to(Index r) {
    const int operands = program.inputs + program.outputs;
    if (r == at) return;
    if (r != at + 1 || at < 0) {
      Index rest = r;
      for (int d = call.row_dims - 1; d >= 0; rest /= call.shape[d--]) index[d] = rest % call.shape[d];
      for (int i = 0; i < operands; i++) begin[i] = call.operand[i].base + row_offset(call, call.operand[i], r);
    } else {
      for (int d = call.row_dims - 1; d >= 0; d--) {
        const bool wraps = ++index[d] == call.shape[d];
        if (wraps) index[d] = 0;
        const Index steps = wraps ? 1 - call.shape[d] : 1;
        for (int i = 0; i < operands; i++) begin[i] += steps * call.operand[i].stride[d];
        if (!wraps) break;
      }
    }
    at = r;
  }

  // Columns [start, start + n) of row r; outputs of one number per row are written where `store_scalars`.
  void run(Index r, Index start, Index n, bool store_scalars) {
    if (walks && start == after) {
      for (int i = 0; i < walking; i++) slot[walker[i]] += start - before;
    } else {
      go_to(r);
      place(start, n, store_scalars);
    }
    before = start, after = start + n;
    for (const Instruction& instruction : code.instructions) step(instruction, slot, vec, n);
    for (int j = 0; j < program.outputs; j++) {
      const Operand& o = call.operand[program.inputs + j];
      if (o.access == Access::gathered && program.output_kind[j] == Kind::vector)
        scatter(call, o, begin[program.inputs + j], start, n, gathered[program.inputs + j]);
    }
  }

  // Sets the slots of the operands.
  void place(Index start, Index n, bool store_scalars) {
    for (int i = 0; i < program.inputs; i++)
      if (code.used >> i & 1) load(i, start, n);
    for (int j = 0; j < program.outputs; j++) {
      const int i = program.inputs + j;
      const Operand& o = call.operand[i];
      if (program.output_kind[j] == Kind::columns) {
        vec[i] = true;  // the caller has set the slot
      } else if (o.access == Access::gathered) {
        slot[i] = gathered[i];
      } else {
        slot[i] = reinterpret_cast<T*>(begin[i]) + (o.access == Access::direct ? start : 0);
        if (o.access == Access::single && !store_scalars) slot[i] = scalars + i;
      }
    }
  }

  void load(int i, Index start, Index n) {
    const Operand& o = call.operand[i];
    char* row = begin[i];
    if (o.access == Access::direct) {
      slot[i] = reinterpret_cast<T*>(row) + start;
    } else if (o.access == Access::single) {
      if (o.is_bool) single[i] = static_cast<T>(*row != 0);
      slot[i] = o.is_bool ? single + i : reinterpret_cast<T*>(row);
    } else {
      const int last = call.dims - 1;
      const Index inner = start % call.shape[last];
      slot[i] = gathered[i];
      if (inner == 0 && n <= there[i]) return;
      if (!o.is_bool && o.stride[last] == sizeof(T) && inner + n <= call.shape[last])
        runs(call, o, row, start, n, [&](char* p, Index, Index, Index, Index) { slot[i] = reinterpret_cast<T*>(p); });
      else {
        gather(call, o, row, start, n, gathered[i]);
        there[i] = inner == 0 && o.repeats ? n : 0;
      }
    }
  }
};

// Runs the call, whose operands have the strides of the whole frame: vm_run.h.
template <class T> void run(Call& call);

}  // namespace wengert
