"""Creation of tensors and conversion between dtypes."""

from __future__ import annotations

from tests.ops.sample import INF, NAN, S, Sample, b8, c128, const, each, f16, f32, f64, i64, index, over, u8, without

REAL = ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool")
EVERY = (*REAL, "complex64", "complex128")

TO: list[Sample] = [
    *each("to", "x.to(t.{})", f64(2, 3), *REAL, "complex128", "complex64"),
    *each("to", "x.to(t.{})", f32(2, 3), *REAL, "complex64"),
    *each("to", "x.to(t.{})", c128(3), "complex64", "complex128"),
    *each("to", "x.to(t.{})", i64(5), *EVERY),
    *each("to", "x.to(t.{})", b8(4), *EVERY),
    *each("to", "x.to(t.{})", u8(4), *EVERY),
    *each("to", "x.to(t.{})", f16(4), "float32", "float64", "int64"),
    *each(
        "to", "x.to({})", f32(3), "dtype=t.float64", "x", "t.tensor(1, dtype=t.float64)", "'cpu'", "'cpu', t.float64"
    ),
    *each("to", "x.to({})", f32(3), "t.float64, copy=True", "t.float32, copy=True"),
    *over("to", "x.to(t.float32)", f64(), f64(0), f64(3, 4, layout="transposed"), f64(3, 4, layout="strided")),
    *over("to", "x.to(t.float32)", f64(3, 4, layout="expanded"), const([1e300, 1e-300, NAN, INF, -0.0])),
    *over("to", "x.to(t.int64)", const([1.9, -1.9, 0.5, -0.5])),
    *each("float", "x.{}()", f64(3), "float", "double", "half", "long", "int", "short", "char", "bool"),
    *each("float", "x.{}()", i64(3), "float", "double", "long", "int", "bool", "byte"),
    *over("cfloat", "x.cfloat()", f64(3), f32(2)),
    *over("cdouble", "x.cdouble()", f64(3), c128(2)),
    *each("type", "x.type({})", f64(3), "t.float32", "t.int64", only=("forward", "grad")),
    *over("type_as", "x.type_as(y)", (f64(3), f32(2, grad=False)), (i64(3), f64(2, grad=False))),
    S("to", "(x.to(t.float64) * y).sum()", f32(3), f64(3)),
]

FILLED: list[Sample] = [
    *each(
        "zeros",
        "t.zeros({})",
        (),
        "2, 3",
        "(2, 3)",
        "3, dtype=t.int64",
        "()",
        "0",
        "[2], dtype=t.bool",
        "2, dtype=t.complex64",
    ),
    *each("ones", "t.ones({})", (), "2, 3", "(2, 3)", "3, dtype=t.int64", "()", "2, requires_grad=True", "size=(2,)"),
    *each(
        "full",
        "t.full({})",
        (),
        "(2, 3), 1.5",
        "(2,), 3",
        "(2,), True",
        "(), 2.5",
        "(2,), 1j",
        "(2,), 1, dtype=t.float32",
    ),
    *each("eye", "t.eye({})", (), "3", "2, 3", "3, dtype=t.int64", "0", "2, 0"),
    *each("empty", "t.empty({}).shape", (), "2, 3", "(0,)", "()", only=("forward",)),
    *each("zeros_like", "t.{}_like(x)", f64(2, 3), "zeros", "ones"),
    *each("zeros_like", "t.{}_like(x)", f32(3, 4, layout="transposed"), "zeros", "ones"),
    *each("zeros_like", "t.{}_like(x)", i64(2), "zeros", "ones"),
    *each("zeros_like", "t.zeros_like(x, {})", f64(3, 4, layout="strided"), "dtype=t.int32", "requires_grad=True"),
    *each("full_like", "t.full_like(x, {})", f32(2, 2), "1.5", "3", "2, dtype=t.int64"),
    *each("empty_like", "t.empty_like(x).stride()", f64(3, 4, layout="transposed"), "", only=("forward",)),
    *each("new_zeros", "x.new_{}", f32(2, 3), "zeros(2)", "ones((2, 2))", "full((2,), 3)", "zeros(2, dtype=t.int64)"),
    *each("new_tensor", "x.new_tensor({})", f32(2), "[1, 2]", "[1.5]", "3"),
    *each("diag_embed", "t.diag(t.ones({}))", (), "2", "0"),
]

