"""Copies of views, numerical derivatives, hashes, histograms of points, the rarer Chebyshev polynomials, and single calls."""

from __future__ import annotations

from tests.ops.sample import CANCELS, VALUE, Sample, c128, const, each, f32, f64, i64, over, relax, u8, without

SPECS = (f64(3, 4), f32(3, 4), c128(3, 4), f64(4, 3, layout="transposed"), f64(4, 3, layout="strided"))
OUT = "t.{0}(x, {{}}, out=out)"


def copies(op: str, *arguments: str) -> list[Sample]:
    """The calls of one copy, on all layouts, and with out=."""
    return [
        s
        for i, given in enumerate(SPECS)
        for s in each(op, f"t.{op}(x, {{}})", given, *arguments, out=OUT.format(op) if i == 0 else "")
    ]


COPIES: list[Sample] = [
    *copies("alias_copy", ""),
    *copies("as_strided_copy", "(2, 2), (1, 2)", "(2, 2), (2, 1), 1", "(2, 3), (1, 1)"),
    *copies("diagonal_copy", "", "1, 1, 0"),
    *over("expand_copy", "t.expand_copy(x, (2, 3, -1))", *SPECS[:3], out="t.expand_copy(x, (2, 3, -1), out=out)"),
    *over("expand_copy", "t.expand_copy(x, (3, 2))", f64(1, 2), f64(3, 1), f64(2)),
    *copies("narrow_copy", "1, 1, 2", "0, 0, 3", "-1, 0, 0"),
    *over("narrow_copy", "x.narrow_copy(0, 1, 1)", f64(3, 2)),
    *copies("permute_copy", "(1, 0)", "(0, 1)"),
    *over("permute_copy", "t.permute_copy(x, (2, 0, 1))", f64(2, 3, 4)),
    *copies("squeeze_copy", "", "0", "(0, 1)"),
    *over("squeeze_copy", "t.squeeze_copy(x)", f64(1, 3, 1), f64()),
    *each("squeeze_copy", "t.squeeze_copy(x, {})", f64(1, 3, 1), "0", "(0, 2)", "1"),
    *copies("t_copy", ""),
    *over("t_copy", "t.t_copy(x)", f64(3), f64()),
    *copies("transpose_copy", "0, 1", "-1, -1"),
    *copies("unfold_copy", "1, 2, 1", "0, 2, 3"),
    *copies("unsqueeze_copy", "0", "-1"),
    *over("view_copy", "t.view_copy(x, (4, 3))", *SPECS[:3], out="t.view_copy(x, (4, 3), out=out)"),
    *over("view_copy", "t.view_copy(x, (-1,))", f64(2, 3), f64(0, 3), f64()),
    *over("view_copy", "t.view_copy(x, t.int64)", f64(2, 3), only=VALUE),
    *each("split_with_sizes_copy", "t.split_with_sizes_copy(x, {})", f64(3, 4), "(1, 2)", "[1, 3], 1", "[0, 4], -1"),
    *each("unbind_copy", "t.unbind_copy(x, {})", c128(3, 2), "", "1", "-1"),
    *over("unbind_copy", "t.unbind_copy(x)[1] * 2", f64(3, 2)),
]
GRADIENTS: list[Sample] = [
    *each(
        "gradient", "t.gradient(x, {})", f64(6), "", "edge_order=2", "spacing=2.0", "spacing=[3]", "spacing=0.5, dim=0"
    ),
    *each("gradient", "t.gradient(x, {})", f64(3, 4), "dim=-1, edge_order=2", "dim=(1, 0)", "spacing=[1.0, 0.5]"),
    *each("gradient", "t.gradient(x, {})", c128(4), "", "spacing=2"),
    *over("gradient", "t.gradient(x)", f32(3, 3), f64(4, 3, layout="transposed"), f64(2)),
    *over("gradient", "t.gradient(x, spacing=2)", i64(5), only=VALUE),
    *over(
        "gradient",
        "t.gradient(x, spacing=(y,))",
        (f64(5), const([0.0, 1.0, 3.0, 4.5, 5.0])),
        (f32(4), const([0, 1, 3, 6], "int64")),
    ),
    *over("gradient", "t.gradient(x, spacing=(y,), edge_order=2)", (f64(5), const([0.0, 1.0, 3.0, 4.5, 5.0]))),
    *over(
        "gradient",
        "t.gradient(x, spacing=(y, z), edge_order=2)",
        (f64(3, 4), const([0.0, 1.0, 3.0]), const([2.0, 1.0, 0.5, 0.2])),
    ),
    *over("gradient", "t.gradient(x, spacing=(y,), dim=1)", (f64(2, 3), const([0.0, 1.0, 3.0]))),
]
HASHES: list[Sample] = [
    *over(
        "hash_tensor",
        "t.hash_tensor(x)",
        f64(3, 4),
        f32(5),
        i64(6),
        u8(7),
        f64(),
        const([True, False, True], "bool"),
        only=VALUE,
    ),
    *each(
        "hash_tensor",
        "t.hash_tensor(x, {})",
        f64(3, 4),
        "0",
        "dim=1, keepdim=True",
        "(0, 1)",
        "dim=-1, mode=0",
        only=VALUE,
    ),
    *over("hash_tensor", "x.hash_tensor(0)", f64(4, 3, layout="transposed"), f64(3, 0), only=("forward", "strides")),
]
POINTS = (
    "[2, 3]",
    "4",
    "[2, 2], range=[-1.0, 1.0, 0.0, 2.0]",
    "[3, 2], density=True",
)
COUNTS: list[Sample] = [
    *each("histogramdd", "tuple(t.histogramdd(x, {}))", f64(9, 2, grad=False), *POINTS, only=("forward", "strides")),
    *each("histogramdd", "tuple(t.histogramdd(x, {}))", f32(2, 3, 1, grad=False), "3", only=("forward",)),
    *each(
        "histogramdd",
        "tuple(t.histogramdd(x, {}, weight=y))",
        (f64(9, 2, grad=False), f64(9, domain="positive", grad=False)),
        *POINTS[:3],
        only=("forward",),
    ),
    *over(
        "histogramdd",
        "tuple(t.histogramdd(x, [y, z]))",
        (f64(9, 2, grad=False), const([-1.0, 0.0, 1.5], grad=False), const([-2.0, 2.0], grad=False)),
        only=("forward",),
    ),
]
DEGREES = const([-1, 0, 1, 2, 3, 5, 8, 9], "int64")
PLACES = const([-1.0, -0.9, -0.3, 0.0, 0.4, 0.8, 1.0, 1.4])
CHEBYSHEV: list[Sample] = [
    s
    for stem in ("chebyshev_polynomial_v", "chebyshev_polynomial_w")
    for name in (stem, "shifted_" + stem)
    for s in over(
        f"special.{name}",
        f"t.special.{name}(x, y)",
        (PLACES, DEGREES),
        (f32(4, domain="unit"), i64(4)),
        (f64(3, domain="unit"), const(4, "int64")),
        only=VALUE,
        out=f"t.special.{name}(x, y, out=out)",
    )
]

