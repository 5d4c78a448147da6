# Programs of the register machine, see vm.h, and the calls that run them.

from cpython.ref cimport Py_INCREF
from libc.stdint cimport uint8_t, int16_t, uint32_t
from libcpp cimport bool as cbool
from libcpp.vector cimport vector

cdef extern from "numpy/arrayobject.h":
    bint PyArray_CheckExact(object)
    bint PyArray_ISBEHAVED_RO(cnp.ndarray)
    bint PyArray_ISBEHAVED(cnp.ndarray)

cdef extern from "direct.h" namespace "wengert" nogil:
    ctypedef Py_ssize_t Index
    cdef enum Kind "wengert::Kind":
        VECTOR "wengert::Kind::vector"
        SCALAR "wengert::Kind::scalar"
        COLUMNS "wengert::Kind::columns"
    cdef int MAX_DIMS
    cdef Index WHOLE_ROW
    cdef int MAX_OPERANDS
    cdef int MAX_SLOTS
    cdef int OPCODES
    const char* opcode_name(int)
    cdef cppclass Instruction:
        uint8_t op
        int16_t out, a, b, c
    cdef cppclass Code:
        vector[Instruction] instructions
        int registers
        uint32_t used
        vector[int] reduced
    cdef cppclass Program:
        int inputs, outputs, scalars, count_constant
        uint32_t vector_inputs
        Kind output_kind[16]
        uint32_t hazards[16]
        vector[double] constants
        Code whole
        vector[Code] stages
    cdef cppclass Operand:
        char* base
        Index stride[8]
        cbool is_bool
    cdef cppclass Call:
        const Program* program
        int dims, row_dims
        Index shape[8]
        Operand operand[16]
    void run[T](Call&)

from numpy import errstate as _errstate

_OPCODES = {opcode_name(i).decode(): i for i in range(OPCODES)}


def opcode_names():
    """The names of all instructions."""
    return list(_OPCODES)


cdef int fill_code(Code* target, object code) except -1:
    cdef Instruction one
    for op, out, a, b, c in code.instructions:
        one.op = _OPCODES[op]
        one.out = out
        one.a = a
        one.b = b
        one.c = c
        target.instructions.push_back(one)
    target.registers = code.registers
    for i in code.used:
        target.used |= <uint32_t>1 << <int>i
    for slot in code.reduced:
        target.reduced.push_back(slot)
    return 0


cdef bint is_short(plan) except -1:
    """Whether the machine has registers and operands for a plan."""
    registers = max([c.registers for c in (plan.whole, *plan.stages)])
    return plan.first_register + registers <= MAX_SLOTS and plan.inputs + len(plan.outputs) <= MAX_OPERANDS


cdef class Compiled:
    """A program, filled once and then only read."""
    cdef Program program
    cdef tuple masks

    def __init__(self, plan):
        cdef Program* p = &self.program
        cdef Py_ssize_t k
        p.inputs = plan.inputs
        p.outputs = len(plan.outputs)
        p.scalars = plan.scalars
        p.count_constant = -1
        for i, v in enumerate(plan.vector):
            if v:
                p.vector_inputs |= <uint32_t>1 << <int>i
        for j, kind in enumerate(plan.outputs):
            p.output_kind[<int>j] = VECTOR if kind == "v" else SCALAR if kind == "s" else COLUMNS
            p.hazards[<int>j] = 0
            for i in plan.hazards[j]:
                p.hazards[<int>j] |= <uint32_t>1 << <int>i
        for i, value in enumerate(plan.constants):
            if isinstance(value, str):  # the number of columns
                p.count_constant = i
                value = 0.0
            p.constants.push_back(value)
        fill_code(&p.whole, plan.whole)
        p.stages.resize(len(plan.stages))
        for k in range(len(plan.stages)):
            fill_code(&p.stages[k], plan.stages[k])
        self.masks = plan.masks


