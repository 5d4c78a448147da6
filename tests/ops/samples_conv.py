"""Convolution and its transpose, padding, unfold and fold."""

from __future__ import annotations

from tests.ops.sample import VALUE, S, Sample, c64, c128, each, f32, f64, i64, over, relax, without

ONE_NODE = {
    "node": "torch adds up real convolutions of real and imaginary parts; here a complex convolution is one node",
    "saved": "torch adds up real convolutions of real and imaginary parts; here a complex convolution is one node",
}


def conv(dims: int) -> list[Sample]:
    """Return the samples of a convolution with so many spatial dimensions: all parameters, groups, layouts."""
    op = f"nn.functional.conv{dims}d"
    call = f"F.conv{dims}d(x, y{{}})"
    biased = f"F.conv{dims}d(x, y, z{{}})"
    size, kernel = ((9,), (3,)) if dims == 1 else ((5, 6), (3, 2)) if dims == 2 else ((3, 4, 3), (2, 3, 2))
    plain = (f64(2, 2, *size), f64(3, 2, *kernel))
    grouped = (f64(2, 4, *size), f64(6, 2, *kernel), f64(6))
    named = {"saved": "torch names no padding as one number"}
    return [
        *each(op, call, plain, "", ", None, 2", ", padding=1", ", stride=2, padding=1", ", padding=2", ", padding=[1]"),
        *without(named, each(op, call, plain, ", padding='valid'")),
        *each(op, call, plain, ", padding='same'", ", None, 1, 'same', 2"),
        *each(op, biased, (*plain, f64(3)), "", ", 3, 1, 1, 1", ", stride=2, padding=2, dilation=2"),
        *each(op, biased, grouped, ", groups=2", ", 2, 1, 1, 2"),
        *each(op, biased, (f64(1, 3, *size), f64(6, 1, *kernel), f64(6)), ", groups=3", ", groups=3, padding=1"),
        *each(op, biased, (f64(2, *size), f64(3, 2, *kernel), f64(3)), "", ", padding=1", ", 2", ", padding='same'"),
        *over(
            op,
            call.format(", padding=1"),
            (f32(2, 3, *size), f32(4, 3, *kernel)),
            (f64(2, 2, *size, layout="strided"), f64(3, 2, *kernel, layout="strided")),
            (f64(0, 2, *size), f64(3, 2, *kernel)),
            (f64(2, 1, *size), f64(1, 1, *kernel, grad=False)),
            (f64(2, 1, *size, grad=False), f64(1, 1, *kernel)),
        ),
        *over(op, f"t.conv{dims}d(x, y)", (f64(1, 2, *size), f64(2, 2, *[1] * dims)), plain),
        S(op, call.format(""), i64(1, 2, *size), i64(2, 2, *kernel), only=VALUE),
        *without(
            ONE_NODE,
            [
                S(op, biased.format(", padding=1"), c128(1, 2, *size), c128(2, 2, *kernel), c128(2)),
                S(op, call.format(", stride=2"), c64(1, 2, *size), c64(2, 2, *kernel)),
            ],
        ),
    ]


def transposed(dims: int) -> list[Sample]:
    """Return the samples of a transposed convolution with so many spatial dimensions."""
    op = f"nn.functional.conv_transpose{dims}d"
    call = f"F.conv_transpose{dims}d(x, y{{}})"
    biased = f"F.conv_transpose{dims}d(x, y, z{{}})"
    size, kernel = ((4,), (3,)) if dims == 1 else ((3, 2), (3, 2)) if dims == 2 else ((2, 3, 2), (2, 1, 2))
    plain = (f64(2, 2, *size), f64(2, 3, *kernel))
    pads = (1, 1, 0)[:dims]
    return [
        *each(op, call, plain, "", ", stride=2", f", padding={pads}", ", None, 2, 0, 1", ", dilation=2"),
        *each(op, call, plain, ", stride=2, dilation=3, output_padding=2", ", stride=3, output_padding=1")[: 3 - dims],
        *each(op, biased, (*plain, f64(3)), ", 3, 0, 2", ", dilation=2, output_padding=1"),
        *each(op, biased, (f64(1, 4, *size), f64(4, 1, *kernel), f64(2)), ", groups=2", ", 2, groups=2"),
        *each(op, biased, (f64(2, *size), f64(2, 3, *kernel), f64(3)), "", ", 2"),
        *over(
            op,
            f"t.conv_transpose{dims}d(x, y, stride=2)",
            (f32(2, 3, *size), f32(3, 2, *kernel)),
            (f64(2, 2, *size, layout="strided"), f64(2, 2, *kernel, layout="strided")),
            (f64(0, 2, *size), f64(2, 2, *kernel)),
        ),
        *without(ONE_NODE, [S(op, biased.format(""), c128(1, 2, *size), c128(2, 1, *kernel), c128(1))]),
    ]