RANGES: list[Sample] = [
    *each(
        "arange", "t.arange({})", (), "5", "1, 5", "1, 6, 2", "5.0", "0, 1, 0.25", "5, 0, -2", "0", "3, dtype=t.float64"
    ),
    *each(
        "arange",
        "t.arange({})",
        (),
        "0.1, 1, 0.3",
        "1, 2.5, 0.5, dtype=t.float32",
        "2.5",
        "start=1, end=4",
        "0, 5, dtype=t.int32",
    ),
    *each(
        "linspace",
        "t.linspace({})",
        (),
        "0, 1, 5",
        "-1, 1, 4",
        "1, 0, 3",
        "0, 1, 1",
        "0, 10, 7, dtype=t.float64",
        "0, 1, 0",
    ),
    *each("linspace", "t.linspace({}, dtype=t.int32)", (), "7, 0.5, 5", "-3.7, 9.9, 6"),
    *each("linspace", "t.linspace({})", (), "-10, 10, 101", "0.1, 0.9, 30", "0, 6.283185307179586, 100"),
    *each(
        "logspace",
        "t.logspace({})",
        (),
        "0, 2, 3",
        "0, 1, 4, base=2",
        "-1, 1, 5, dtype=t.float64",
        slack=4,
        why="powers",
    ),
    *each("tril_indices", "t.tril_indices({})", (), "3, 3", "2, 4, 1", only=("forward",)),
    *each("vander", "t.vander(x{})", f64(3), "", ", 2", ", increasing=True", only=("forward",)),
]

DATA: list[Sample] = [
    *each(
        "tensor",
        "t.tensor({})",
        (),
        "1",
        "2.5",
        "True",
        "1j",
        "[]",
        "[1, 2]",
        "[1, 2.5]",
        "[[1.0, 2.0], [3.0, 4.0]]",
        "[True, False]",
    ),
    *each(
        "tensor",
        "t.tensor({})",
        (),
        "[1, 2], dtype=t.float64",
        "(1, 2)",
        "[[]]",
        "[[1], [2]]",
        "[1, 2j]",
        "range(3)",
        "[True, 2]",
    ),
    *each(
        "tensor", "t.tensor({})", (), "np.array([1, 2])", "np.float32(1.5)", "np.ones((2, 2), np.float32)", "np.int8(3)"
    ),
    *each(
        "tensor",
        "t.tensor({})",
        (),
        "[t.tensor(1), t.tensor(2)]",
        "[np.float64(1), np.float64(2)]",
        "1.5, requires_grad=True",
    ),
    *each("as_tensor", "t.as_tensor({})", (), "[1, 2]", "np.array([1.5])", "2, dtype=t.float32"),
    *each("as_tensor", "t.as_tensor(x{})", f32(2), "", ", dtype=t.float64"),
    *each("asarray", "t.asarray(x{})", f64(2), "", ", copy=True"),
    *each("Tensor", "t.Tensor({})", (), "[1, 2]", "[[1.5]]", "[]", only=("forward",)),
    *each(
        "FloatTensor", "t.{}([1, 2])", (), "FloatTensor", "DoubleTensor", "LongTensor", "IntTensor", only=("forward",)
    ),
    *each("from_numpy", "t.from_numpy(np.arange(6.0).reshape(2, 3){})", (), "", ".T", "[::2, 1:]", "[0]"),
    *each("scalar_tensor", "t.scalar_tensor({})", (), "2", "2.5", "3, dtype=t.int64", only=("forward",)),
]

FILLING: list[Sample] = [
    *each("fill_", "x + 0", f64(3), "", inplace="x.fill_(2)"),
    *over("fill_", "x + y * 0", (f64(3), f64()), inplace="x.fill_(y)"),
    *over("zero_", "x * 0", f64(3), i64(3), inplace="x.zero_()"),
    *over("copy_", "x * 0 + y", (f64(2, 3), f64(3)), (f64(2), f32(2)), (f64(2), i64(2)), inplace="x.copy_(y)"),
    *over(
        "copy_", "x.copy_(y)", (i64(3), f64(3, grad=False)), (b8(3), i64(3)), (f32(2, grad=False), index(2, below=4))
    ),
    *over("fill_", "x.fill_(3.7)", i64(3), u8(2), b8(2)),
    *over("detach", "x.detach() * 2", f64(3)),
    *over("requires_grad_", "(x.detach().requires_grad_() * 2).requires_grad", f64(3), only=("forward",)),
]

# bfloat16 is not compared: NumPy has no such arrays. That conversions say so is tested in test_refusals.py.
ROUNDING = {"numeric": "rounding to a narrower dtype is a step function"}
SAMPLES = [*without(ROUNDING, TO), *FILLED, *RANGES, *DATA, *FILLING]