cdef class Kernel:
    """A formula that runs as a program where its arguments allow it, and otherwise through ``fallback``.

    Elementwise (``rows`` False) it is called as ``kernel(*operands)``, for rows as ``kernel(dims, *operands)``, where the
    last ``dims`` dimensions make the rows.  Operands are arrays or NumPy scalars of one dtype, float32 or float64, or masks,
    broadcast like NumPy's, or Python numbers.  The fallback runs without floating-point warnings, as programs do.
    """
    cdef object planner
    cdef object fallback
    cdef readonly bint rows
    cdef dict programs
    cdef readonly str name

    def __init__(self, str name, planner, fallback, bint rows):
        self.name = name
        self.planner = planner
        self.fallback = fallback
        self.rows = rows
        self.programs = {}

    def __repr__(self):
        return f"<compiled kernel {self.name}>"

    def __call__(self, *operands):
        result = call(self, operands, None)
        if result is not None:
            return result
        with _errstate(all="ignore"):
            return self.fallback(*operands)

    def into(self, outputs, *operands):
        """Run and write the results into the arrays ``outputs``; elementwise only."""
        if call(self, operands, outputs) is None:
            with _errstate(all="ignore"):
                results = self.fallback(*operands)
            for target, value in zip(outputs, results if isinstance(results, tuple) else (results,)):
                target[...] = value
        return None

    cdef Compiled compiled(self, uint32_t vector_inputs, int count):
        """The program for operands that vary as said; None where it would be too long."""
        cdef object found = self.programs.get(vector_inputs, self)
        if found is self:
            plan = self.planner(tuple([bool(vector_inputs >> i & 1) for i in range(count)]))
            found = Compiled(plan) if is_short(plan) else None
            self.programs[vector_inputs] = found
        return <Compiled>found


cdef struct Span:  # bytes that an array may touch
    char* low
    char* high


cdef Span span(cnp.ndarray a) noexcept:
    cdef Span out
    cdef int d
    cdef Py_ssize_t reach
    out.low = out.high = <char*>cnp.PyArray_DATA(a)
    for d in range(cnp.PyArray_NDIM(a)):
        reach = cnp.PyArray_STRIDE(a, d) * (cnp.PyArray_DIM(a, d) - 1)
        if reach < 0:
            out.low += reach
        else:
            out.high += reach
    out.high += cnp.PyArray_ITEMSIZE(a)
    return out


cdef bint same_elements(cnp.ndarray a, cnp.ndarray b) noexcept:
    cdef int d
    if cnp.PyArray_DATA(a) != cnp.PyArray_DATA(b) or cnp.PyArray_NDIM(a) != cnp.PyArray_NDIM(b):
        return False
    if cnp.PyArray_TYPE(a) != cnp.PyArray_TYPE(b):
        return False
    for d in range(cnp.PyArray_NDIM(a)):
        if cnp.PyArray_DIM(a, d) != cnp.PyArray_DIM(b, d) or cnp.PyArray_STRIDE(a, d) != cnp.PyArray_STRIDE(b, d):
            return False
    return True


cdef void place(Operand* target, cnp.ndarray a, int dims) noexcept:
    """Base and strides of an array in a frame of ``dims`` dimensions; size 1 is broadcast."""
    cdef int d, missing = dims - cnp.PyArray_NDIM(a)
    target.base = <char*>cnp.PyArray_DATA(a)
    target.is_bool = cnp.PyArray_TYPE(a) == cnp.NPY_BOOL
    for d in range(dims):
        if d < missing or cnp.PyArray_DIM(a, d - missing) == 1:
            target.stride[d] = 0
        else:
            target.stride[d] = cnp.PyArray_STRIDE(a, d - missing)


