"""Comparisons and tests of values, maximum and minimum, clamp, where, masks."""

from __future__ import annotations

from tests.ops.sample import (
    INF,
    NAN,
    VALUE,
    S,
    Sample,
    b8,
    binary,
    c128,
    change_some,
    const,
    each,
    f32,
    f64,
    i64,
    over,
    u8,
    unary,
    without,
)

TIES = (const([1.0, 2.0, -1.0, 0.0]), const([1.0, -2.0, -1.0, -0.0]))
KINK = {"numeric": "ties: the function has a kink there"}
OTHER_SIDE = {**KINK, "jvp": "ties: torch's tangent follows the other operand than its gradient"}
ASSERTION = {"inplace": "torch stops with an internal assertion: it records integers that a float is compared with"}
SHAPE_ONLY = {"saved": "torch keeps a tensor of which the gradient reads the shape; wengert keeps the shape"}

COMPARISONS = change_some(
    [
        sample
        for op in ("eq", "ne", "lt", "le", "gt", "ge")
        for sample in binary(op, "ties", kinds="fibc" if op in ("eq", "ne") else "fib", differentiable=False)
    ],
    lambda s: [i.dtype for i in s.inputs] == ["int64", "float32"],
    lambda found: without(ASSERTION, found),
)
OPERATORS = [
    *each(
        "eq", "x {} y", (f64(2, 3, domain="ties"), f64(3, domain="ties")), "==", "!=", "<", "<=", ">", ">=", only=VALUE
    ),
    *each("eq", "x {} 0", f64(4, domain="ties"), "==", "!=", "<", "<=", ">", ">=", only=VALUE),
    *each("eq", "1 {} x", i64(4), "==", "!=", "<", "<=", ">", ">=", only=VALUE),
    *each("eq", "x == {}", i64(4), "None", "'a'", "2.5", "True", only=VALUE),
    *each("equal", "t.equal(x, {})", f64(3), "x", "x + 1", "x[:2]", only=VALUE),
    *each("allclose", "t.allclose(x, {})", f64(3), "x", "x + 1e-9", "x + 1", "x * 1.1, rtol=0.2", only=VALUE),
    *over("isclose", "t.isclose(x, y)", TIES, (f64(3), f64(3)), only=VALUE),
    *each("isclose", "t.isclose(x, x + 1e-3{})", f64(4), "", ", atol=1e-2", ", rtol=1.0", only=VALUE),
    S("isclose", "t.isclose(x, x, equal_nan=True)", const([NAN, INF, 1.0]), only=VALUE),
]

TESTS = [
    *unary("isnan", inplace=False, out=False, differentiable=False),
    *unary("isinf", inplace=False, out=False, differentiable=False),
    *unary("isfinite", inplace=False, out=False, differentiable=False),
    *unary("isposinf", kinds="fi", inplace=False, differentiable=False, method=False),
    *unary("isneginf", kinds="fi", inplace=False, differentiable=False, method=False),
    *unary("signbit", kinds="fib", inplace=False, differentiable=False),
    *unary("logical_not", differentiable=False),
    *unary("isreal", inplace=False, out=False, differentiable=False),
    *over("is_nonzero", "t.is_nonzero(x)", const([2.0]), const(0, "int64"), only=("forward",)),
    *each("bool", "bool(x{})", f64(1), "", " > 0", " != 0", only=("forward",)),
    *binary("logical_and", "ties", differentiable=False),
    *binary("logical_or", "ties", differentiable=False),
    *binary("logical_xor", "ties", differentiable=False),
]

EXTREMES = [
    *binary("maximum", kinds="fib", inplace=False),
    *binary("minimum", kinds="fib", inplace=False),
    *binary("fmax", kinds="fi", inplace=False, signed_zeros=False),
    *binary("fmin", kinds="fi", inplace=False, signed_zeros=False),
    *over("maximum", "t.maximum(x, y)", TIES, skip=KINK),
    *over("minimum", "t.minimum(x, y)", TIES, skip=KINK),
    *over("fmax", "t.fmax(x, y)", TIES, skip=OTHER_SIDE),
    *over("fmax", "t.fmax(x, y)", (const([NAN, 1.0]), const([1.0, NAN])), skip=KINK),
    *over("fmin", "t.fmin(x, y)", TIES, (const([NAN, 1.0]), const([1.0, NAN])), skip=KINK),
    *over("max", "t.max(x, y)", (f64(2, 3), f64(3))),
    *over("min", "x.min(y)", (f64(2, 3), f64(3))),
    *over("heaviside", "t.heaviside(x, y)", (f64(2, 3), f64(3)), (i64(3), i64()), TIES, only=VALUE),
]

