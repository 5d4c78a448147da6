"""Sorting and selection, and running sums, products and extremes."""

from __future__ import annotations

from tests.ops.sample import (
    INF,
    NAN,
    S,
    Sample,
    b8,
    c128,
    const,
    each,
    f32,
    f64,
    i64,
    over,
    relax,
    relax_only,
)

PLANE = f64(3, 4, domain="distinct")
TIED = const([1.0, 0.0, 1.0, 2.0, 0.0, 1.0])
NANS = const([2.0, NAN, -1.0, INF, -INF, 0.0])
TIES = {"numeric": "ties: the order, and so the derivative, jumps there"}
NO_ADDRESS = {"saved": "both outputs are empty: they have no address that would tell them apart"}
SHAPE_ONLY = {"saved": "torch keeps a tensor of which the gradient reads the shape; wengert keeps the shape"}
LAST_STEP = {"node": "whether the sum or the factor comes last is an order of the same steps"}
GUARDED = "torch's running tangent is 1e-13 off already for a single number"
LAYOUTS = (f64(0, 3), f64(2, 0), f64(), f32(7, 2), f64(3, 4, layout="transposed"), f64(3, 4, layout="strided"))

SORTS: list[Sample] = [
    *each(
        "sort",
        "x.sort({})",
        PLANE,
        "",
        "0",
        "-1, True",
        "dim=1, descending=True",
        "stable=True",
        "stable=True, dim=0, descending=True",
    ),
    *over("sort", "t.sort(x)", *LAYOUTS, i64(6), b8(4)),
    *over("sort", "t.sort(x, stable=True)", TIED, skip=TIES),
    *over("sort", "t.sort(x, stable=True, descending=True)", TIED, skip=TIES),
    *over("sort", "t.sort(x)", TIED, NANS, only=("forward", "grad")),
    *over("sort", "t.sort(x, descending=True)", NANS, only=("forward",)),
    S("sort", "t.sort(x, 1)", f64(2, 3, domain="distinct"), out="t.sort(x, 1, out=out)"),
    S("sort", "x.sort()[0] * y", f64(4), f64(4)),
    S("sort", "x.sort().values.cumsum(0)", f64(4)),
    *each(
        "argsort",
        "x.argsort({})",
        f64(3, 4),
        "",
        "0",
        "-1, True",
        "dim=0, descending=True",
        "stable=True",
        only=("forward",),
    ),
    *over("argsort", "t.argsort(x, stable=True)", TIED, NANS, i64(6), only=("forward",)),
    *each("msort", "t.msort(x{})", PLANE, ""),
]

TOPK: list[Sample] = [
    *each("topk", "x.topk({})", PLANE, "2", "1", "3, 0", "2, -1, False", "k=2, dim=0, largest=False", "4"),
    *each("topk", "x.topk({}).values", f64(), "0", "1", only=("forward",)),
    *each("topk", "x.topk({})", PLANE, "0", skip=NO_ADDRESS),
    *over("topk", "t.topk(x, 2)", f64(5), f32(6), i64(5), f64(4, 3, layout="transposed")),
    *each("topk", "x.topk({}).values", PLANE, "2, sorted=True"),
    S("topk", "t.topk(x, 2)", f64(2, 3, domain="distinct"), out="t.topk(x, 2, out=out)"),
    *over("topk", "t.topk(x, 3).values", TIED, NANS, only=("forward",)),
    *each("kthvalue", "x.kthvalue({})", PLANE, "1", "2, 0", "3, dim=-1, keepdim=True"),
    *over("kthvalue", "t.kthvalue(x, 2)", f64(5), i64(5), f64(3, layout="strided")),
    *each(
        "unique",
        "x.unique({})",
        const([2, 1, 2, 3], "int64"),
        "",
        "return_inverse=True",
        "return_counts=True",
        only=("forward",),
    ),
    *each(
        "unique_consecutive",
        "x.unique_consecutive({})",
        const([2, 2, 1, 2], "int64"),
        "",
        "return_counts=True",
        only=("forward",),
    ),
    *each("histc", "x.histc({})", f64(9, grad=False), "5", "4, -1, 1", only=("forward",)),
]

RUNNING: list[Sample] = [
    *each("cumsum", "x.cumsum({})", f64(2, 3, 4), "0", "-1", "dim=1", inplace="x.cumsum_({})"),
    *over("cumsum", "t.cumsum(x, 0)", *LAYOUTS, i64(5), b8(4), c128(3), f32(40)),
    *each("cumsum", "t.cumsum(x, 0, dtype=t.{})", i64(3), "float32", "int32"),
    S("cumsum", "t.cumsum(x, 1)", f64(2, 3), out="t.cumsum(x, 1, out=out)"),
    *each("cumprod", "x.cumprod({})", f64(2, 3, 4), "0", "-1", "dim=1", inplace="x.cumprod_({})"),
    *over("cumprod", "t.cumprod(x, 0)", *LAYOUTS, i64(5), c128(3), const([2.0, 3.0, 4.0])),
    *over(
        "cumprod",
        "t.cumprod(x, 0)",
        const([2.0, 0.0, 3.0]),
        const([0.0, 0.0, 3.0, 4.0]),
        const([[0.0, 1.0], [2.0, 0.0]]),
    ),
    *relax_only(
        ("jvp",),
        1e4,
        GUARDED,
        [
            *each("logcumsumexp", "x.logcumsumexp({})", f64(2, 3), "0", "-1"),
            *over("logcumsumexp", "t.logcumsumexp(x, 0)", *(i for i in LAYOUTS[1:] if i.dtype == "float64")),
            S("logcumsumexp", "t.logcumsumexp(x, 0)", const([1000.0, 1001.0, -1000.0])),
        ],
    ),
    S("logcumsumexp", "t.logcumsumexp(x, 0)", f32(7, 2)),
    *over(
        "logcumsumexp",
        "t.logcumsumexp(x, 0)",
        const([-2000.0, 1 + 1j, 5 - 2j], "complex128"),
        only=("forward", "grad"),
    ),
    S("logcumsumexp", "t.logcumsumexp(x, 0)", c128(0, 3), only=("forward",)),
    *over("trapezoid", "t.trapezoid(x)", i64(0), i64(3), only=("forward",)),
    *each("cummax", "x.cummax({})", PLANE, "0", "-1", skip=SHAPE_ONLY),
    *each("cummin", "x.cummin({})", PLANE, "0", "-1", skip=SHAPE_ONLY),
    *over("cummax", "t.cummax(x, 0)", TIED, skip={**TIES, **SHAPE_ONLY}),
    *over("cummin", "t.cummin(x, 0)", TIED, skip={**TIES, **SHAPE_ONLY}),
    *over("cummax", "t.cummax(x, 0)", NANS, i64(5), f64(0), only=("forward",)),
    *over("cummin", "t.cummin(x, 0)", NANS, i64(5), f64(0), only=("forward",)),
    *each("renorm", "t.renorm(x, 2, {})", f64(3, 4), "0, 1.0", "1, 0.5"),
    *each("trapezoid", "t.trapezoid(x{})", f64(2, 4), "", ", dx=0.5", skip=LAST_STEP),
    *each("cumulative_trapezoid", "t.cumulative_trapezoid(x{})", f64(2, 4), ""),
    *each("cov", "t.cov(x{})", f64(2, 4), "", ", correction=0"),
    *each("corrcoef", "t.corrcoef(x)", f64(2, 4), ""),
]

SAMPLES = [*SORTS, *TOPK, *relax(8, "running sums and products carry the rounding of every step", RUNNING)]