cdef object call(Kernel kernel, tuple operands, object given):
    """Results of a call, or None where the arguments are not for programs."""
    cdef Py_ssize_t skip = 1 if kernel.rows else 0
    cdef int count = len(operands) - skip
    cdef int i, d, dims = 0, kind = -1, t, missing, columns
    cdef uint32_t wide_bits = 0  # arrays with several columns, of row kernels
    cdef Py_ssize_t size, total = 1
    cdef Call c
    cdef cnp.ndarray a
    cdef cnp.ndarray first = None
    cdef double numbers[16]
    cdef float floats[16]
    cdef object x
    cdef void* at = NULL
    cdef bint wide = False
    if count > 12 or count < 1:
        return None
    for i in range(count):
        x = operands[i + skip]
        if PyArray_CheckExact(x):
            a = <cnp.ndarray>x
            t = cnp.PyArray_TYPE(a)
            if t == cnp.NPY_FLOAT32 or t == cnp.NPY_FLOAT64:
                if kind >= 0 and t != kind:
                    return None
                kind = t
                if first is None:
                    first = a
            elif t != cnp.NPY_BOOL:
                return None
            if not PyArray_ISBEHAVED_RO(a):
                return None
            if cnp.PyArray_NDIM(a) > dims:
                dims = cnp.PyArray_NDIM(a)
            continue
        t = scalar_kind(x, &at)
        if t == cnp.NPY_FLOAT32:
            if kind == cnp.NPY_FLOAT64:
                return None
            kind = t
        elif t == cnp.NPY_FLOAT64:  # a Python float, too
            wide = True
        elif not isinstance(x, (float, int)) or isinstance(x, bool):
            return None
    if kind < 0 and wide:
        kind = cnp.NPY_FLOAT64
    if kind < 0 or dims > 7:
        return None
    if dims == 0 and (kernel.rows or given is not None):
        return None
    columns = dims - <int>operands[0] if kernel.rows else dims
    for d in range(dims):
        c.shape[d] = 1
    for i in range(count):
        x = operands[i + skip]
        if not PyArray_CheckExact(x):
            c.operand[i].base = <char*>(numbers + i) if kind == cnp.NPY_FLOAT64 else <char*>(floats + i)
            c.operand[i].is_bool = False
            numbers[i] = (<float*>at)[0] if scalar_kind(x, &at) == cnp.NPY_FLOAT32 else x
            floats[i] = <float>numbers[i]
            for d in range(dims):
                c.operand[i].stride[d] = 0
            continue
        a = <cnp.ndarray>x
        place(&c.operand[i], a, dims)
        missing = dims - cnp.PyArray_NDIM(a)
        for d in range(missing, dims):
            size = cnp.PyArray_DIM(a, d - missing)
            if size != 1:
                if d >= columns:
                    wide_bits |= <uint32_t>1 << i
                if c.shape[d] != 1 and c.shape[d] != size:
                    return None  # the fallback says what does not fit
                c.shape[d] = size
    for d in range(dims):
        total *= c.shape[d]
    if total == 0:
        return None
    c.dims = dims
    c.row_dims = columns if kernel.rows else 0
    if c.row_dims < 0 or (kernel.rows and c.row_dims == dims):
        return None
    if dims == 0:
        return launch_number(kernel, &c, count, kind)
    return launch(kernel, operands, given, &c, vector_bits(&c, count, wide_bits), count, kind, first, total)


cdef uint32_t vector_bits(Call* c, int count, uint32_t wide) noexcept:
    """Which operands vary within a row; with a single column all do that are arrays of more than one number.

    Those in ``wide`` have several columns, which a row kernel may reduce even if all are the same memory.
    """
    cdef uint32_t bits = wide
    cdef int i, d
    cdef Py_ssize_t columns = 1
    for d in range(c.row_dims, c.dims):
        columns *= c.shape[d]
    for i in range(count):
        for d in range(c.row_dims, c.dims):
            if c.operand[i].stride[d] != 0 and c.shape[d] != 1:
                bits |= <uint32_t>1 << i
    if columns == 1 or bits == 0:
        for i in range(count):
            bits |= <uint32_t>1 << i
    return bits


cdef object launch(
    Kernel kernel, tuple operands, object given, Call* c, uint32_t vectors, int count, int kind, cnp.ndarray first,
    Py_ssize_t total
):
    """Make the results, keep inputs that would be overwritten too early, sort the dimensions, run."""
    cdef Compiled compiled = kernel.compiled(vectors, count)
    if compiled is None:
        return None
    cdef Program* program = &compiled.program
    cdef int j
    cdef list outputs = []
    c.program = program
    if given is None and program.outputs == 1 and program.output_kind[0] == VECTOR and not compiled.masks[0]:
        operand = operands[1 if kernel.rows else 0]
        if not program.hazards[0] & 1 and in_one_pass(c) and take_over(operand) and fits(<cnp.ndarray>operand, c, kind):
            given = (operand,)
    for j in range(program.outputs):
        if given is not None:
            y = given[j]
            if not fits(<cnp.ndarray?>y, c, cnp.NPY_BOOL if compiled.masks[j] else kind):
                return None
        else:
            y = new_output(c, program.output_kind[j], cnp.NPY_BOOL if compiled.masks[j] else kind, first)
        outputs.append(y)
        place(&c.operand[count + j], <cnp.ndarray>y, c.dims)
    keep = [] if given is None else protect(program, c, operands[len(operands) - count:], outputs)
    if c.row_dims == 0:
        sort_dims(c, count + program.outputs, count)
    if total < 4096:
        if kind == cnp.NPY_FLOAT32:
            run[float](c[0])
        else:
            run[double](c[0])
    else:
        with nogil:
            if kind == cnp.NPY_FLOAT32:
                run[float](c[0])
            else:
                run[double](c[0])
    return outputs[0] if program.outputs == 1 else tuple(outputs)