SINGLE: list[Sample] = [
    *over("as_strided", "x.as_strided((2, 2), (3, 1), 1)", f64(6), inplace="x.as_strided_((2, 2), (3, 1), 1)"),
    *over("as_strided", "x.as_strided((2, 3), (1, 1))", f64(2, 3), inplace="x.as_strided_((2, 3), (1, 1))"),
    *over("__rdiv__", "x.__rdiv__(2)", f64(3, domain="nonzero"), i64(3, domain="integral")),
    *over("zero_", "t.zero_(x * 1)", f64(2, 3), i64(3), only=("forward", "node", "grad", "jvp")),
    *each("empty_permuted", "t.empty_permuted({}).zero_()", (), "(2, 3, 4), (0, 2, 1)", "(), ()", only=VALUE),
    *each("empty_permuted", "t.empty_permuted({}).zero_()", (), "(2, 3), (1, 0), dtype=t.int32", only=VALUE),
    *over("resize_as_", "t.resize_as_(x, y)", (f64(6, grad=False), f64(2, 3, grad=False)), only=("forward", "strides")),
    *over("sum", "x.sum(0)", f64(3, 0), f64(2, 0, 3)),
    *over("add", "x + 1", f64(3, 0), f64(2, 0, 3)),
    *relax(4, CANCELS, each("sum", "x.sum({})", f64(2, 3), "None", "dim=None", "dim=None, keepdim=True")),
    *each("mean", "x.mean({})", f64(2, 3), "None", "dim=None"),
    *over("sum", "t.sum(x, None)", f64(2, 3), c128(3)),
]

SAMPLES = [
    *SINGLE,
    *without({"saved": "parameters are those of the view; torch writes absent ones as None"}, COPIES),
    *relax(8, "differences of neighbours, added in another order", GRADIENTS),
    *HASHES,
    *COUNTS,
    *relax(64, "differences of polynomials of the second kind, torch takes cosines", CHEBYSHEV),
]
