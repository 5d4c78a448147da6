"""Short-time Fourier transforms and their inverses, and window functions."""

from __future__ import annotations

from tests.ops.sample import VALUE, Sample, c64, c128, each, f32, f64, over, relax, without

STEPS = (
    "window=y",
    "hop_length=3, window=y",
    "window=y, center=False",
    "window=y, pad_mode='constant'",
    "window=y, pad_mode='replicate'",
    "window=y, pad_mode='circular'",
    "window=y, normalized=True",
    "window=y, onesided=False",
    "window=y, center=False, align_to_window=True",
    "window=y, center=False, align_to_window=False",
)
SHORTER = ("2, 6, y", "2, 6, y, center=False, align_to_window=True", "3, 6, y, False, 'reflect', True, False")
BACK = (
    "window=y",
    "window=y, length=9",
    "window=y, length=7",
    "window=y, normalized=True",
    "window=y, center=False",
    "2, 8, y, True, False, True",
)
WINDOW = f64(8, domain="positive")
PARTS = {"saved": "frames are views made by unfold, and padding gathers: other nodes hold other tensors"}

FORTH: list[Sample] = [
    *each("stft", "t.stft(x, 8, {}, return_complex=True)", (f64(12), WINDOW), *STEPS),
    *each("stft", "t.stft(x, 8, {}, return_complex=True)", (f64(2, 12), WINDOW), *STEPS[:4]),
    *each("stft", "t.stft(x, 8, {}, return_complex=True)", (f64(12), f64(6, domain="positive")), *SHORTER),
    *over(
        "stft",
        "x.stft(8, window=y, return_complex=True)",
        (c128(12), WINDOW),
        (c64(2, 12), f32(8, domain="positive")),
        (f32(12), f32(8, domain="positive")),
        (f32(12), WINDOW),
        (f64(12), c128(8)),
        (c128(12), c128(8)),
        (f64(3, 12, layout="transposed"), WINDOW),
    ),
    *over("stft", "t.stft(x, 4, window=y, return_complex=True)", (f64(6), f64(4, domain="positive"))),
    *over("stft", "t.stft(x, 7, 3, window=y, return_complex=True).abs()", (f64(12), f64(7, domain="positive"))),
]
BACKWARD: list[Sample] = [
    *each("istft", "t.istft(x, 8, {})", (c128(5, 4), WINDOW), *BACK),
    *each("istft", "t.istft(x, 8, {})", (c128(2, 5, 3), WINDOW), *BACK[:2]),
    *each("istft", "t.istft(x, 8, {})", (c128(8, 4), WINDOW), "window=y", "window=y, onesided=False"),
    *each(
        "istft", "t.istft(x, 8, {}, return_complex=True)", (c128(8, 4), WINDOW), "window=y", "window=y, onesided=False"
    ),
    *each("istft", "t.istft(x, 8, {})", (c128(5, 4), f64(6, domain="positive")), "2, 6, y", "1, 6, y"),
    *over(
        "istft", "x.istft(8, window=y)", (c64(5, 4), f32(8, domain="positive")), (c128(5, 4), f32(8, domain="positive"))
    ),
    *over(
        "istft",
        "t.istft(t.stft(x, 8, window=y, return_complex=True), 8, window=y)",
        (f64(12), WINDOW),
        only=("forward",),
    ),
]
LENGTHS = ("1", "7", "8", "7, {}=False", "8, {}=False, dtype=t.float64")
WINDOWS: list[Sample] = [
    s
    for name in ("bartlett", "blackman", "hamming", "hann", "kaiser")
    for s in each(
        f"{name}_window", f"t.{name}_window({{}})", (), *[a.replace("{}", "periodic") for a in LENGTHS], only=VALUE
    )
]
SIGNAL_WINDOWS: list[Sample] = [
    s
    for name in (
        "bartlett", "blackman", "cosine", "exponential", "gaussian", "general_hamming", "hamming", "hann", "kaiser", "nuttall",
    )
    for s in each(
        f"signal.windows.{name}",
        f"t.signal.windows.{name}({{}})",
        (),
        *[a.replace("{}", "sym") for a in LENGTHS],
        only=VALUE,
    )
]  # fmt: skip
SHAPED: list[Sample] = [
    *each("hamming_window", "t.hamming_window({})", (), "5, True, 0.5", "5, False, 0.5, 0.4", only=VALUE),
    *each("kaiser_window", "t.kaiser_window({})", (), "5, True, 4.0", "5, False, beta=3.0", only=VALUE),
    *each(
        "signal.windows.exponential",
        "t.signal.windows.exponential({})",
        (),
        "5, tau=2.5",
        "5, tau=2.5, center=1.0, sym=False",
        only=VALUE,
    ),
    *each(
        "signal.windows.gaussian",
        "t.signal.windows.gaussian({})",
        (),
        "6, std=2.5",
        "6, std=0.4, sym=False",
        only=VALUE,
    ),
    *each("signal.windows.kaiser", "t.signal.windows.kaiser({})", (), "6, beta=0.0", "6, beta=14.0", only=VALUE),
    *each("signal.windows.general_hamming", "t.signal.windows.general_hamming({})", (), "6, alpha=0.3", only=VALUE),
    *each(
        "signal.windows.general_cosine", "t.signal.windows.general_cosine({})", (), "6, a=[0.5, 0.3, 0.2]", only=VALUE
    ),
]

SAMPLES = [
    *relax(16, "sums of overlapping frames in another order", without(PARTS, [*FORTH, *BACKWARD])),
    *relax(8, "computed in double precision here, in the result's by torch", [*WINDOWS, *SIGNAL_WINDOWS, *SHAPED]),
]
