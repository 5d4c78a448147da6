"""Pooling: maxima, means and norms of windows, regular, adaptive and fractional; unpooling."""

from __future__ import annotations

from tests.ops.sample import INF, NAN, VALUE, S, Sample, c128, const, each, f16, f32, f64, i64, over, relax, without

SIZES = {1: (9,), 2: (5, 6), 3: (4, 3, 5)}
KINK = {"numeric": "the maximum has a kink there"}


def maxima(dims: int) -> list[Sample]:
    """Return the samples of max pooling over so many dimensions."""
    op = f"nn.functional.max_pool{dims}d"
    call = f"F.max_pool{dims}d(x, {{}})"
    x = f64(2, 2, *SIZES[dims], domain="distinct")
    ties = f64(1, 2, *SIZES[dims], domain="ties")
    return [
        *each(op, call, x, "2", "3, 1", "3, 2, 1", "2, padding=1", "2, 1, 0, 2", "2, dilation=2, padding=1, stride=3"),
        *each(op, call, x, "3, 2, ceil_mode=True", "2, 3, 1, 1, True", "2, ceil_mode=True", "[2]", "1", "(3), (2)"),
        *each(op, call, x, "2, return_indices=True", "3, 2, 1, return_indices=True", "3, 1, 1, 1, True, True"),
        *each(op, call, x, "2, stride=2, dilation=1", "kernel_size=2, stride=1"),
        *without(KINK, each(op, call, ties, "2", "3, 2, 1, return_indices=True")),
        *over(
            op,
            call.format("2"),
            f64(2, *SIZES[dims], domain="distinct"),
            f32(2, 1, *SIZES[dims]),
            f64(2, 1, *SIZES[dims], layout="strided", domain="distinct"),
            f64(0, 2, *SIZES[dims]),
        ),
        S(op, call.format("2"), f16(1, 2, *SIZES[dims], domain="ties"), only=VALUE),
        *over(f"max_pool{dims}d", f"t.max_pool{dims}d(x, 2, 1, padding=1)", f64(1, 2, *SIZES[dims], domain="distinct")),
        S(op, f"F.max_pool{dims}d_with_indices(x, 2, 1)", f64(1, 2, *SIZES[dims], domain="distinct")),
    ]


MAXIMA = [
    *(sample for dims in (1, 2, 3) for sample in maxima(dims)),
    *each(
        "nn.functional.max_pool2d", "F.max_pool2d(x, {})", f64(1, 5, 6), "(2, 3)", "(2, 1), (1, 2), (1, 0)", "(3, 1)"
    ),
    S("nn.functional.max_pool2d", "F.max_pool2d(x, 2, 1, 1, return_indices=True)", i64(2, 3, 4), only=VALUE),
    *over(
        "nn.functional.max_pool2d",
        "F.max_pool2d(x, 2, 1, 1, return_indices=True)",
        const([[[1.0, NAN, 2.0], [NAN, 5.0, 6.0], [0.0, INF, -INF]]]),
        const([[[-INF, -INF, -INF], [-INF, -INF, 0.0], [1.0, -INF, -INF]]]),
        const([[[1.0, NAN, 2.0], [NAN, 5.0, 6.0]]], "float32"),
        only=VALUE,
    ),
    S("nn.functional.max_pool1d", "F.max_pool1d(x, 2)", const([[1.0, 1.0, 0.0, 0.0]]), skip=KINK),
    S("max_pool1d_with_indices", "t.max_pool1d_with_indices(x, 2)", f64(2, 5, domain="distinct")),
]


def means(dims: int) -> list[Sample]:
    """Return the samples of average pooling over so many dimensions."""
    op = f"nn.functional.avg_pool{dims}d"
    call = f"F.avg_pool{dims}d(x, {{}})"
    x = f64(2, 2, *SIZES[dims])
    halves = (f16(1, *SIZES[dims], domain="ties"),) if dims < 3 else ()  # torch has none for three dimensions
    divisor = ("2, divisor_override=3", "3, 2, 1, False, True, -2") if dims > 1 else ()
    return [
        *each(op, call, x, "2", "3, 1", "3, 2, 1", "2, padding=1", "2, 3, 1, ceil_mode=True", "1", "[2], [1]"),
        *each(op, call, x, "2, 3, 1, True, False", "3, 2, 1, count_include_pad=False", "3, 2, 1, True, False"),
        *each(op, call, x, "2, ceil_mode=True", "2, 2, 1, True", *divisor),
        *over(
            op,
            call.format("2"),
            f64(2, *SIZES[dims]),
            f32(2, 1, *SIZES[dims]),
            f64(2, 1, *SIZES[dims], layout="strided"),
            f64(0, 2, *SIZES[dims]),
        ),
        *over(op, call.format("3, 2, 1"), i64(1, *SIZES[dims]), *halves, only=VALUE),
    ]


MEANS = [
    *(sample for dims in (1, 2, 3) for sample in means(dims)),
    *each("nn.functional.avg_pool2d", "F.avg_pool2d(x, {})", f64(1, 5, 6), "(2, 3)", "(2, 1), (1, 2), (1, 0)"),
    S("avg_pool1d", "t.avg_pool1d(x, 2, 1)", f64(2, 5)),
    S(
        "nn.functional.avg_pool2d",
        "F.avg_pool2d(x, (2, 2))",
        f64(1, 4, 4),
        out="F.avg_pool2d(x, (2, 2), out=out)",
    ),
    *(
        sample
        for dims in (1, 2, 3)
        for sample in each(
            f"nn.functional.lp_pool{dims}d",
            f"F.lp_pool{dims}d(x, {{}})",
            f64(2, *SIZES[dims], domain="positive"),
            "2, 2",
            "3.0, 2, 1",
            "1.5, 3, stride=2, ceil_mode=True",
        )
    ),
]