PADS = [
    *each(
        "nn.functional.pad",
        "F.pad(x, {})",
        f64(2, 3, 4),
        "(1, 2)",
        "(0, 1, 2, 0)",
        "(1, 1, 1, 1, 1, 1)",
        "(-1, 2)",
        "(-2, -1)",
        "(0, 0)",
        "()",
        "(2, -3, -1, 1), value=2.5",
        "[1, 1], 'constant', 7",
        "(-2, -2)",
    ),
    *over("nn.functional.pad", "F.pad(x, (1, 2), value=3.0)", i64(2, 3), f32(2, 3), f64(0, 3), c128(3), f64(3)),
    S("nn.functional.pad", "F.pad(x, (0, 1))", f64(3, 4, layout="strided")),
    *each("constant_pad_nd", "t.constant_pad_nd(x, {})", f64(2, 3), "(1, 2)", "(1, 0, 0, -1), 2.5"),
    *(
        sample
        for mode in ("reflect", "replicate", "circular")
        for sample in (
            *each("nn.functional.pad", f"F.pad(x, {{}}, mode='{mode}')", f64(2, 4), "(1, 2)", "(3, 0)", "(-1, 1)"),
            *each("nn.functional.pad", f"F.pad(x, {{}}, mode='{mode}')", f64(2, 3, 4), "(1, 2)", "(1, 0, 2, 1)"),
            *each("nn.functional.pad", f"F.pad(x, {{}}, mode='{mode}')", f64(1, 2, 3, 4), "(1, 2, 0, 1)"),
            *each("nn.functional.pad", f"F.pad(x, {{}}, mode='{mode}')", f64(1, 1, 2, 3, 2), "(1, 0, 2, 1, 1, 1)"),
            *over("nn.functional.pad", f"F.pad(x, (2, 1), mode='{mode}')", f32(2, 3), c128(2, 3), f64(0, 2, 3)),
            S("nn.functional.pad", f"F.pad(x, (2, 1), mode='{mode}')", i64(2, 3), only=VALUE),
        )
    ),
    S("nn.functional.pad", "F.pad(x, (5, 4), mode='replicate')", f64(2, 2)),
]

BLOCKS = [
    *each(
        "nn.functional.unfold",
        "F.unfold(x, {})",
        f64(2, 2, 4, 5),
        "2",
        "(2, 3), padding=1",
        "3, stride=2",
        "2, 2, 1, (1, 2)",
        "1",
    ),
    *over("nn.functional.unfold", "F.unfold(x, 2)", f64(3, 3, 3), f32(1, 1, 2, 3), f64(0, 1, 3, 3), c64(1, 3, 3)),
    S("nn.functional.unfold", "F.unfold(x, (2, 1), stride=2)", f64(1, 2, 4, 4, layout="strided")),
    *each("nn.functional.fold", "F.fold(x, (4, 5), {})", f64(2, 8, 12), "2"),
    *each("nn.functional.fold", "F.fold(x, 4, {})", f64(4, 4), "2, stride=2", "2, 3, padding=1, stride=2"),
    *over("nn.functional.fold", "F.fold(x, (3, 3), (2, 2))", f32(1, 4, 4), f64(0, 4, 4), c128(4, 4)),
]

SUMS = "sums of products in another order"
SAMPLES = [
    *relax(8, SUMS, [sample for dims in (1, 2, 3) for sample in (*conv(dims), *transposed(dims))]),
    *relax(2, SUMS, [*PADS, *BLOCKS]),
]
