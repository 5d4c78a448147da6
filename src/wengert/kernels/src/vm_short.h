// Programs over rows of few elements.
//
// Note [Short rows] of short_rows.h: a register holds a group of rows on their side, element j of row r at [j * group + r].
// Numbers of rows are vectors of a group; where an instruction joins them with elements, they are there for every column.
#pragma once
#include "short_rows.h"
#include "vm.h"

namespace wengert {

constexpr Index SHORTEST = 32;         // columns
constexpr Index GROUP_ELEMENTS = 512;  // of a register, about

inline Index rows_of_group(Index columns) {
  return std::max(Index(1), GROUP_ELEMENTS / columns / arrays::TALL) * arrays::TALL;
}

template <class T> class ShortRows {
 public:
  explicit ShortRows(const Call& call)
      : call(call), program(*call.program), n(call.columns), group(rows_of_group(call.columns)) {
    const int slots = program.first_register() + program.whole.registers;
    T* next = scratch<T>(slots * group * n);
    for (int s = 0; s < slots; s++, next += group * n) slot[s] = next, many[s] = true;
    for (int s = program.first_constant(); s < program.first_scalar(); s++) {
      const int i = s - program.first_constant();
      many[s] = false;
      *slot[s] = i == program.count_constant ? static_cast<T>(n) : static_cast<T>(program.constants[i]);
    }
    for (const Instruction& i : program.whole.instructions)
      if (is_vector(i.out) || is_reduction(i))
        for (int operand : {i.a, i.b, i.c}) spread[operand] = !is_vector(operand) && many[operand];
  }

  // Rows [first, first + count) of a group; column sums are added to `sums`.
  void run(Index first, Index count, double* sums) {
    for (int i = 0; i < program.inputs; i++)
      if (program.whole.used >> i & 1 && !(there && same_for_all_rows(call.operand[i]))) load(i, first, count);
    there = true;
    for (const Instruction& i : program.whole.instructions) {
      if (i.op == OP_column_sum) sums = add_up(slot[i.a], count, sums);
      else if (is_reduction(i)) reduce(i);
      else step(i, slot, many, is_vector(i.out) ? group * n : group);
      if (spread[i.out]) repeat(slot[i.out]);
    }
    for (int j = 0; j < program.outputs; j++)
      if (program.output_kind[j] != Kind::columns) store(program.inputs + j, first, count);
  }

 private:
  const Call& call;
  const Program& program;
  const Index n, group;
  bool there = false;  // what is the same for all rows
  T* slot[MAX_SLOTS];
  bool many[MAX_SLOTS];           // not a constant
  bool spread[MAX_SLOTS] = {};    // a number of a row that is joined with elements

  bool is_vector(int s) const {
    if (s < program.inputs) return program.vector_inputs >> s & 1;
    if (s < program.first_constant()) return program.output_kind[s - program.inputs] == Kind::vector;
    return s >= program.first_register();
  }

  static bool is_reduction(const Instruction& i) { return i.op >= OP_row_sum && i.op <= OP_row_product; }

  bool same_for_all_rows(const Operand& o) const {
    return std::all_of(o.stride, o.stride + call.row_dims, [](Index step) { return step == 0; });
  }

  bool rows_are_dense(const Operand& o) const {
    return !o.is_bool && call.row_dims == 1 && o.stride[0] == n * Index(sizeof(T)) && o.access == Access::direct;
  }

  // The numbers of the group, for the first column, are those of all columns.
  void repeat(T* numbers) const {
    for (Index j = 1; j < n; j++) std::copy_n(numbers, group, numbers + j * group);
  }

  // The sums of the next output.
  double* add_up(const T* a, Index count, double* sums) const {
    for (Index j = 0; j < n; j++) sums[j] += wengert::reduced<Sum>(a + j * group, count);
    return sums + n;
  }

  void reduce(const Instruction& i) const {
    const T* a = slot[i.a];
    T* out = slot[i.out];
    if (i.op == OP_row_sum) reduce_down<Sum>(a, out);
    else if (i.op == OP_row_max) reduce_down<Largest>(a, out);
    else if (i.op == OP_row_min) reduce_down<Smallest>(a, out);
    else reduce_down<Product>(a, out);
  }

  template <class R> void reduce_down(const T* a, T* out) const {
    using V = typename Vec<T>::v;
    using U = typename Vec<T>::u;
    for (Index r = 0; r < group; r += Vec<T>::lanes) {
      V total = *reinterpret_cast<const U*>(a + r);
      for (Index j = 1; j < n; j++) total = R::join(total, static_cast<V>(*reinterpret_cast<const U*>(a + j * group + r)));
      *reinterpret_cast<U*>(out + r) = total;
    }
  }

  void load(int i, Index first, Index count) {
    const Operand& o = call.operand[i];
    T* to = slot[i];
    if (!is_vector(i)) {
      for (Index r = 0; r < count; r++) {
        const char* from = o.base + row_offset(call, o, first + r);
        to[r] = o.is_bool ? static_cast<T>(*from != 0) : *reinterpret_cast<const T*>(from);
      }
      if (spread[i]) repeat(to);
    } else if (rows_are_dense(o)) {
      const T* from = reinterpret_cast<const T*>(o.base) + first * n;
      for (Index r = 0; r < count; r += arrays::TALL)
        arrays::lay_down(from + r * n, n, std::min(arrays::TALL, count - r), to + r, group);
    } else {
      T row[SHORTEST + Vec<T>::lanes];
      for (Index r = 0; r < count; r++) {
        gather(call, o, o.base + row_offset(call, o, first + r), 0, n, row);
        for (Index j = 0; j < n; j++) to[j * group + r] = row[j];
      }
    }
  }

  void store(int i, Index first, Index count) const {
    const Operand& o = call.operand[i];
    const T* from = slot[i];
    if (!is_vector(i)) {
      for (Index r = 0; r < count; r++) {
        char* to = o.base + row_offset(call, o, first + r);
        if (o.is_bool) *to = from[r] != 0;
        else *reinterpret_cast<T*>(to) = from[r];
      }
    } else if (rows_are_dense(o)) {
      T* to = reinterpret_cast<T*>(o.base) + first * n;
      for (Index r = 0; r < count; r += arrays::TALL)
        arrays::stand_up(from + r, group, n, std::min(arrays::TALL, count - r), to + r * n);
    } else {
      T row[SHORTEST];
      for (Index r = 0; r < count; r++) {
        for (Index j = 0; j < n; j++) row[j] = from[j * group + r];
        scatter(call, o, o.base + row_offset(call, o, first + r), 0, n, row);
      }
    }
  }
};

template <class T> void run_short(const Call& call) {
  const Index n = call.columns, group = rows_of_group(n), groups = pieces(call.rows, group);
  const Index per = pieces(PIECE, group * n), tasks = pieces(groups, per);
  // Sums over columns, in the order of the instructions.
  std::vector<const Instruction*> adding;
  for (const Instruction& i : call.program->whole.instructions)
    if (i.op == OP_column_sum) adding.push_back(&i);
  const Index sums = adding.size() * n;
  std::vector<double> partial((tasks + 1) * sums);
  parallel_for(tasks, [&](Index task) {
    ShortRows<T> rows(call);
    for (Index g = task * per; g < std::min(groups, (task + 1) * per); g++)
      rows.run(g * group, std::min(group, call.rows - g * group), partial.data() + task * sums);
  });
  double* total = partial.data() + tasks * sums;
  for (Index task = 0; task < tasks; task++)
    for (Index i = 0; i < sums; i++) total[i] += partial[task * sums + i];
  for (const Instruction* i : adding)
    for (Index j = 0; j < n; j++) reinterpret_cast<T*>(call.operand[i->out].base)[j] = static_cast<T>(*total++);
}

}  // namespace wengert