BOUNDS = ("-0.5, 0.5", "min=-0.5", "max=0.5", "-1, 1", "0.5, -0.5", "None, 0.5")
CLAMP: list[Sample] = [
    *each("clamp", "t.clamp(x, {})", f64(3, 4), *BOUNDS, inplace="x.clamp_({})", out="t.clamp(x, {}, out=out)"),
    *over(
        "clamp",
        "x.clamp(-0.5, 0.5)",
        f64(),
        f64(0, 2),
        f32(20),
        f64(3, 2, layout="transposed"),
        f64(3, layout="strided"),
    ),
    *over("clamp", "x.clamp(-1, 2)", i64(6), u8(4), f64(17, domain="edge"), only=VALUE),
    *over("clamp", "x.clamp(-1.5, 2.5)", i64(6), only=VALUE),
    *over("clamp", "x.clamp(0, 1)", const([0.0, 1.0, -1.0, 2.0, 0.5]), skip=KINK),
    *over("clamp", "x.clamp(y, z)", (f64(2, 3), f64(3), f64(2, 1)), (f64(3), f32(3), f64(3)), inplace="x.clamp_(y, z)"),
    *over("clamp", "t.clamp(x, min=y)", (f64(2, 3), f64(3)), (f64(2, 3), f64())),
    *over("clamp", "t.clamp(x, max=y)", (f64(2, 3), f64(3)), (i64(3), f32(3))),
    *over("clamp", "x.clamp(y)", TIES, skip=OTHER_SIDE),
    *over("clip", "t.clip(x, -0.5, 0.5)", f64(4)),
    *each("clamp_min", "t.clamp_min(x, {})", f64(5), "0.2", "1", inplace="x.clamp_min_({})"),
    *each("clamp_max", "t.clamp_max(x, {})", f64(5), "0.2", "1", inplace="x.clamp_max_({})"),
    S("clamp_min", "t.clamp_min(x, y)", f64(2, 3), f64(3)),
    S("clamp_max", "t.clamp_max(x, y)", f64(2, 3), f64(3)),
    *unary("nan_to_num", kinds="fib"),
    S("nan_to_num", "t.nan_to_num(x)", const([NAN, INF, 1.0 - 1.0j], "complex128", grad=False)),
    *each(
        "nan_to_num",
        "t.nan_to_num(x{})",
        f64(17, domain="edge"),
        ", 1.0",
        ", nan=2.0, posinf=3.0, neginf=-3.0",
        skip=KINK,
    ),
]

THREE = (b8(2, 3), f64(2, 3), f64(2, 3))
WHERE: list[Sample] = [
    *over(
        "where",
        "t.where(x, y, z)",
        THREE,
        (b8(2, 1), f64(3), f64()),
        (b8(0, 3), f64(3), f64(1)),
        (b8(3), f32(3), f64(3)),
    ),
    *over("where", "t.where(x, y, z)", (b8(3), i64(3), f32(3)), (b8(3), i64(3), i64(3)), (b8(3), c128(3), c128(3))),
    *over("where", "t.where(x, y, z)", (b8(3), c128(3), f64(3)), only=VALUE),
    *over("where", "t.where(x, y, z)", (b8(3, 2), f64(3, 2, layout="transposed"), f64(3, 2, layout="transposed"))),
    *each("where", "t.where(x > 0, {})", f64(2, 3), "x, 0.0", "1.0, x", "x, 2", "x.exp(), -x", "1, 2", "1.0, 2"),
    *each("where", "t.where(x)", b8(2, 3), "", only=("forward",)),
    S("where", "y.where(x, z)", *THREE),
    S(
        "where",
        "t.where(x, y, z, out=t.empty(2, 3, dtype=t.float64))",
        b8(2, 3),
        f64(2, 3, grad=False),
        f64(3, grad=False),
    ),
    S("where", "t.where(x > 0, x.sqrt(), y)", const([4.0, 1.0]), f64(2)),
    *each("masked_fill", "x.masked_fill(y, {})", (f64(2, 3), b8(2, 3)), "0.0", "2", inplace="x.masked_fill_(y, {})"),
    S("masked_fill", "x.masked_fill(y, -inf)", f64(2, 3), b8(2, 3), skip={"numeric": "differences of infinities"}),
    *over(
        "masked_fill", "x.masked_fill(y, 2.5)", (f64(2, 3), b8(3)), (f64(3), b8(2, 1)), (f64(), b8()), (c128(3), b8(3))
    ),
    *over("masked_fill", "t.masked_fill(x, y, 3)", (i64(4), b8(4)), (f32(0), b8(0)), (b8(3), b8(3))),
    S("masked_fill", "x.masked_fill(y, z)", f64(2, 3), b8(2, 3), f64(), inplace="x.masked_fill_(y, z)"),
    *over(
        "masked_select",
        "t.masked_select(x, y)",
        (f64(2, 3), b8(2, 3)),
        (f64(2, 3), b8(3)),
        (i64(4), b8(4)),
        (f64(0), b8(0)),
        skip=SHAPE_ONLY,
    ),
    S("masked_scatter", "x.masked_scatter(y, z)", f64(2, 3), b8(2, 3), f64(6), inplace="x.masked_scatter_(y, z)"),
]

SAMPLES = [*COMPARISONS, *OPERATORS, *TESTS, *EXTREMES, *CLAMP, *WHERE]
