// How programs of the register machine run: flat, over whole rows, in stages, or over short rows (vm_short.h).
#pragma once
#include "vm.h"
#include "vm_short.h"

namespace wengert {

// Bytes of a register.  Memory is read fastest from all its places at once: where each instruction reads another long array,
// blocks are so short that the processor has the next instructions under way.
inline Index block_bytes(const Call& call) {
  const Program& program = *call.program;
  const int places = __builtin_popcount(program.vector_inputs);
  const bool mostly_reads = places >= 3 && program.whole.instructions.size() <= 4 * static_cast<size_t>(places);
  return mostly_reads && call.columns >= LONG_COLUMNS ? FINE_BYTES : FLAT_BYTES;
}

template <class T> void run_flat(const Call& call) {
  const Index run = call.shape[call.dims - 1], most = block_bytes(call) / sizeof(T);
  const Index block = run < most ? most / run * run : most;  // whole runs: what repeats is the same in every block
  const Index width = std::min(block, call.columns), per = PIECE / width;
  const Index blocks = pieces(call.columns, block), count = call.rows * blocks;
  parallel_for(pieces(count, per), [&](Index piece) {
    Frame<T> frame(call, call.program->whole, width);
    for (Index b = piece * per; b < std::min(count, (piece + 1) * per); b++) {
      const Index start = b % blocks * block;
      frame.run(b / blocks, start, std::min(block, call.columns - start), true);
    }
  });
}

// Rows of a flat program, where operands that are not contiguous are read in place.
constexpr Index LONG_ROW = 128;

inline void split_into_rows(Call& call) {
  const Index columns = call.shape[call.dims - 1];
  if (call.dims < 2 || columns < LONG_ROW) return;
  call.row_dims = call.dims - 1;
  call.rows = call.columns / columns;
  call.columns = columns;
}

// Rows as long as a block, of several short ones, where nothing is asked of a single row: sums over columns.
template <class T> void join_rows(Call& call) {
  const Program& program = *call.program;
  const Index together = FLAT_BYTES / sizeof(T) / call.columns;
  if (call.dims != 2 || call.row_dims != 1 || call.columns >= LONG_ROW || call.rows < 2 * together) return;
  if (program.count_constant >= 0 || program.vector_inputs != (1u << program.inputs) - 1) return;
  for (int j = 0; j < program.outputs; j++)
    if (program.output_kind[j] != Kind::columns) return;
  for (int i = 0; i < program.inputs; i++) {
    Index* stride = call.operand[i].stride;
    stride[2] = stride[1], stride[1] = stride[0], stride[0] *= together;
  }
  call.dims = 3;
  call.shape[2] = call.columns, call.shape[1] = together, call.shape[0] = pieces(call.rows, together);
  call.rows = call.shape[0];
  call.columns *= together;
}

// Rows of `elements` numbers in all: the last of joined rows may be shorter.  `width` columns are told apart.
template <class T> void run_whole(const Call& call, Index elements, Index width) {
  const Program& program = *call.program;
  int sums = 0;
  for (int j = 0; j < program.outputs; j++) sums += program.output_kind[j] == Kind::columns;
  Index per = std::max(Index(1), PIECE / call.columns);
  if (sums) per = std::max(per, pieces(call.rows, ACCUMULATORS));
  const Index tasks = pieces(call.rows, per);
  std::vector<double> partial(sums * tasks * call.columns);
  parallel_for(tasks, [&](Index piece) {
    Frame<T> frame(call, program.whole, call.columns);
    double* total = partial.data() + piece * sums * call.columns;
    std::vector<T> few(sums * call.columns);  // sums of rows in T, of these in double precision
    T* accumulator = few.data();
    for (int j = 0; j < program.outputs; j++)
      if (program.output_kind[j] == Kind::columns) {
        frame.slot[program.inputs + j] = accumulator;
        accumulator += call.columns;
      }
    const Index end = std::min(call.rows, (piece + 1) * per);
    for (Index first = piece * per; first < end; first += FEW_ROWS) {
      for (Index r = first; r < std::min(end, first + FEW_ROWS); r++)
        frame.run(r, 0, std::min(call.columns, elements - r * call.columns), true);
      for (size_t i = 0; i < few.size(); i++) {
        total[i] += few[i];
        few[i] = 0;
      }
    }
  });
  int k = 0;
  for (int j = 0; j < program.outputs; j++) {
    if (program.output_kind[j] != Kind::columns) continue;
    T* out = reinterpret_cast<T*>(call.operand[program.inputs + j].base);
    double* all = partial.data() + k * call.columns;
    for (Index piece = 1; piece < tasks; piece++) {
      const double* in = all + piece * sums * call.columns;
      for (Index i = 0; i < call.columns; i++) all[i] += in[i];
    }
    for (Index i = width; i < call.columns; i++) all[i % width] += all[i];
    for (Index i = 0; i < width; i++) out[i] = static_cast<T>(all[i]);
    k++;
  }
}

template <class T> void run_staged(const Call& call) {
  const Program& program = *call.program;
  const Index blocks = pieces(call.columns, BLOCK), per = PIECE / BLOCK, row_pieces = pieces(blocks, per);
  std::vector<T> scalars(call.rows * program.scalars), partial;
  for (const Code& code : program.stages) {
    const Index made = code.reduced.size();
    partial.assign(call.rows * blocks * made, T(0));
    parallel_for(call.rows * row_pieces, [&](Index piece) {
      Frame<T> frame(call, code, BLOCK);
      const Index r = piece / row_pieces, first = piece % row_pieces * per;
      T* own = frame.scalars + program.first_scalar();
      std::copy_n(scalars.data() + r * program.scalars, program.scalars, own);
      for (Index b = first; b < std::min(blocks, first + per); b++) {
        frame.run(r, b * BLOCK, std::min(BLOCK, call.columns - b * BLOCK), b == 0);
        for (Index k = 0; k < made; k++) partial[(r * blocks + b) * made + k] = frame.scalars[code.reduced[k]];
      }
    });
    for (Index r = 0; r < call.rows; r++)
      for (Index k = 0; k < made; k++) {
        const int slot = code.reduced[k];
        const T* first = partial.data() + r * blocks * made + k;
        double total = first[0];
        uint8_t op = OP_row_sum;
        for (const Instruction& i : code.instructions)
          if (i.out == slot) op = i.op;
        for (Index b = 1; b < blocks; b++) {
          const double next = first[b * made];
          total = op == OP_row_sum       ? total + next
                  : op == OP_row_max     ? Largest::join(total, next)
                  : op == OP_row_product ? total * next
                                         : Smallest::join(total, next);
        }
        scalars[r * program.scalars + slot - program.first_scalar()] = static_cast<T>(total);
      }
  }
}

template <class T> void run(Call& call) {
  coalesce(call);
  const Program& program = *call.program;
  bool sums = false;
  for (int j = 0; j < program.outputs; j++) sums |= program.output_kind[j] == Kind::columns;
  const bool flat = call.row_dims == 0 && !sums && program.stages.size() < 2;
  const Index elements = call.rows * call.columns, width = call.columns;
  if (flat) split_into_rows(call);
  else if (sums) join_rows<T>(call);
  choose_access<T>(call, flat);
  if (flat) run_flat<T>(call);
  else if (call.columns <= SHORTEST && call.rows >= call.columns) run_short<T>(call);
  else if (call.columns <= WHOLE_ROW || sums) run_whole<T>(call, elements, width);
  else run_staged<T>(call);
}

}  // namespace wengert
