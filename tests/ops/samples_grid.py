"""Grids of sampling points, and channels and pixels in other places."""

from __future__ import annotations

from tests.ops.sample import S, Sample, c128, each, f32, f64, i64, over, relax, without

GRID = "nn.functional.grid_sample"
IMAGE, POINTS = f64(2, 2, 4, 3), f64(2, 2, 2, 2)
VOLUME, PLACES = f64(1, 2, 3, 2, 2), f64(1, 2, 2, 1, 3)
PADDINGS = ("zeros", "border", "reflection")
NO_FORWARD = {"jvp": "torch has no forward mode for it"}
SUMS = "weighted sums of elements that cancel, added in another order"
VALUES = ("forward", "strides", "node")

SAMPLED: list[Sample] = [
    sample
    for mode in ("bilinear", "nearest", "bicubic")
    for padding in PADDINGS
    for sample in each(
        GRID,
        f"F.grid_sample(x, y, '{mode}', '{padding}', {{}})",
        (IMAGE, POINTS),
        "align_corners=False",
        "align_corners=True",
    )
]
SAMPLED += [
    sample
    for mode in ("bilinear", "nearest")
    for padding in PADDINGS
    for sample in each(
        GRID,
        f"F.grid_sample(x, y, '{mode}', '{padding}', {{}})",
        (VOLUME, PLACES),
        "align_corners=False",
        "align_corners=True",
    )
]
SAMPLED += [
    *over(
        GRID,
        "F.grid_sample(x, y, align_corners=False)",
        (f32(2, 2, 4, 3), f32(2, 3, 2, 2)),
        (f64(0, 2, 4, 3), f64(0, 3, 2, 2)),
        (f64(1, 2, 4, 3, layout="transposed"), f64(1, 3, 2, 2, layout="strided")),
        (f64(1, 2, 4, 3, grad=False), f64(1, 3, 2, 2)),
        (f64(1, 2, 4, 3), f64(1, 3, 2, 2, grad=False)),
        (f64(1, 2, 1, 1), f64(1, 3, 2, 2)),
    ),
    S(GRID, "F.grid_sample(x, y, padding_mode='reflection', align_corners=True)", f64(1, 2, 1, 1), f64(1, 3, 2, 2)),
    S(GRID, "F.grid_sample(x, y * 9, padding_mode='reflection', align_corners=False)", IMAGE, POINTS),
    S("grid_sampler", "t.grid_sampler(x, y, 0, 1, True)", IMAGE, POINTS),
]

AFFINE: list[Sample] = [
    *each(
        "nn.functional.affine_grid",
        "F.affine_grid(x, {})",
        f64(2, 2, 3),
        "(2, 1, 3, 2), align_corners=False",
        "(2, 1, 3, 2), align_corners=True",
        "(2, 1, 1, 4), align_corners=True",
    ),
    *each("nn.functional.affine_grid", "F.affine_grid(x, (1, 2, 2, 3, 2), {})", f64(1, 3, 4), "True", "False"),
    S("nn.functional.affine_grid", "F.affine_grid(x, (2, 1, 3, 2), False)", f32(2, 2, 3)),
    S("affine_grid_generator", "t.affine_grid_generator(x, (2, 1, 3, 2), False)", f64(2, 2, 3)),
]

SHUFFLED: list[Sample] = [
    *without(
        NO_FORWARD,
        [
            *each("channel_shuffle", "t.channel_shuffle(x, {})", f64(2, 6, 3), "1", "2", "3", "6"),
            *over("channel_shuffle", "t.channel_shuffle(x, 2)", f64(2, 4, 2, 3), f64(0, 4, 2), f32(1, 4, 2, 2, 2)),
            S("channel_shuffle", "t.channel_shuffle(x, 2)", f64(3, 4, 2, layout="transposed")),
        ],
    ),
    S("nn.functional.channel_shuffle", "F.channel_shuffle(x, 2)", f64(2, 4, 3), skip=NO_FORWARD),
    S("channel_shuffle", "t.channel_shuffle(x, 2)", i64(2, 4, 3), only=VALUES),
    *over(
        "pixel_shuffle",
        "t.pixel_shuffle(x, 2)",
        f64(4, 2, 3),
        f64(2, 8, 2, 1),
        f64(2, 1, 4, 2, 2),
        c128(4, 2, 1),
        f32(4, 3, 3, layout="transposed"),
    ),
    S("pixel_shuffle", "t.pixel_shuffle(x, 2)", f64(0, 4, 2, 2), only=VALUES),  # torch's gradient has the wrong shape
    S("pixel_shuffle", "t.pixel_shuffle(x.permute(0, 3, 1, 2), 2)", f64(2, 2, 3, 8)),
    S("pixel_shuffle", "t.pixel_shuffle(x, 1)", f64(3, 2, 1)),
    S("nn.functional.pixel_shuffle", "F.pixel_shuffle(x, 3)", f64(9, 2, 1)),
    S("pixel_shuffle", "t.pixel_shuffle(x, 2)", i64(4, 3, 2), only=VALUES),
    *over(
        "pixel_unshuffle",
        "t.pixel_unshuffle(x, 2)",
        f64(1, 4, 2),
        f64(2, 2, 2, 4),
        c128(1, 2, 4),
        f32(4, 4, 4, layout="transposed"),
    ),
    S("pixel_unshuffle", "t.pixel_unshuffle(x.permute(0, 3, 1, 2), 2)", f64(2, 4, 6, 3)),
    S("nn.functional.pixel_unshuffle", "F.pixel_unshuffle(x, 3)", f64(1, 3, 6)),
]

SAMPLES = [*relax(32, SUMS, without(NO_FORWARD, SAMPLED)), *relax(2, SUMS, AFFINE), *SHUFFLED]
