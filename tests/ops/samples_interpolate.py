"""Resampling: interpolate and its older names."""

from __future__ import annotations

from tests.ops.sample import S, Sample, each, f32, f64, over, relax, u8, without

INTERPOLATE = "nn.functional.interpolate"
SIGNAL, IMAGE, VOLUME = f64(2, 2, 5), f64(1, 2, 4, 3), f64(1, 2, 3, 2, 2)
SUMS = "weighted sums of elements that cancel, added in another order"
OTHER_FACTOR = {"grad": "torch takes another factor than in the forward pass"}
SINGLE = "torch computes the weights in single precision"
VALUES = ("forward", "strides", "node")
WAYS = ("size=7", "size=2", "scale_factor=2.0", "scale_factor=1.7", "scale_factor=0.6", "scale_factor=2")
CORNERS = (*WAYS, "size=7, align_corners=True", "scale_factor=1.7, align_corners=True", "size=1, align_corners=True")


def kind(mode: str, *ways: str) -> list[str]:
    """Return argument texts of one mode."""
    return [f'{way}, mode="{mode}"' for way in ways]


PLAIN: list[Sample] = [
    *each(INTERPOLATE, "F.interpolate(x, {})", SIGNAL, *kind("nearest", *WAYS), *kind("nearest-exact", *WAYS)),
    *each(INTERPOLATE, "F.interpolate(x, {})", IMAGE, *kind("nearest", *WAYS), *kind("nearest-exact", *WAYS)),
    *each(INTERPOLATE, "F.interpolate(x, {})", VOLUME, *kind("nearest", *WAYS), *kind("nearest-exact", *WAYS)),
    *each(INTERPOLATE, "F.interpolate(x, {})", SIGNAL, *kind("linear", *CORNERS)),
    *each(INTERPOLATE, "F.interpolate(x, {})", IMAGE, *kind("bilinear", *CORNERS)),
    *each(INTERPOLATE, "F.interpolate(x, {})", IMAGE, *kind("bicubic", *CORNERS)),
    *each(INTERPOLATE, "F.interpolate(x, {})", VOLUME, *kind("trilinear", *CORNERS)),
    *each(
        INTERPOLATE,
        "F.interpolate(x, {})",
        IMAGE,
        "size=(5, 2)",
        "scale_factor=(1.5, 2.5), recompute_scale_factor=True, mode='bilinear'",
        "scale_factor=(1.5, 2.5), recompute_scale_factor=False, mode='bilinear'",
        "size=(4, 3), mode='bilinear'",
        "size=(4, 3), mode='nearest-exact'",
    ),
]

# Where the rounded size says another factor than the user: torch's backward pass then may take the one that its forward pass
# does not, so the gradient is compared with differences only.
ROUNDED: list[Sample] = [
    *each(INTERPOLATE, "F.interpolate(x, {})", SIGNAL, *kind("nearest", "scale_factor=1.15", "scale_factor=2.15")),
    *each(INTERPOLATE, "F.interpolate(x, {})", IMAGE, *kind("nearest", "scale_factor=1.15", "scale_factor=2.15")),
    *each(INTERPOLATE, "F.interpolate(x, {})", VOLUME, *kind("nearest", "scale_factor=1.15", "scale_factor=2.15")),
    *each(INTERPOLATE, "F.interpolate(x, scale_factor=1.15, {})", IMAGE, "mode='bilinear'", "mode='bicubic'"),
    *each(
        INTERPOLATE,
        "F.interpolate(x, scale_factor=1.15, antialias=True, {})",
        IMAGE,
        "mode='bilinear'",
        "mode='bicubic'",
        "mode='lanczos'",
    ),
]

AREA: list[Sample] = [
    *each(INTERPOLATE, "F.interpolate(x, {})", SIGNAL, *kind("area", "size=3", "scale_factor=1.7")),
    *each(INTERPOLATE, "F.interpolate(x, {})", IMAGE, *kind("area", "size=(2, 5)", "scale_factor=0.6")),
    *each(INTERPOLATE, "F.interpolate(x, {})", VOLUME, *kind("area", "size=2", "scale_factor=2.0")),
]

SMOOTHED: list[Sample] = [
    sample
    for mode in ("bilinear", "bicubic")
    for sample in each(INTERPOLATE, "F.interpolate(x, antialias=True, {})", f64(1, 2, 6, 4), *kind(mode, *CORNERS))
]
SMOOTHED += each(INTERPOLATE, "F.interpolate(x, antialias=True, {})", f64(1, 2, 6, 4), *kind("lanczos", *WAYS))

LAYOUTS: list[Sample] = [
    *over(
        INTERPOLATE,
        "F.interpolate(x, scale_factor=2)",
        f64(2, 2, 3, 2, layout="transposed"),
        f64(2, 3, 2, 2, layout="strided"),
        f64(0, 2, 3, 2),
        f32(1, 1, 5, 4),
    ),
    *each(
        INTERPOLATE,
        "F.interpolate(x.permute(0, 3, 1, 2), size=(5, 3){})",
        f64(2, 3, 2, 4),
        "",
        ", mode='bilinear'",
        ", mode='bicubic'",
        ", mode='bicubic', antialias=True",
    ),
    *over(INTERPOLATE, "F.interpolate(x, size=(5, 6), mode='bilinear')", f32(2, 3, 3, 4), f64(0, 2, 3, 2)),
    *over(INTERPOLATE, "F.interpolate(x, size=(5, 6), mode='bicubic')", f32(2, 3, 3, 4)),
    *over(INTERPOLATE, "F.interpolate(x, size=(2, 3), mode='bicubic', antialias=True)", f32(2, 3, 7, 9)),
    *each(INTERPOLATE, "F.interpolate(x, size=(5, 6){})", u8(1, 2, 3, 4), "", ", mode='nearest-exact'", only=VALUES),
    S("nn.functional.upsample", "F.upsample(x, scale_factor=2, mode='linear')", SIGNAL),
    S("nn.functional.upsample_nearest", "F.upsample_nearest(x, size=(5, 7))", IMAGE),
    S("nn.functional.upsample_bilinear", "F.upsample_bilinear(x, scale_factor=2)", IMAGE),
]

SAMPLES = [*relax(10, SUMS, [*PLAIN, *without(OTHER_FACTOR, ROUNDED), *AREA, *SMOOTHED]), *relax(16, SINGLE, LAYOUTS)]