cdef object launch_number(Kernel kernel, Call* c, int count, int kind):
    """Results of operands without dimensions, as NumPy scalars."""
    cdef Compiled compiled = kernel.compiled(((<uint32_t>1) << count) - 1, count)
    if compiled is None:
        return None
    cdef Program* program = &compiled.program
    cdef Operand* target
    cdef void* at = NULL
    cdef list outputs = []
    cdef int j
    c.program = program
    c.dims = c.shape[0] = 1
    for j in range(program.outputs):
        if compiled.masks[j]:
            return None
        outputs.append(new_scalar(kind, &at))
        target = &c.operand[count + j]
        target.base = <char*>at
        target.is_bool = False
        target.stride[0] = 0
    if kind == cnp.NPY_FLOAT32:
        run[float](c[0])
    else:
        run[double](c[0])
    return outputs[0] if program.outputs == 1 else tuple(outputs)


cdef bint in_one_pass(Call* c) noexcept:
    """Whether a row has been read when it is written."""
    cdef int d
    cdef Py_ssize_t columns = 1
    if c.row_dims > 0:
        for d in range(c.row_dims, c.dims):
            columns *= c.shape[d]
    return columns <= WHOLE_ROW


cdef bint fits(cnp.ndarray y, Call* c, int kind):
    """Whether results can be written straight into ``y``."""
    cdef int d
    if not PyArray_ISBEHAVED(y) or cnp.PyArray_NDIM(y) != c.dims or cnp.PyArray_TYPE(y) != kind:
        return False
    for d in range(c.dims):
        if cnp.PyArray_DIM(y, d) != c.shape[d] or (cnp.PyArray_STRIDE(y, d) == 0 and c.shape[d] != 1):
            return False
    return True


cdef object new_output(Call* c, Kind kind, int type_number, cnp.ndarray first):
    """A result: laid out like the first operand where that has the full shape and repeats nothing, else in C order."""
    cdef cnp.npy_intp shape[8]
    cdef int d
    cdef bint full = first is not None and cnp.PyArray_NDIM(first) == c.dims
    for d in range(c.dims):
        shape[d] = c.shape[d]
        if full and (cnp.PyArray_DIM(first, d) != c.shape[d] or (c.shape[d] > 1 and cnp.PyArray_STRIDE(first, d) == 0)):
            full = False
    if kind == VECTOR and full and not PyArray_IS_C_CONTIGUOUS(first):
        return new_like(first, type_number)
    for d in range(c.dims):
        if (kind == SCALAR and d >= c.row_dims) or (kind == COLUMNS and d < c.row_dims):
            shape[d] = 1
    return new_array(c.dims, shape, type_number)


cdef list protect(Program* program, Call* c, tuple operands, list outputs):
    """Copy the inputs that the outputs would overwrite before they are read for the last time."""
    cdef list kept = []
    cdef int i, j
    cdef Span a, y
    for j in range(program.outputs):
        y = span(<cnp.ndarray>outputs[j])
        for i in range(program.inputs):
            x = operands[i]
            if not PyArray_CheckExact(x):
                continue
            a = span(<cnp.ndarray>x)
            if a.high <= y.low or y.high <= a.low:
                continue
            if same_elements(<cnp.ndarray>x, <cnp.ndarray>outputs[j]) and not program.hazards[j] >> i & 1:
                continue
            x = x.copy()
            kept.append(x)
            place(&c.operand[i], <cnp.ndarray>x, c.dims)
    return kept


cdef void sort_dims(Call* c, int operands, int output) noexcept:
    """Let the dimensions run in the order in which the first output has them in memory."""
    cdef int d, e, i
    cdef Index swap
    for d in range(1, c.dims):
        for e in range(d, 0, -1):
            if c.shape[e] == 1 or c.shape[e - 1] == 1 or abs(c.operand[output].stride[e - 1]) >= abs(c.operand[output].stride[e]):
                break
            swap = c.shape[e]
            c.shape[e] = c.shape[e - 1]
            c.shape[e - 1] = swap
            for i in range(operands):
                swap = c.operand[i].stride[e]
                c.operand[i].stride[e] = c.operand[i].stride[e - 1]
                c.operand[i].stride[e - 1] = swap