def adaptive(dims: int) -> list[Sample]:
    """Return the samples of adaptive pooling over so many dimensions."""
    x = f64(2, 2, *SIZES[dims], domain="distinct")
    shapes = {
        1: ("3", "4", "9", "12"),
        2: ("(5, 3)", "3", "(None, 4)", "(7, 8)"),
        3: ("2", "(2, None, 5)", "(5, 4, 3)"),
    }
    inputs = (
        f64(1, *SIZES[dims], domain="distinct"),
        f32(2, 1, *SIZES[dims]),
        f64(2, 1, *SIZES[dims], layout="strided", domain="distinct"),
        f64(0, 2, *SIZES[dims]),
    )
    found = []
    for kind in ("avg", "max"):
        op = f"nn.functional.adaptive_{kind}_pool{dims}d"
        call = f"F.adaptive_{kind}_pool{dims}d(x, {{}})"
        found += [*each(op, call, x, *shapes[dims], "1"), *over(op, call.format("2"), *inputs)]
    op = f"nn.functional.adaptive_max_pool{dims}d"
    ties = f64(1, *SIZES[dims], domain="ties")
    return [
        *found,
        *each(op, f"F.adaptive_max_pool{dims}d(x, {{}}, return_indices=True)", x, *shapes[dims][:2]),
        *without(KINK, [S(op, f"F.adaptive_max_pool{dims}d(x, 2, True)", ties)]),
    ]


ADAPTIVE = [
    *(sample for dims in (1, 2, 3) for sample in adaptive(dims)),
    S("nn.functional.adaptive_avg_pool2d", "F.adaptive_avg_pool2d(x, 1)", c128(1, 2, 3)),
    S("nn.functional.adaptive_avg_pool2d", "F.adaptive_avg_pool2d(x, (2, 2))", f16(1, 3, 3, domain="ties"), only=VALUE),
    S("adaptive_avg_pool1d", "t.adaptive_avg_pool1d(x, 2)", f64(2, 5)),
    S("adaptive_max_pool1d", "t.adaptive_max_pool1d(x, 2)", f64(2, 5, domain="distinct")),
    S(
        "nn.functional.adaptive_max_pool2d",
        "F.adaptive_max_pool2d(x, 2, True)",
        const([[[1.0, NAN, 2.0], [NAN, 5.0, 6.0], [0.0, INF, -INF]]]),
        only=VALUE,
    ),
]

PLACES = const([[[0, 3], [9, 10]], [[5, 2], [8, 15]]], "int64")
UNPOOLED = [
    *each("nn.functional.max_unpool2d", "F.max_unpool2d(x, y, {})", (f64(2, 2, 2), PLACES), "2", "2, 2, 0, (5, 4)"),
    *each("nn.functional.max_unpool2d", "F.max_unpool2d(x, y, {})", (f32(2, 2, 2), PLACES), "3, stride=2", "4, 2, 1"),
    S(
        "nn.functional.max_unpool1d",
        "F.max_unpool1d(x, y, 2)",
        f64(2, 3),
        const([[0, 3, 4], [1, 2, 5]], "int64"),
    ),
    S("nn.functional.max_unpool3d", "F.max_unpool3d(x, y.unsqueeze(0), 2)", f64(1, 2, 2, 2), PLACES),
    *(
        S(f"nn.functional.max_unpool{d}d", f"F.max_unpool{d}d(*F.max_pool{d}d(x, 2, return_indices=True), 2)", x)
        for d, x in ((1, f64(2, 6)), (2, f64(1, 1, 4, 4)), (3, f64(1, 2, 4, 2)))
    ),
]

FRACTIONAL = [
    S(
        "nn.functional.fractional_max_pool2d",
        "F.fractional_max_pool2d(x, 2, 3, _random_samples=y)",
        f64(0, 2, 6, 7),
        f64(0, 2, 2, grad=False),
    ),
    *each(
        "nn.functional.fractional_max_pool2d",
        "F.fractional_max_pool2d(x, {}, _random_samples=y)",
        (f64(2, 2, 6, 7, domain="distinct"), f64(2, 2, 2, domain="prob", grad=False)),
        "2, (3, 4)",
        "3, 1",
        "(2, 1), output_ratio=(0.5, 0.7)",
        "2, 4, return_indices=True",
    ),
    *each(
        "nn.functional.fractional_max_pool3d",
        "F.fractional_max_pool3d(x, {}, _random_samples=y)",
        (f64(2, 5, 6, 4, domain="distinct"), f64(1, 2, 3, domain="prob", grad=False)),
        "2, 2",
        "(2, 3, 1), (3, 2, 2)",
        "2, output_ratio=0.5, return_indices=True",
    ),
]

SAMPLES = relax(4, "sums in another order", [*MAXIMA, *MEANS, *ADAPTIVE, *UNPOOLED, *FRACTIONAL])
