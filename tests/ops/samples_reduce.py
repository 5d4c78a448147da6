"""Reductions: sums, means, products, variances, extremes, norms, all and any."""

from __future__ import annotations

from tests.ops.sample import (
    CANCELS,
    INF,
    NAN,
    VALUE,
    S,
    Sample,
    b8,
    c64,
    c128,
    change_some,
    const,
    each,
    f32,
    f64,
    i32,
    i64,
    over,
    relax,
    relax_only,
    u8,
    without,
)

DIMS = ("", "0", "-1", "1, keepdim=True", "(0, 2)", "(-1, 0), keepdim=True", "dim=None", "dim=(1,)", "dim=[0, 1, 2]")
CUBE = f64(2, 3, 4)
EMPTY = (f64(0, 3), f64(2, 0), f64(0))
LAYOUTS = (f64(3, 4, layout="transposed"), f64(3, 4, layout="strided"), f64(3, 4, layout="expanded"), f64(), f32(50))
KINK = {"numeric": "ties: the function has a kink there"}
WRITTEN_OUT = {"node": "dim=None written out and left out are one call here, two nodes in torch"}
TIED = const([1.0, 1.0, 0.0, 1.0])
NANS = const([1.0, NAN, 2.0, -INF])


def by_dims(op: str) -> list[Sample]:
    """Return the samples of sum or mean over every choice of dimensions."""
    return change_some(
        each(op, f"x.{op}({{}})", CUBE, *DIMS),
        lambda s: "dim=None" in s.code,
        lambda found: without(WRITTEN_OUT, found),
    )


SUMS = [
    *by_dims("sum"),
    *each("sum", "t.sum(x, {})", f64(2, 3), "0", "(0, 1), True", out="t.sum(x, {}, out=out)"),
    *over("sum", "x.sum()", *EMPTY, *LAYOUTS, c128(3), c64(2, 2), i64(4), b8(4), i32(4), u8(4)),
    *over("sum", "x.sum(0)", *EMPTY, *LAYOUTS, c128(3), i64(2, 3), b8(2, 3), i32(4)),
    *over("sum", "x.sum(())", f64(2, 3)),
    *each("sum", "x.sum(dtype=t.{})", i64(3), "float32", "int64", "complex64"),
    *each("sum", "x.sum(0, dtype=t.{})", f32(3, 2), "float64", "float32"),
    *each("nansum", "t.nansum(x{})", const([1.0, NAN, 2.0]), "", ", 0", ", 0, True", skip={"numeric": "NaN"}),
    *relax_only(("jvp",), 64, CANCELS, by_dims("mean")),
    *each("mean", "t.mean(x, {})", f64(2, 3), "0", "1, True", out="t.mean(x, {}, out=out)"),
    *over("mean", "x.mean()", *EMPTY, *LAYOUTS, c128(3)),
    *over("mean", "x.mean(0)", f64(2, 0), f64(0, 3), f32(4, 5), c64(2, 2)),
    *each("mean", "x.mean({}dtype=t.float64)", i64(4), "", "0, "),
    *each("nanmean", "t.nanmean(x{})", const([1.0, NAN, 2.0]), "", ", 0", skip={"numeric": "NaN"}),
    *each("count_nonzero", "t.count_nonzero(x{})", i64(2, 3), "", ", 0", ", (0, 1)", only=VALUE),
    *over("sum_to_size", "x.sum_to_size(1, 3)", u8(2, 3), b8(2, 3), u8(1, 3), only=VALUE),
    *each("sum_to_size", "x.sum_to_size({})", CUBE, "1, 3, 1", "(3, 4)", "2, 3, 4"),
]

PRODUCTS = [
    *each("prod", "x.prod({})", f64(2, 3), "", "0", "-1", "1, keepdim=True"),
    S("prod", "x.prod(dtype=t.float64)", f32(2, 3)),
    *over("prod", "x.prod()", *EMPTY, *LAYOUTS[:4], c128(3), i64(3), b8(3)),
    *over("prod", "x.prod(0)", f64(2, 0), f64(), f32(3, 2), c128(3, 2), i64(3), f64(3, 4, layout="transposed")),
    *over("prod", "x.prod()", const([0.0, 2.0, 3.0]), const([0.0, 0.0, 3.0]), const([[0.0, 2.0], [3.0, 0.0]])),
    *over("prod", "x.prod(1)", const([[0.0, 2.0, 3.0], [1.0, 2.0, 3.0]]), const([[0.0, 0.0, 3.0], [1.0, 2.0, 0.0]])),
    S("prod", "x.prod(0)", const([0.0, 2.0j, 3.0], "complex128")),
]

FLAT = {"second": "the deviation of two values has no curvature: both libraries return rounding noise"}
SPREADS = change_some(
    [
        sample
        for op in ("var", "std")
        for sample in (
            *each(op, f"x.{op}({{}})", CUBE, *DIMS),
            *each(
                op, f"x.{op}({{}})", f64(3, 4), "unbiased=False", "False", "0, False", "0, unbiased=True, keepdim=True"
            ),
            *each(
                op,
                f"t.{op}(x, {{}})",
                f64(3, 4),
                "correction=0",
                "1, correction=2",
                "(0, 1), correction=0, keepdim=True",
            ),
            *each(op, f"t.{op}(x, {{}})", f64(3, 4), "0", "1, True, True", out=f"t.{op}(x, {{}}, out=out)"),
            *over(op, f"x.{op}()", *LAYOUTS[:3], LAYOUTS[4], c128(4)),
            *over(op, f"x.{op}(0)", c128(3, 2), f32(6, 2), f64(2, 0)),
        )
    ],
    lambda s: s.code == "x.std(0)" and s.inputs == (CUBE,),
    lambda found: without(FLAT, found),
)
PAIRS = [
    *each("var_mean", "t.var_mean(x{})", f64(3, 4), "", ", 0", ", 1, correction=0, keepdim=True", ", unbiased=False"),
    *each("std_mean", "t.std_mean(x{})", f64(3, 4), "", ", 0", ", 1, correction=0, keepdim=True", ", unbiased=False"),
    *over("std", "x.std()", const([1.0, 1.0, 1.0]), only=("forward", "grad")),
    *over("var", "x.var()", f64(1), f64(0), only=("forward", "node")),
]

EXTREMES = [
    sample
    for op in ("max", "min")
    for sample in (
        *over(op, f"x.{op}()", CUBE, *LAYOUTS, i64(4), b8(3)),
        *each(op, f"x.{op}({{}})", CUBE, "0", "-1", "1, keepdim=True", "dim=2", "1, True"),
        *over(op, f"x.{op}(0)", f64(3, 4, layout="transposed"), f64(2, 0), f64(), f32(7), i64(5), b8(4)),
        *over(op, f"x.{op}()", TIED, skip=KINK),
        *over(op, f"x.{op}(0)", TIED, skip=KINK),
        *over(op, f"x.{op}()", NANS, only=("forward", "grad")),
        *over(op, f"x.{op}(0)", NANS, only=("forward", "grad")),
        S(op, f"t.{op}(x, 1)", f64(2, 3), out=f"t.{op}(x, 1, out=out)"),
        S(op, f"x.{op}(0).values", f64(3, 2)),
        S(op, f"x.{op}(0).indices", f64(3, 2)),
        *each(f"a{op}", f"x.a{op}({{}})", CUBE, "", "0", "(0, 2)", "-1, keepdim=True", "dim=(0, 1, 2)"),
        *over(f"a{op}", f"x.a{op}(0)", *LAYOUTS, i64(4), f64(2, 0)),
        *over(f"a{op}", f"x.a{op}()", TIED, const([[1.0, 2.0], [2.0, 0.0]]), skip=KINK),
        *over(f"a{op}", f"x.a{op}(1)", const([[1.0, 1.0], [2.0, 0.0]]), skip=KINK),
        S(f"a{op}", f"t.a{op}(x, 1)", f64(2, 3), out=f"t.a{op}(x, 1, out=out)"),
        *each(f"arg{op}", f"x.arg{op}({{}})", f64(2, 3, 4), "", "0", "-1", "1, keepdim=True", only=VALUE),
        *over(f"arg{op}", f"t.arg{op}(x)", TIED, NANS, f64(), i64(5), f64(3, 4, layout="transposed"), only=VALUE),
        *over(f"arg{op}", f"t.arg{op}(x, 0)", TIED, NANS, i64(5, 2), f64(3, 0), only=VALUE),
    )
]
RANGES = [
    *each("aminmax", "x.aminmax({})", f64(3, 4), "", "dim=0", "dim=1, keepdim=True"),
    *over("aminmax", "x.aminmax()", TIED, skip=KINK),
]

LOGSUMS = [
    *each("logsumexp", "x.logsumexp({})", CUBE, "0", "-1", "(0, 2)", "1, keepdim=True", "(0, 1, 2)"),
    *over("logsumexp", "t.logsumexp(x, 0)", *LAYOUTS, f64(2, 0)),
    *over("logsumexp", "t.logsumexp(x, 0)", f64(0, 3), skip={"jvp": "torch's tangent of log 0 is NaN for no elements"}),
    *over(
        "logsumexp", "t.logsumexp(x, 0)", const([INF, 1.0]), const([-INF, -INF]), skip={"numeric": "infinite values"}
    ),
    S("logsumexp", "t.logsumexp(x, 1)", f64(2, 3), out="t.logsumexp(x, 1, out=out)"),
    *relax_only(
        ("jvp",),
        8,
        "exp(x - result) carries the rounding of results near 1000",
        [S("logsumexp", "t.logsumexp(x, 0)", const([1000.0, 1000.5, 999.0]))],
    ),
]

ORDERS = ("", "1", "2", "3", "0.5", "inf", "-inf", "'fro'", "-1")
NORMS = [
    *each("norm", "x.norm({})", f64(2, 3, domain="distinct"), *ORDERS),
    *each("norm", "x.norm({})", f64(2, 3, domain="distinct"), "dim=1", "1, 0", "2, -1, True", "inf, 1", "3, (0, 1)"),
    *each("norm", "x.norm(0{})", f64(2, 3), "", ", 1", skip={"numeric": "counts the values that are not zero"}),
    *each("norm", "t.norm(x, {})", f64(2, 3), "2, dim=0", "dtype=t.float64", "p=1, dim=(0, 1), keepdim=True"),
    *each("norm", "x.norm({})", c128(3), "", "1", "3", "inf"),
    *over("norm", "x.norm()", f64(), f64(0), f32(20), f64(3, 4, layout="transposed"), f64(3, 4, layout="strided")),
    *over("norm", "x.norm()", const([0.0, 0.0]), const([3.0, 4.0]), skip={"numeric": "kink at zero"}),
    *over("norm", "x.norm(1)", const([0.0, 1.0]), skip={"numeric": "kink at zero"}),
    *over("norm", "x.norm(inf)", const([2.0, -2.0, 1.0]), skip=KINK),
    *each("linalg.vector_norm", "t.linalg.vector_norm(x{})", f64(2, 3), "", ", 1", ", 3, dim=0", ", inf, 1, True"),
    *each("linalg.vector_norm", "t.linalg.vector_norm(x{})", f64(), ", -inf, 0", ", inf, (-1,), True"),
    *each("linalg.norm", "t.linalg.norm(x{})", f64(2, 3), "", ", dim=0", ", 'fro'", ", 1, dim=1"),
    *relax_only(
        ("jvp",),
        4,
        "the tangents of six differences cancel in the sum",
        each("dist", "t.dist(x, y{})", (f64(2, 3), f64(3)), "", ", 1", ", 3"),
    ),
]

LOGIC = [
    sample
    for op in ("all", "any")
    for sample in (
        *each(op, f"x.{op}({{}})", b8(2, 3, 4), "", "0", "-1", "1, keepdim=True", "dim=(0, 2)", "dim=()", only=VALUE),
        *over(op, f"t.{op}(x)", b8(0), b8(), f64(3), i64(4), f64(17, domain="edge"), u8(3), b8(2, 0), only=VALUE),
        *over(op, f"t.{op}(x, 0)", b8(0, 2), f64(3, 2), i64(4, 2), u8(3, 2), only=VALUE),
    )
]

MEDIANS = [
    *over("median", "x.median()", f64(5), f64(2, 3), f64(4), f32(7), i64(5)),
    *each("median", "x.median({})", f64(3, 5), "0", "1", "-1, keepdim=True"),
    *over("median", "x.median()", const([2.0, 2.0]), skip=KINK),
    *over("median", "x.median()", NANS, only=("forward",)),
    *each("nanmedian", "x.nanmedian({})", const([1.0, NAN, 3.0, 2.0]), "", "0", skip={"numeric": "NaN"}),
    *each("mode", "x.mode({})", const([[1.0, 2.0, 2.0], [3.0, 0.0, 3.0]]), "", "0", "1, True", skip=KINK),
    *each("quantile", "x.quantile({})", f64(6), "0.3", "0.5", "0.25, 0", "0.4, interpolation='nearest'"),
    S("quantile", "x.quantile(y, dim=1)", f64(2, 5), const([0.2, 0.7], grad=False)),
]

SAMPLES = relax(
    4,
    "sums are added in another order (pairwise or in lanes) in either library",
    [
        *SUMS,
        *PRODUCTS,
        *SPREADS,
        *PAIRS,
        *EXTREMES,
        *RANGES,
        *LOGSUMS,
        *NORMS,
        *LOGIC,
        *MEDIANS,
    ],
)
